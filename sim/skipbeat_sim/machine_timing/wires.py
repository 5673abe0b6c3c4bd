"""The clocks that the parts of the timing model tell each other."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from skipbeat_arch.instruction import Engine, Instruction

from .channels import Channel, Scheduler


def _per_engine() -> dict[Engine, Channel]:
    return {engine: Channel() for engine in Engine}


@dataclass
class Wires:
    """Channels by what happens in the clocks that they hold.

    Attributes:
        fetched: the last vector of an instruction leaves the memory; asked: a request of fetch is accepted.
        dispatched: an instruction leaves fetch, all in order; into_queue, out_of_queue: by engine.
        tokens: the first clock in which a token can be taken, by (giver, taker); taken: when it was.
        load_accepted: a LOAD's request enters the reader; load_final: its last vector leaves the memory.
        load_ended: the same, put once its tokens are given, so that those of a ZERO behind it come after them.
        job_pushed, job_popped, job_started: jobs of the fetcher; null ones included.
        queued: a PASS's command enters the core; pass_taken: the sequencer takes it.
        closed, stored: progress of pixels closed and of results taken (see `Core`, `Output`); the clocks are not used.
        store_begun: a STORE begins; store_filled: its last vector leaves the output stage; store_done: answered.
    """

    scheduler: Scheduler = field(default_factory=Scheduler)
    asked: Channel = field(default_factory=Channel)
    fetched: Channel = field(default_factory=Channel)
    dispatched: Channel = field(default_factory=Channel)
    into_queue: dict[Engine, Channel] = field(default_factory=_per_engine)
    out_of_queue: dict[Engine, Channel] = field(default_factory=_per_engine)
    tokens: dict[tuple[Engine, Engine], Channel] = field(
        default_factory=lambda: {(a, b): Channel() for a in Engine for b in Engine if a != b}
    )
    taken: dict[tuple[Engine, Engine], list[int]] = field(
        default_factory=lambda: {(a, b): [] for a in Engine for b in Engine if a != b}
    )
    load_accepted: Channel = field(default_factory=Channel)
    load_final: Channel = field(default_factory=Channel)
    load_ended: Channel = field(default_factory=Channel)
    job_pushed: Channel = field(default_factory=Channel)
    job_popped: Channel = field(default_factory=Channel)
    job_started: Channel = field(default_factory=Channel)
    queued: Channel = field(default_factory=Channel)
    pass_taken: Channel = field(default_factory=Channel)
    closed: Channel = field(default_factory=Channel)
    stored: Channel = field(default_factory=Channel)
    store_begun: Channel = field(default_factory=Channel)
    store_filled: Channel = field(default_factory=Channel)
    store_done: Channel = field(default_factory=Channel)

    def put(self, channel: Channel, clock: int) -> None:
        """The next entry of a channel."""
        self.scheduler.put(channel, clock)

    def give(self, giver: Engine, takers: Iterable[Engine], clock: int) -> None:
        """Tokens that are given in this clock: they can be taken one clock later."""
        for taker in takers:
            self.scheduler.put(self.tokens[giver, taker], clock + 1)

    def ready(self, engine: Engine, index: int, instruction: Instruction) -> Generator[Channel, None, int]:
        """The first clock in which an engine sees an instruction, the `index`-th of its queue, with all its tokens."""
        clock = (yield from self.into_queue[engine].at(index)) + 1
        for giver in instruction.wait:
            given = yield from self.tokens[giver, engine].at(len(self.taken[giver, engine]))
            clock = max(clock, given)
        return clock

    def take(self, engine: Engine, instruction: Instruction, clock: int) -> None:
        """An instruction begins: its tokens go."""
        for giver in instruction.wait:
            self.taken[giver, engine].append(clock)
