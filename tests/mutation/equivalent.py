"""Planted faults that no program can notice, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable

from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import LOCAL_BITS
from skipbeat_hw.tools.mutation import Mutation

#: A tile has fewer words than 2 to this power in the designs that are tried.
TILE_BITS = 6
#: In the accumulators' control, the bits below are flags; the entry of the memory follows.
CONTROL_FLAGS = 5
_VALID = 0
#: Registers that add up to the same always, by the module that they are in: what a queue has room for, its items, and
#: the one that is put in.
SUMS = {
    "machine.writer": (("room", "data.level", "w_en"),),
    "machine.weight_reader": (("room", "words.level", "w_en"),),
}
#: Through these modules the control passes.
_CHAIN = ("machine.core", "machine.core.accumulators")


def why_equivalent(mutation: Mutation, machine: Machine, counted_bits: int) -> str | None:
    """Why a fault changes nothing that can be seen; None: it may. No case counts to 2 to the power `counted_bits`."""
    if not mutation.observable:
        return "no output depends on this bit"
    if _counter(mutation, counted_bits):
        return f"a count of 2^{counted_bits} or more is needed, more than a case has"
    return next((reason for reason, holds in _RULES if holds(mutation, machine)), None)


def _never_active(mutation: Mutation, unset: Callable[[int], bool]) -> bool:
    """Of a word some of whose bits are never set: a fault that clears one of them, or that waits for one."""
    if mutation.mode == "const0":
        return unset(mutation.bit)
    return mutation.mode == "cnot1" and mutation.other is not None and unset(mutation.other)


def _counter(mutation: Mutation, counted_bits: int) -> bool:
    """Not in a choice among many, whose input has one number behind the other."""
    of_count = mutation.module == "machine.counters" or (mutation.module, mutation.port) == ("machine", "count_o")
    chosen = mutation.port == "B" and "$procmux" in mutation.cell
    return of_count and not chosen and _never_active(mutation, lambda bit: bit >= counted_bits)


def _row(mutation: Mutation, machine: Machine) -> bool:
    last = (machine.hw.array.rows - 1).bit_length()
    at_row = mutation.module == "machine.core.decoder.slots" and mutation.wire == "row" and mutation.port in "DQ"
    return at_row and _never_active(mutation, lambda bit: bit >= last)


def _words_left(mutation: Mutation, _machine: Machine) -> bool:
    of_left = mutation.module == "machine.weight_reader" and mutation.wire == "left"
    queued = mutation.module == "machine.tile_queue" and mutation.wire in ("w_data", "r_data")
    if not of_left and not queued:
        return False
    least = TILE_BITS + (LOCAL_BITS if queued else 0)
    return mutation.mode == "cnot1" and (mutation.other or 0) >= least <= mutation.bit


def _entry(mutation: Mutation, _machine: Machine) -> bool:
    """In the chain of registers that bring the control to a column: not inside a column."""
    if mutation.module not in _CHAIN:
        return False
    if not re.match(r"control_\d", mutation.wire) or mutation.bit < CONTROL_FLAGS:
        return False
    if mutation.mode == "inv":
        return True
    by_entry = mutation.other is not None and mutation.other >= CONTROL_FLAGS
    return mutation.mode in ("cnot0", "cnot1") and (by_entry or mutation.other == _VALID)


def _flag_of_nothing(mutation: Mutation, _machine: Machine) -> bool:
    """In the same chain; a column looks at none of them without the bit that says that there is a step."""
    of_chain = mutation.module in _CHAIN and re.match(r"control_\d", mutation.wire)
    without = mutation.mode == "cnot0" and mutation.other == _VALID
    return bool(of_chain) and without and _VALID < mutation.bit < CONTROL_FLAGS


def _watchdog(mutation: Mutation, _machine: Machine) -> bool:
    of_count = mutation.module == "machine.watchdog" and (mutation.wire, mutation.port) == ("still", "Q")
    return of_count and mutation.mode == "inv" and mutation.bit > 0


def _free_entry(mutation: Mutation, _machine: Machine) -> bool:
    """Of a memory that is not full when its queue is, as one item or more stand in registers behind it."""
    of_queue = (
        re.fullmatch(r"column_\d+|behind", mutation.cell.lstrip("\\")) or mutation.module == "machine.fetch.queue"
    )
    return mutation.port == "WR_EN" and mutation.mode == "cnot0" and bool(of_queue)


def _reset_twice(mutation: Mutation, _machine: Machine) -> bool:
    of_queue = re.match(r"machine\.\w+_queue\b", mutation.module)
    return bool(of_queue) and (mutation.mode, mutation.wire) == ("const0", "rst")


_RULES: tuple[tuple[str, Callable[[Mutation, Machine], bool]], ...] = (
    ("there is no such row, so the bit that is cleared or waited for is never set", _row),
    ("a PASS of so many words is an OVERLONG_TILE error long before this bit decides", _words_left),
    ("every second count looks like another and comes back, and the count that decides is none of them", _watchdog),
    ("writes into the entry that the next item takes, where none is", _free_entry),
    ("a flag of a step is looked at only where there is a step", _flag_of_nothing),
    ("a reset takes busy_o away, which resets the queue and what it feeds a clock later", _reset_twice),
    ("exchanges entries of an accumulator memory, alike for reading and writing", _entry),
)
