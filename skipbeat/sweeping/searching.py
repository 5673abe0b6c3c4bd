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
        InputError: Optuna is missing, the storage cannot be opened, or it has another study of that name.
    """

    def __init__(self, study: StudyFile, storage: str) -> None:
        require_packages("to keep a study", "optuna")
        self._study, self._points = study, Points(study)
        self._known: dict[str, Priced] = {}
        self._waiting: dict[str, list[Trial]] = {}
        self._optuna = self._open(storage)
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
                self._optuna.tell(trial, state=_states().FAIL)
        self._waiting.clear()

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

    def _open(self, storage: str) -> Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {"nsga2": optuna.samplers.NSGAIISampler, "tpe": optuna.samplers.TPESampler}
        sampler = samplers.get(self._study.search.method, optuna.samplers.RandomSampler)
        directions = ["maximize" if OBJECTIVES[name] else "minimize" for name in self._study.objectives]
        said = self._study.model_dump_json(exclude={"search"})
        try:
            found = optuna.create_study(
                study_name=self._study.name,
                storage=storage,
                sampler=sampler(seed=self._study.search.seed),
                directions=directions,
                load_if_exists=True,
            )
            known = found.user_attrs.get(_STUDY)
        except Exception as error:  # a database of any kind may refuse in its own way
            raise InputError(f"--storage {storage}: cannot be opened: {described(error)}") from None
        if known not in (None, said):
            raise InputError(
                f"--storage {storage}: it has another study called {self._study.name}; expected another name or storage"
            )
        found.set_user_attr(_STUDY, said)
        with warnings.catch_warnings():  # optuna-dashboard shows the names, which Optuna calls experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            found.set_metric_names(list(self._study.objectives))
        return found

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
                self._optuna.tell(trial.number, state=_states().FAIL)
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
        self.ended += 1
        trial.set_user_attr(_ROW, as_json(priced))
        if priced.refused is None:
            self._optuna.tell(trial, list(priced.values))
        else:
            self._optuna.tell(trial, state=_states().FAIL)
        return priced


def _states() -> Any:
    from optuna.trial import TrialState

    return TrialState


def _priced(row: dict[str, Any]) -> Priced:
    return Priced(**row | {"values": tuple(row["values"]), "layers": tuple(row["layers"])})
