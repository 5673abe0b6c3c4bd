"""What the proofs of the machine's parts share: small machines, FIFOs that a solver likes, and stream rules.

A proof about a part needs little of its FIFOs. `RegisterFifo` keeps its entries in registers that an invariant can
name; `StableFifo` forgets them: any data may come out, but what is offered stays until it is taken. Both count as
Amaranth's SyncFIFO does, which is proved in `formal_fifo`; so is what `LateFifo` shares with a StoredQueue.
"""

from __future__ import annotations

from functools import partial
from unittest.mock import patch

from amaranth.hdl import Assert, Assume, Cat, Const, Fragment, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In, connect, flipped

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.machine.axi import Bursts
from skipbeat_hw.tools.formal import register

#: Free bits for the data of the StableFifos of one part.
FRESH_BITS = 1024


def small(
    *,
    vector: int = 4,
    beat: int = 4,
    burst: int = 4,
    outstanding: int = 2,
    address: int = 32,
    port: int | None = None,
    turn: bool = False,
) -> Machine:
    """A machine of one row per four columns: `vector` and `beat` bytes, `burst` beats, bursts under way at once.

    `address`: bits on the bus. `port`: its bytes; None: as a beat has. `turn`: whether it has a turner.
    """
    sizes = {"array.rows": vector // 4, "array.cols": vector, "array.group": 4, "memory.bytes_per_clock": beat}
    sizes |= {"memory.burst_beats": burst, "memory.outstanding": outstanding, "outputs.lanes": 2}
    sizes["memory.address_bits"] = address
    keys = [*(f"{key}={value}" for key, value in sizes.items()), f"outputs.turn={str(turn).lower()}"]
    return Machine.of(load_hardware("tiny-4x4", [*keys, f"memory.port_bytes={port or 'null'}"]))


class RegisterFifo(SyncFIFO):
    """A SyncFIFO whose entries lie in registers, the head in the first."""

    def __init__(self, *, width: int, depth: int) -> None:
        super().__init__(width=width, depth=depth)
        self.entries = [Signal(width, name=f"entry_{i}") for i in range(depth)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        write, read = count(m, self, Const(1))
        place = Signal(range(self.depth + 1))
        m.d.comb += [self.r_data.eq(self.entries[0]), place.eq(self.level - read)]
        for i, entry in enumerate(self.entries):
            with m.If(write & (place == i)):
                m.d.sync += entry.eq(self.w_data)
            with m.Elif(read & (i + 1 < self.depth)):
                m.d.sync += entry.eq(self.entries[min(i + 1, self.depth - 1)])
        return m


class StableFifo(SyncFIFO):
    """A SyncFIFO whose data are `fresh`, but stay while they are offered and not taken."""

    #: Whether its head may come any time later.
    late = False

    def __init__(self, *, width: int, depth: int) -> None:
        super().__init__(width=width, depth=depth)
        self.fresh = Signal(width + self.late)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        waiting, before = Signal(), Signal(self.width)
        count(m, self, waiting | self.fresh[-1] if self.late else Const(1))
        m.d.comb += self.r_data.eq(Mux(waiting, before, self.fresh))
        m.d.sync += [waiting.eq(self.r_rdy & ~self.r_en), before.eq(self.r_data)]
        return m


class LateFifo(StableFifo):
    """In the place of a StoredQueue, as a StableFifo is in that of a SyncFIFO."""

    late = True


def count(m: Module, fifo: SyncFIFO, there: Value) -> tuple[Value, Value]:
    """The level and what follows from it, the head being `there`; returns whether an entry is written, and read."""
    m.d.comb += [
        fifo.w_rdy.eq(fifo.level != fifo.depth),
        fifo.r_rdy.eq((fifo.level != 0) & there),
        fifo.w_level.eq(fifo.level),
        fifo.r_level.eq(fifo.level),
    ]
    write, read = fifo.w_en & fifo.w_rdy, fifo.r_en & fifo.r_rdy
    m.d.sync += fifo.level.eq(fifo.level + write - read)
    return write, read


class Around(Component):
    """A part with all its ports free, and with FIFOs of another kind.

    Attributes:
        fifos: those of the part, in the order in which it made them, once it is placed.
    """

    def __init__(self, part: Component, kind: type[SyncFIFO], **free: int) -> None:
        self.part, self.kind = part, kind
        self.fifos: list[SyncFIFO] = []
        extra = {name: In(bits) for name, bits in free.items()}
        super().__init__({**part.signature.members, **extra, "fresh": In(FRESH_BITS)})

    def place(self, m: Module) -> Fragment:
        """Joins the part to the ports and returns it, for `register`."""

        def make(kind: type[SyncFIFO], *, width: int, depth: int) -> SyncFIFO:
            self.fifos.append(kind(width=width, depth=depth))
            return self.fifos[-1]

        kinds = {name: partial(make, self.kind) for name in ("SyncFIFO", "RegisteredFifo")}
        kinds |= {"StoredQueue": partial(make, LateFifo)}
        with patch.dict(type(self.part).elaborate.__globals__, kinds):
            fragment = Fragment.get(self.part, None)
        m.submodules.part = fragment
        for name in self.part.signature.members:
            ours, its = getattr(self, name), getattr(self.part, name)
            join_port(m, ours, its, self.part.signature.members[name])
        fresh: Value = self.fresh
        for fifo in self.fifos:
            m.d.comb += Assert(fifo.level <= fifo.depth)
            if isinstance(fifo, StableFifo):
                m.d.comb += fifo.fresh.eq(fresh)
                fresh = fresh[len(fifo.fresh) :]
        return fragment


def join_port(m: Module, ours: Value, its: Value, member: In) -> None:
    """Joins a port of the wrapper to the part's of the same name."""
    if member.is_signature:
        connect(m, flipped(ours), its)
    elif member.flow == In:
        m.d.comb += its.eq(ours)
    else:
        m.d.comb += ours.eq(its)


def stays(m: Module, valid: Value, ready: Value, *payload: Value, unless: Value | int = 0) -> None:
    """Asserts that `valid` and the payload stay until `ready`; a clock with `unless` may break it off."""
    _stays(m, Assert, valid, ready, payload, unless)


def offered(m: Module, port: stream.Interface) -> None:
    """Assumes it of a stream that comes in."""
    _stays(m, Assume, port.valid, port.ready, (port.payload,), 0)


def _stays(m: Module, claim: type, valid: Value, ready: Value, payload: tuple[Value, ...], unless: Value | int) -> None:
    now = Cat(*(Value.cast(part) for part in payload))
    waiting, before = Signal(), Signal(len(now))
    m.d.sync += [waiting.eq(valid & ~ready), before.eq(now)]
    m.d.comb += claim(~waiting | (valid & (now == before)) | unless, src_loc_at=2)


def implies(condition: Value, *then: Value) -> Assert:
    """Asserts all of `then` where the condition is 1."""
    return Assert(~condition.bool() | Cat(value.bool() for value in then).all(), src_loc_at=1)


def unannounced(m: Module, inside: Fragment, machine: Machine, some: Value) -> Value:
    """Beats of a request that are not announced, if there are some, as the registers of `Bursts` have them."""
    address, more, full = (register(inside, name) for name in ("address", "more", "full"))
    end: Value = register(inside, "end") if machine.burst_beats > 1 else Const(0, 1)
    return beats_of(m, machine, some, address, more, end, full)


def beats_of(m: Module, machine: Machine, some: Value, address: Value, more: Value, end: Value, full: Value) -> Value:
    """Beats of a request that is one of `Bursts`, if there is `some`."""
    within = Bursts(machine).within(address)
    m.d.comb += implies(some, (more > full) | ((more == full) & (end >= within)))
    m.d.comb += implies(some, full == (end == machine.burst_beats - 1))
    return (more - full) * machine.burst_beats + end + 1 - within
