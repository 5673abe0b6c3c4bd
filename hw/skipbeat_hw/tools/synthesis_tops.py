"""The components whose area and frequency are measured, by name."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib.wiring import Component

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.training.jobs import update_lanes
from skipbeat_arch.training.packing import VALUE_BITS

from ..core.accumulators import Accumulators
from ..core.array import SystolicArray
from ..core.core import Core
from ..core.dense_decoder import weight_decoder
from ..core.results import ResultBuffer
from ..core.sequencer import Sequencer
from ..machine.accelerator import Accelerator
from ..machine.fetch import Fetch
from ..machine.fetcher import Fetcher
from ..machine.load import LoadEngine
from ..machine.memories import Memories
from ..machine.output import OutputStage
from ..machine.reader import Reader
from ..machine.store import StoreEngine
from ..machine.turner import Turner
from ..machine.weight_reader import WeightReader
from ..machine.writer import Writer
from ..training.pack import Pack
from ..training.peak import Peak
from ..training.rounding import Rounding
from ..training.select import Select
from ..training.turn import Turn
from ..training.update import Update
from .fingerprint import rtl_fingerprint
from .verilog import generate


def _pack(hw: Hardware) -> Component:
    if hw.array.group % VALUE_BITS:
        raise InputError(f"hardware {hw.name}: pack needs an array.group that is a multiple of {VALUE_BITS}")
    return Pack(hw)


TOPS: dict[str, Callable[[Hardware], Component]] = {
    "array": SystolicArray,
    "core": Core,
    "decoder": weight_decoder,
    "accumulators": Accumulators,
    "results": ResultBuffer,
    "sequencer": Sequencer,
    "output_stage": lambda hw: OutputStage(Machine.of(hw)),
    "memories": lambda hw: Memories(Machine.of(hw)),
    "reader": lambda hw: Reader(Machine.of(hw)),
    "writer": lambda hw: Writer(Machine.of(hw)),
    "fetch": lambda hw: Fetch(Machine.of(hw)),
    "fetcher": lambda hw: Fetcher(Machine.of(hw)),
    "load": lambda hw: LoadEngine(Machine.of(hw)),
    "store": lambda hw: StoreEngine(Machine.of(hw)),
    "turner": lambda hw: Turner(Machine.of(hw)),
    "weight_reader": lambda hw: WeightReader(Machine.of(hw)),
    "accelerator": lambda hw: Accelerator(Machine.of(hw)),
    "turn": Turn,
    "select": Select,
    "pack": _pack,
    "rounding": lambda hw: Rounding(hw.outputs.lanes),
    "peak": lambda hw: Peak(hw.outputs.lanes),
    "update": lambda hw: Update(update_lanes(hw)),
}
_WITH_MULTIPLIERS = {"array", "core", "accelerator"}


def top_verilog(hw: Hardware, top: str) -> str:
    """Verilog with the component as the module `top`.

    Raises:
        InputError: there is no such top, or hardware that has no accelerator, or groups that `pack` does not take.
    """
    return generate(_component(hw, top), top)


def top_fingerprint(hw: Hardware, top: str) -> str:
    """Of the component's RTL, see `rtl_fingerprint`.

    Raises:
        InputError: as `top_verilog`.
    """
    return rtl_fingerprint(_component(hw, top), top)


def _component(hw: Hardware, top: str) -> Component:
    if top not in TOPS:
        raise InputError(f"top {top}: expected one of {', '.join(TOPS)}")
    return TOPS[top](hw)


def operands(hw: Hardware, top: str) -> tuple[int, int] | None:
    """Widths of the factors of the PEs' multipliers, or None if the top has no PEs."""
    return (hw.numbers.activation_bits, hw.numbers.weight_bits) if top in _WITH_MULTIPLIERS else None
