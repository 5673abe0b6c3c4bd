"""A study in its storage: which points come next, what is known already, and what came of each.

Optuna keeps it. Each trial has its choice of parameters, and, when it has ended, the objectives' values and the point's
row; a trial that was refused has failed, with the reason. So a storage is all that a study needs to go on.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.extras import require_packages

from .points import Point, Points
from .pricing import Priced, as_json
from .storage import Storage
from .study_file import OBJECTIVES, StudyFile, Value, planned

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial

#: Methods whose choices are known beforehand.
_PLANNED = ("grid", "random")
_ROW, _STUDY = "skipbeat", "skipbeat study"


class Search:
    """Points of a study, in turn.

    Attributes:
        ended: trials that have a price or were refused.

    Raises:
        InputError: Optuna is missing, the storage cannot be opened, or it has another study of that name; later, that
            another search shares the storage.
    """

    def __init__(self, study: StudyFile, storage: Storage) -> None:
        require_packages("to keep a study", "optuna")
        self._study, self._points, self._storage = study, Points(study), storage
        self._known: dict[str, Priced] = {}
        self._waiting: dict[str, list[Trial]] = {}
        self._optuna = self._open()
        self.ended = self._recall()
        self._planned = self._rest_of_plan() if study.search.method in _PLANNED else None

    @property
    def wanted(self) -> int:
        """Trials in all, those that have ended included."""
        search, size = self._study.search, self._study.size
        return size if search.method == "grid" else min(search.trials, size) if self._planned else search.trials

    def ask(self) -> Point | Priced | None:
        """The next point that must be priced, or what is known of the next one; None if there is none for now."""
        while self.ended + self._under_way < self.wanted:
            trial = self._next_trial()
            if trial is None:
                return None
            choice = dict(trial.params)
            try:
                point = self._points.point(choice)
            except InputError as error:
                return self._tell(trial, Priced(key=json.dumps(choice), refused=str(error)))
            if point.key in self._known:  # chosen before, by this search or under another name
                return self._tell(trial, self._known[point.key])
            if point.key in self._waiting:
                self._waiting[point.key].append(trial)
            else:
                self._waiting[point.key] = [trial]
                return point
        return None

    def tell(self, priced: Priced) -> None:
        """What came of a point; a second answer for one changes nothing."""
        self._known.setdefault(priced.key, priced)
        for trial in self._waiting.pop(priced.key, ()):
            self._tell(trial, priced)

    def abandon(self) -> None:
        """End the trials that have no answer, so that the next search makes them again."""
        for trials in self._waiting.values():
            for trial in trials:
                self._optuna.tell(trial, state=_states().FAIL, skip_if_finished=True)
        self._waiting.clear()

    def forget_unpriced(self) -> None:
        """Take a study without any price out of its storage, where it would stand in the way of its correction."""
        import optuna

        if not _has_prices(self._optuna):
            optuna.delete_study(study_name=self._study.name, storage=self._kept)
            if self._storage.new is not None:
                self._storage.new.unlink(missing_ok=True)

    def rows(self) -> Iterator[tuple[dict[str, Value], Priced]]:
        """Each choice that has ended, once, in the order of the parameters, with what came of it."""
        parameters = self._study.parameters
        places = {name: {str(value): place for place, value in enumerate(each)} for name, each in parameters.items()}
        found = {}
        for trial in self._optuna.trials:
            if trial.state.is_finished() and _ROW in trial.user_attrs:
                order = tuple(places[name].get(str(trial.params[name]), -1) for name in parameters)
                found[order] = dict(trial.params), _priced(trial.user_attrs[_ROW])
        return (found[order] for order in sorted(found))

    @property
    def _under_way(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _open(self) -> Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        said, url, name = self._study.model_dump_json(exclude={"search"}), self._storage.url, self._study.name
        try:
            self._kept = optuna.storages.get_storage(url)
            found = self._created()
            if found.user_attrs.get(_STUDY) not in (None, said) and not _has_prices(found):
                optuna.delete_study(study_name=name, storage=self._kept)
                found = self._created()
            known = found.user_attrs.get(_STUDY)
        except Exception as error:  # a database of any kind may refuse in its own way
            raise InputError(f"--storage {url}: cannot be opened: {described(error)}") from None
        if known not in (None, said):
            raise InputError(f"--storage {url}: it has another study called {name}; expected another name or storage")
        found.set_user_attr(_STUDY, said)
        with warnings.catch_warnings():  # optuna-dashboard shows the names, which Optuna calls experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            found.set_metric_names(list(self._study.objectives))
        return found

    def _created(self) -> Study:
        """The study of that name in the storage, which may have had none."""
        import optuna

        samplers = {"nsga2": optuna.samplers.NSGAIISampler, "tpe": optuna.samplers.TPESampler}
        sampler = samplers.get(self._study.search.method, optuna.samplers.RandomSampler)
        return optuna.create_study(
            study_name=self._study.name,
            storage=self._kept,
            sampler=sampler(seed=self._study.search.seed),
            directions=["maximize" if OBJECTIVES[name] else "minimize" for name in self._study.objectives],
            load_if_exists=True,
        )

    def _recall(self) -> int:
        """Take up what the storage has, and count it; trials of a search that ended in their midst have failed."""
        ended = 0
        for trial in self._optuna.trials:
            if trial.state.is_finished() and _ROW in trial.user_attrs:
                priced = _priced(trial.user_attrs[_ROW])
                self._known[priced.key] = priced
                ended += 1
            elif trial.state == _states().WAITING:
                self._optuna.tell(self._optuna.ask(), state=_states().FAIL)
            elif not trial.state.is_finished():
                self._optuna.tell(trial.number, state=_states().FAIL, skip_if_finished=True)
        return ended

    def _rest_of_plan(self) -> Iterator[dict[str, Value]]:
        ended = {json.dumps(choice, sort_keys=True) for choice, _ in self.rows()}
        return (choice for choice in planned(self._study) if json.dumps(choice, sort_keys=True) not in ended)

    def _next_trial(self) -> Trial | None:
        import optuna

        if self._planned is not None:
            choice = next(self._planned, None)
            if choice is None:
                return None
            self._optuna.enqueue_trial(choice)
        parameters = self._study.parameters.items()
        return self._optuna.ask({n: optuna.distributions.CategoricalDistribution(each) for n, each in parameters})

    def _tell(self, trial: Trial, priced: Priced) -> Priced:
        import optuna

        row = as_json(priced)
        try:
            trial.set_user_attr(_ROW, row)
            if priced.refused is None:
                self._optuna.tell(trial, list(priced.values))
            else:
                self._optuna.tell(trial, state=_states().FAIL)
        except (optuna.exceptions.UpdateFinishedTrialError, KeyError):  # a search that begins ends what is under way
            raise InputError(
                f"--storage {self._storage.url}: another sweep is using it; expected one at a time, or another storage"
            ) from None
        self.ended += 1
        return priced


def _has_prices(study: Study) -> bool:
    return any(trial.state == _states().COMPLETE for trial in study.get_trials(deepcopy=False))


def _states() -> Any:
    from optuna.trial import TrialState

    return TrialState


def _priced(row: dict[str, Any]) -> Priced:
    return Priced(**row | {"values": tuple(row["values"]), "layers": tuple(row["layers"])})
