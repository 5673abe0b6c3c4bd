"""The clocks that the parts of the timing model tell each other: for each kind of event a list, in their order.

A list grows at its end and is never changed, so what is in it does not depend on the order in which the parts are
asked to go on. A part looks whether an entry is there, and stops where one is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import Instruction

#: The clock of an event that is not known yet.
UNKNOWN = -1


class Wires:
    """Lists of clocks by what happens in them.

    Attributes:
        fetched: the last beat of an instruction leaves the memory; asked: a request of fetch is accepted.
        dispatched: an instruction leaves fetch, all in order; left: an engine's queue, by engine.
        tokens: the first clock in which a token can be taken, by giver and taker; taken: when it was.
        load_accepted: a LOAD's request enters the reader; load_final: its last beat leaves the memory.
        load_ended: the same, once its tokens are given, so that those of a ZERO behind it come after them.
        job_pushed, job_popped, job_started: jobs of the fetcher; null ones included.
        queued: a PASS's command enters the core; pass_taken: the sequencer takes it.
        store_begun: a STORE begins; store_filled: its last vector leaves the output stage.
        store_done: the memory has answered one that goes there; store_popped: one is done with memory, all in order.
    """

    def __init__(self) -> None:
        self.fetched, self.asked, self.dispatched = list[int](), list[int](), list[int]()
        self.left: list[list[int]] = [[] for _ in Engine]
        self.tokens: list[list[list[int]]] = [[[] for _ in Engine] for _ in Engine]
        self.taken: list[list[list[int]]] = [[[] for _ in Engine] for _ in Engine]
        self.load_accepted, self.load_final, self.load_ended = list[int](), list[int](), list[int]()
        self.job_pushed, self.job_popped, self.job_started = list[int](), list[int](), list[int]()
        self.queued, self.pass_taken = list[int](), list[int]()
        self.store_begun, self.store_filled = list[int](), list[int]()
        self.store_done, self.store_popped = list[int](), list[int]()

    @property
    def every(self) -> list[list[int]]:
        """All lists."""
        single = [
            *(self.fetched, self.asked, self.dispatched, self.load_accepted, self.load_final, self.load_ended),
            *(self.job_pushed, self.job_popped, self.job_started, self.queued, self.pass_taken),
            *(self.store_begun, self.store_filled, self.store_done, self.store_popped),
        ]
        return [*single, *self.left, *itertools.chain(*self.tokens, *self.taken)]

    def open_tokens(self) -> list[list[int]]:
        """Tokens that are given and not taken, by giver and taker."""
        rows = zip(self.tokens, self.taken, strict=True)
        return [given[len(taken) :] for row in rows for given, taken in zip(*row, strict=True)]

    def give(self, giver: Engine, takers: Iterable[Engine], clock: int) -> None:
        """Tokens that are given in this clock: they can be taken one clock later."""
        for taker in takers:
            self.tokens[giver][taker].append(clock + 1)

    def ready(self, engine: Engine, number: int, instruction: Instruction) -> int:
        """The first clock in which an engine sees an instruction with all its tokens, or `UNKNOWN`."""
        if len(self.dispatched) <= number:
            return UNKNOWN
        clock = self.dispatched[number] + 1
        for giver in instruction.wait:
            tokens, index = self.tokens[giver][engine], len(self.taken[giver][engine])
            if len(tokens) <= index:
                return UNKNOWN
            if tokens[index] > clock:
                clock = tokens[index]
        return clock

    def take(self, engine: Engine, instruction: Instruction, clock: int) -> None:
        """An instruction begins: its tokens go."""
        for giver in instruction.wait:
            self.taken[giver][engine].append(clock)
