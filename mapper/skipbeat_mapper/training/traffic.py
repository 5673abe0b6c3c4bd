"""What optimiser and host move in a step, at the bandwidth of the memory's port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skipbeat_arch.machine import Machine
from skipbeat_arch.timing import Events, MachineEvents
from skipbeat_arch.training_estimate import RoleCost, Traffic
from skipbeat_arch.training_model import HostPass, Role, Training
from skipbeat_sim.energy.energy_model import EnergyModel

from ..bounds import memory_clocks
from .update_chunks import SUM_BYTES

#: Bytes of a weight's master copy and momentum, which are read and written.
STATE_BYTES = 8
#: Of a weight's master copy alone.
MASTER_BYTES = 4
#: The operators of this role come twice in a forward-only step, and others not at all.
_PASSES = 2


class TrafficPricer:
    """Prices bytes: the clocks that the port is busy, and the energy of the memory."""

    def __init__(self, machine: Machine, energy: EnergyModel) -> None:
        self._machine, self._energy = machine, energy

    def clocks(self, read: int, written: int) -> int:
        """The clocks in which the port moves so many bytes."""
        return memory_clocks(self._machine, read, written)

    def line(self, what: str, within: Role, moved: tuple[int, int], dense: tuple[int, int], role: Role) -> Traffic:
        """A line of the report.

        Args:
            within: the pass that it belongs to. role: optimiser or host.
            moved: bytes read and written. dense: those of the dense step.
        """
        cost = RoleCost(
            role=role,
            pattern="-",
            cycles=self.clocks(*moved),
            cycles_dense=self.clocks(*dense),
            read_bytes=moved[0],
            written_bytes=moved[1],
            read_bytes_dense=dense[0],
            written_bytes_dense=dense[1],
            energy_pj=self._pj(*moved),
            energy_dense_pj=self._pj(*dense),
        )
        return Traffic(what=what, within=within, cost=cost)

    def _pj(self, read: int, written: int) -> float:
        events = MachineEvents(read_bytes=read, written_bytes=written)
        return sum(self._energy.energy(Events(), events, self.clocks(read, written)).values())


def optimiser_lines(
    pricer: TrafficPricer, training: Training, weights: int, stored: tuple[int, int], sums: tuple[int, int]
) -> Iterator[Traffic]:
    """What it moves to change the weights, and to make those of the next step.

    A forward-only step makes two copies of the weights from the master ones, and changes these once; what they are
    moved by is drawn again each time.

    Args:
        weights: that it changes.
        stored: bytes of stationary weights that are made, and those of the dense step.
        sums: partial sums of gradients, likewise.
    """

    def line(what: str, moved: tuple[int, int], dense: tuple[int, int]) -> Traffic:
        return pricer.line(what, Role.UPDATE, moved, dense, Role.OPTIMISER)

    if training is Training.FORWARD_ONLY:
        state = (_PASSES + 1) * MASTER_BYTES * weights, MASTER_BYTES * weights
        yield line("master weights, 16 bytes each", state, state)
    else:
        state = STATE_BYTES * weights, STATE_BYTES * weights
        yield line("master weights and momentum, 16 bytes each", state, state)
        yield line("partial sums of gradients", (SUM_BYTES * sums[0], 0), (SUM_BYTES * sums[1], 0))
    yield line("weights of the next step", (0, stored[0]), (0, stored[1]))


def host_lines(
    pricer: TrafficPricer, host: Sequence[HostPass], dense: Sequence[HostPass], *, backward: bool
) -> Iterator[Traffic]:
    """A line for each kind of operator and direction.

    Args:
        backward: whether there is a backward pass; without one there are two forward passes.
    """
    known = {(each.operator, each.role): (each.read, each.written) for each in dense}
    passes = 1 if backward else _PASSES
    for each in host:
        if each.role is Role.BACKWARD and not backward:
            continue
        name = f"{each.operator}, {each.role}" + (f" ({each.count})" if each.count > 1 else "")
        full = known.get((each.operator, each.role), (0, 0))
        moved = each.read * passes, each.written * passes
        yield pricer.line(name, each.role, moved, (full[0] * passes, full[1] * passes), Role.HOST)
