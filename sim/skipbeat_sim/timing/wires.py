"""The clocks that the parts of the timing model tell each other."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import Instruction

from .channels import Channel, Scheduler


class Wires:
    """Channels by what happens in the clocks that they hold.

    Attributes:
        fetched: the last beat of an instruction leaves the memory; asked: a request of fetch is accepted.
        dispatched: an instruction leaves fetch, all in order; into_queue, out_of_queue: by engine.
        tokens: the first clock in which a token can be taken, by (giver, taker); taken: when it was.
        load_accepted: a LOAD's request enters the reader; load_final: its last beat leaves the memory.
        load_ended: the same, put once its tokens are given, so that those of a ZERO behind it come after them.
        job_pushed, job_popped, job_started: jobs of the fetcher; null ones included.
        queued: a PASS's command enters the core; pass_taken: the sequencer takes it.
        closed, stored: progress of pixels closed and of results taken (see `Core`, `Output`); the clocks are not used.
        store_begun: a STORE begins; store_filled: its last vector leaves the output stage.
        store_done: the memory has answered one that goes there; store_popped: one is done with memory, all in order.
    """

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        channel = self.scheduler.channel
        pairs = [(a, b) for a in Engine for b in Engine if a != b]
        self.fetched, self.asked, self.dispatched = channel(), channel(), channel()
        self.into_queue = {engine: channel() for engine in Engine}
        self.out_of_queue = {engine: channel() for engine in Engine}
        self.tokens = {pair: channel() for pair in pairs}
        self.taken: dict[tuple[Engine, Engine], list[int]] = {pair: [] for pair in pairs}
        self.load_accepted, self.load_final, self.load_ended = channel(), channel(), channel()
        self.job_pushed, self.job_popped, self.job_started = channel(), channel(), channel()
        self.queued, self.pass_taken = channel(), channel()
        self.closed, self.stored = channel(), channel()
        self.store_begun, self.store_filled = channel(), channel()
        self.store_done, self.store_popped = channel(), channel()

    def give(self, giver: Engine, takers: Iterable[Engine], clock: int) -> None:
        """Tokens that are given in this clock: they can be taken one clock later."""
        for taker in takers:
            self.tokens[giver, taker].put(clock + 1)

    def ready(self, engine: Engine, index: int, instruction: Instruction) -> Generator[Channel, None, int]:
        """The first clock in which an engine sees an instruction, the `index`-th of its queue, with all its tokens."""
        queue = self.into_queue[engine]
        while len(queue.clocks) <= index:
            yield queue
        clock = queue.clocks[index] + 1
        for giver in instruction.wait:
            tokens, number = self.tokens[giver, engine], len(self.taken[giver, engine])
            while len(tokens.clocks) <= number:
                yield tokens
            clock = max(clock, tokens.clocks[number])
        return clock

    def take(self, engine: Engine, instruction: Instruction, clock: int) -> None:
        """An instruction begins: its tokens go."""
        for giver in instruction.wait:
            self.taken[giver, engine].append(clock)
