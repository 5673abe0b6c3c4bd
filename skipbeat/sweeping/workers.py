"""Who prices points: this process, the cores of this machine, or the workers of a Dask cluster.

An answer belongs to a key, so that a second answer for one changes nothing; a point whose worker is lost is given to
another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.extras import require_packages
from skipbeat_arch.workers import worker_processes

from .points import Point
from .pricing import Priced, price

#: So often a point is given to another worker; one that kills every worker is refused.
_MOST_TRIES = 5


class Workers(Protocol):
    """Prices points, several at a time."""

    #: Points that are best under way at once.
    places: int

    def give(self, point: Point) -> None:
        """Begin with a point; one that is under way, or whose answer was not taken, is not begun again."""

    def take(self) -> Priced:
        """The next answer, in whatever order they come."""


class _Here:
    """One after the other in this process."""

    def __init__(self) -> None:
        self.places, self._points = 1, list[Point]()

    def give(self, point: Point) -> None:
        self._points.append(point)

    def take(self) -> Priced:
        return price(self._points.pop(0))


class _Elsewhere:
    """Futures of any kind, which lost workers may end."""

    def __init__(self, places: int, submit: Callable[[Point, int], Any], wait: Callable[[list[Any]], Any]) -> None:
        self.places, self._submit, self._wait = places, submit, wait
        self._under_way: dict[Any, tuple[Point, int]] = {}

    def give(self, point: Point) -> None:
        if all(point.key != other.key for other, _ in self._under_way.values()):
            self._under_way[self._submit(point, 0)] = point, 0

    def take(self) -> Priced:
        while True:
            done = self._wait(list(self._under_way))
            point, tries = self._under_way.pop(done)
            try:
                found = done.result()
            except Exception as error:  # whatever kills a worker, the point is not lost
                if tries + 1 < _MOST_TRIES:
                    self._under_way[self._submit(point, tries + 1)] = point, tries + 1
                    continue
                return Priced(key=point.key, refused=f"its worker was lost {_MOST_TRIES} times: {described(error)}")
            if not isinstance(found, Priced):
                raise TypeError(f"{point.key}: a worker answered with {type(found).__name__}")
            return found


@contextmanager
def workers(jobs: int, scheduler: str | None) -> Iterator[Workers]:
    """Workers for the time of a study; those of this machine end with it, whatever they are doing.

    Raises:
        InputError: a package is missing, or the scheduler does not answer.
    """
    if scheduler is not None:
        with _cluster(scheduler) as found:
            yield found
    elif jobs == 1:
        yield _Here()
    else:
        with _cores(jobs) as found:
            yield found


@contextmanager
def _cores(jobs: int) -> Iterator[Workers]:
    require_packages("to price several points at a time", "joblib")
    from concurrent.futures import FIRST_COMPLETED, Future, wait

    def first(futures: list[Future[Priced]]) -> Future[Priced]:
        return next(iter(wait(futures, return_when=FIRST_COMPLETED).done))

    with worker_processes(jobs) as submit:
        yield _Elsewhere(jobs, lambda point, _: submit(price, point), first)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Workers]:
    require_packages("for --scheduler", "distributed")
    from concurrent.futures import CancelledError

    from distributed import Client, wait

    try:
        client = Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {scheduler}: it does not answer: {described(error)}") from None

    def submit(point: Point, tries: int) -> Any:
        return client.submit(price, point, key=f"skipbeat-{point.key}-{tries}", pure=False)

    def first(futures: list[Any]) -> Any:
        while True:
            if (done := next((future for future in futures if future.done()), None)) is not None:
                return done
            with suppress(TimeoutError, CancelledError):  # looked at again; what was cancelled is done
                wait(futures, timeout=1.0, return_when="FIRST_COMPLETED")

    with client:
        client.wait_for_workers(1)
        places = sum(client.nthreads().values())
        yield _Elsewhere(2 * max(places, 1), submit, first)
