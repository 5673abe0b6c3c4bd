"""The order of instructions, and that tokens alone keep what depends on one another in order.

What an instruction knows to be done is followed from token to token: what it waits for, what that waited for, and all
before these in their engines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import assume, given
from hypothesis import strategies as st

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.order.places import A_PASS, A_STORE
from skipbeat_mapper.program.emission import instructions
from skipbeat_mapper.program.limits import MAX_OPEN
from skipbeat_mapper.program.sequencing import sequence
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.units import Space, Units, Walk
from tests.mapper.listed import Clear, Load, PassOp, Range, StoreOp, Unit, a_store, listed, units_of
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_nodes import few, nodes, preceded

#: Little of everything, so that loads must wait for passes and stores.
SMALL = ["activations.buffer_kib=2", "weights.buffer_kib=3", "accumulators.depth=16", "outputs.buffer_kib=1"]
TIGHT = Machine.of(load_hardware("edge-8x8", SMALL))
#: Windows of more pixels than a block.
SHALLOW = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=3"]))
#: Items that the array may be behind the fetcher (docs/machine.md).
FETCH_AHEAD = 8
NEVER = -1
Entry = tuple[Space, int]


def emitted(machine: Machine, units: Units, vectors: int = 1000) -> list[Instruction]:
    """The instructions of units."""
    return instructions(units, sequence(units, machine, vectors), machine, 0)


def known_done(program: Sequence[Instruction]) -> list[dict[Engine, int]]:
    """For every instruction the last one of each engine that is done when it begins; no counter has too many tokens."""
    given: dict[tuple[Engine, Engine], deque[int]] = {(a, b): deque() for a in Engine for b in Engine}
    last: dict[Engine, int] = dict.fromkeys(Engine, NEVER)
    found: list[dict[Engine, int]] = []
    for number, instruction in enumerate(program):
        engine = instruction.engine
        if engine is None:
            found.append(dict.fromkeys(Engine, NEVER))
            continue
        before = last[engine]
        done = dict(found[before]) if before != NEVER else dict.fromkeys(Engine, NEVER)
        done[engine] = before
        for other in instruction.wait:
            giver = given[other, engine].popleft()  # nothing waits for what stands behind it
            for each, at in found[giver].items():
                done[each] = max(done[each], at)
            done[other] = max(done[other], giver)
        for other in instruction.signal:
            given[engine, other].append(number)
            assert len(given[engine, other]) <= MAX_OPEN
        found.append(done)
        last[engine] = number
    assert not any(given.values()), "every token is taken"
    return found


def loaded_entries(load: isa.Load, machine: Machine) -> list[Entry]:
    """What a LOAD writes."""
    numbers = range(load.count)
    if load.kind == Kind.ACTIVATIONS:
        return [(Space.ACTIVATIONS, load.to + n // load.width * load.pitch + n % load.width) for n in numbers]
    scale = machine.table_vectors if load.kind == Kind.TABLE else 1
    return [(Space(load.kind), (load.to + n) // scale) for n in numbers]


def entries(ranges: Sequence[Range]) -> list[Entry]:
    return [(space, entry) for space, start, stop in ranges for entry in range(start, stop)]


@dataclass
class Replay:
    """Goes through a program and checks, for every entry, that whoever comes later waits for whoever came before."""

    machine: Machine
    program: list[Instruction]
    done: list[dict[Engine, int]]
    written: dict[Entry, tuple[Engine, int]] = field(default_factory=dict)
    read: dict[Entry, list[tuple[Engine, int]]] = field(default_factory=dict)
    #: Of every PASS its number, and the items before and after it.
    items: list[tuple[int, int, int]] = field(default_factory=list)
    #: The last that wrote the banks, of each engine: there is one port.
    port: dict[Engine, int] = field(default_factory=dict)
    #: The STORE that each PASS feeds.
    feeds: dict[int, int] = field(default_factory=dict)

    def reads(self, number: int, what: Sequence[Entry]) -> None:
        """An instruction reads what was written last."""
        engine = self.program[number].engine
        assert engine is not None
        for entry in what:
            writer, at = self.written.get(entry, (engine, NEVER))
            assert at <= self.done[number][writer], f"{entry} of {at} is read by {number} without waiting"
            self.read.setdefault(entry, []).append((engine, number))

    def writes(self, number: int, what: Sequence[Entry]) -> None:
        """An instruction writes where all earlier ones have read, and after all that wrote there."""
        engine = self.program[number].engine
        assert engine is not None
        for entry in what:
            for reader, at in self.read.pop(entry, []):
                if entry[0] == Space.WEIGHTS:
                    assert self._tile_out(at, self.done[number])
                else:
                    assert at <= self.done[number][reader], f"{entry} of {at} is written by {number} without waiting"
            self.written[entry] = engine, number
        if any(space == Space.ACTIVATIONS for space, _ in what):
            assert all(at <= self.done[number][other] for other, at in self.port.items()), "the port is in use"
            self.port[engine] = number

    def _tile_out(self, number: int, done: dict[Engine, int]) -> bool:
        """Whether a pass's tile has certainly left the weight buffer."""
        begins = next(first for at, first, _ in self.items if at == number)
        fetched = max((stop for at, _, stop in self.items if number <= at <= done[Engine.EXECUTE]), default=0)
        return fetched > begins + FETCH_AHEAD or self.feeds[number] <= done[Engine.STORE]


def replay(memory: MemoryMap) -> None:
    """Emits a network and checks the rules."""
    machine, made = memory.machine, plan(memory)
    units = listed(made)
    passes, stores = deque(p for u in units for p in u.passes), deque(u.store for u in units if u.store)
    walks = deque(u.walk for u in units for _ in u.passes)
    program = emitted(machine, made, memory.vectors)
    run = Replay(machine, program, known_done(program))
    walk: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    store, open_store, items, due = NEVER, False, 0, 0
    for number, each in enumerate(program):
        if isinstance(each, isa.Load):
            run.reads(number, [(Space.MEMORY, each.source // machine.vector + n) for n in range(each.count)])
            run.writes(number, loaded_entries(each, machine))
        elif isinstance(each, isa.Zero):
            run.writes(number, [(Space.ACTIVATIONS, each.to + n) for n in range(each.count)])
        elif isinstance(each, isa.Setup):
            walk = each.counts, each.steps
        elif isinstance(each, isa.Store):
            op = stores.popleft()
            assert not open_store, "the store before has its last pass"
            check_store(run, number, each, op)
            store, open_store, due = number, True, each.count * each.pool
        elif isinstance(each, isa.Pass):
            op_pass, wanted = passes.popleft(), walks.popleft()
            assert open_store, "a store stands before the passes that feed it"
            assert (each.command, walk) == (op_pass.command, (wanted.counts, wanted.steps))
            run.items.append((number, items, items + (each.command.pixels if each.command.beat else 0)))
            items, run.feeds[number] = run.items[-1][2], store
            run.reads(number, entries(op_pass.reads))
            due -= each.command.pixels if each.command.last else 0
            open_store = due > 0
    assert not passes
    assert not stores
    assert isinstance(program[-1], isa.End)
    last = max((n for n, each in enumerate(program) if each.engine == Engine.LOAD), default=NEVER)
    assert last <= run.done[-1][Engine.LOAD]


def check_store(run: Replay, number: int, store: isa.Store, op: StoreOp) -> None:
    """A STORE reads parameters and residuals; what it writes waits for who reads it still."""
    run.reads(number, entries(op.reads))
    run.writes(number, entries(op.changes))
    assert (store.memory, store.local) == (op.writes is not None, op.local is not None)
    if op.local is not None:
        place = run.program[number - 1]
        assert isinstance(place, isa.Place)
        assert (place.to, place.width, place.pitch) == (op.local.to, op.local.width, op.local.pitch)


@few
@given(nodes(), st.integers(1, 3), st.sampled_from([TIGHT, SHALLOW, Machine.of(load_hardware("tiny-4x4"))]))
def test_whoever_depends_on_another_waits_for_it(second: Node, images: int, machine: Machine) -> None:
    try:
        replay(placed(graph_of(*preceded(second)), machine, images))
    except InputError:
        assume(False)


COMMAND = Command(pixels=1, beat=1, rows=1, cols=1, load=True, first=True, last=True)
WALK = Walk(counts=(1, 1, 1, 1), steps=(0, 0, 0, 0))


def weights(at: int, count: int = 2) -> Load:
    return Load(kind=Kind.WEIGHTS, to=at, source=at, count=count, writes=Range(Space.WEIGHTS, at, at + count))


def unit_of(loads: list[Load | Clear], command: Command, *, store: bool, node: int = 7, weights_at: int = 0) -> Unit:
    reads = (Range(Space.WEIGHTS, weights_at, weights_at + 2),)
    return Unit(
        node=node,
        walk=WALK,
        loads=tuple(loads),
        passes=(PassOp(command=command, words=2, reads=reads),),
        store=a_store() if store else None,
    )


def test_weights_that_an_open_block_still_uses_cannot_be_replaced() -> None:
    first = Command(pixels=1, beat=1, rows=1, cols=1, load=True, first=True, last=False)
    last = Command(pixels=1, beat=1, rows=1, cols=1, load=True, first=False, last=True)
    units = [unit_of([weights(0)], first, store=True), unit_of([weights(0)], last, store=False)]
    assert sequence(units_of(units), TIGHT, 1000).stuck == 1


def test_parts_of_nodes_are_told() -> None:
    units = [unit_of([weights(0)] if node == 7 else [], COMMAND, store=True, node=node) for node in (7, 7, 8)]
    ordered = sequence(units_of(units), TIGHT, 1000)
    kinds = ordered.kind.tolist()
    (first, start, stop), (second, begin, end) = ordered.parts
    assert (first, second, stop, end) == (7, 8, begin, len(kinds) - 1)
    assert kinds[start:stop].count(A_STORE) == kinds[start:stop].count(A_PASS) == 2
    assert kinds[begin:end].count(A_STORE) == 1
