"""Products of more rows than one program takes: programs of a block of rows each, one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from skipbeat_arch.budget import most_passes, pixels_together, program_passes
from skipbeat_arch.depths import output_vectors
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine_ports import ADDRESS_BITS
from skipbeat_arch.model import ModelDescription, ModelRun, RunProduct
from skipbeat_arch.workload import one_image

#: Bytes of a program's addresses that no tensor gets: the instructions of as many passes as are priced unasked.
_PROGRAM = 1 << 26


class InBlocks(NamedTuple):
    """A model whose runs are programs that can be made.

    Attributes:
        layers: names of those whose rows are computed in blocks.
    """

    description: ModelDescription
    layers: frozenset[str]


def in_row_blocks(description: ModelDescription, hw: Hardware) -> InBlocks:
    """The model with blocks of rows in place of runs of too many, and a note that says so."""
    cut = [(run, row_blocks(run, hw)) for run in description.runs]
    layers = {name for run, blocks in cut if blocks != (run,) for name in run.layers if name is not None}
    if not layers:
        return InBlocks(description, frozenset())
    runs = tuple(block for _, blocks in cut for block in blocks)
    note = (
        f"a program has at most {most_passes():,} passes of the array (--limit) and {ADDRESS_BITS}-bit addresses: "
        f"{_named(layers)} computed in blocks of rows, a program for each, which loads the weights again"
    )
    return InBlocks(replace(description, runs=runs, notes=(*description.notes, note)), frozenset(layers))


def _named(layers: set[str]) -> str:
    """How many there are, or which one."""
    return f"layer {next(iter(layers))} is" if len(layers) == 1 else f"{len(layers)} layers are"


def row_blocks(run: ModelRun, hw: Hardware) -> tuple[ModelRun, ...]:
    """The run itself, or its rows in blocks: equal ones as one run that is repeated, and a shorter last one.

    A program keeps within the limit of passes, and all that it reads and writes has an address. There are as few blocks
    as that allows, or up to twice as many if they are equal then. A run of which not even a row fits stays whole.
    """
    if run.block is None or not run.products:
        return (run,)
    rows = run.products[0].gemm.p
    most = min(_rows_by_passes(run, hw), _rows_by_addresses(run, hw))
    if most >= rows or most < 1:
        return (run,)
    least = -(-rows // most)
    count = next((each for each in range(least, 2 * least + 1) if rows % each == 0), least)
    size = -(-rows // count)
    whole, rest = divmod(rows, size)
    equal = replace(run.block(run, size), repeats=run.repeats * whole)
    return (equal, replace(run.block(run, rest), further=True)) if rest else (equal,)


def _rows_by_passes(run: ModelRun, hw: Hardware) -> int:
    """Most rows of a program within the limit of passes."""
    rows = [replace(one_image(each.gemm)[0], width=1) for each in run.products]
    together = min(pixels_together(row, hw) for row in rows)
    return most_passes() // (run.images * sum(program_passes(row, hw) for row in rows)) * together


def _rows_by_addresses(run: ModelRun, hw: Hardware) -> int:
    """Most rows of which all that a program reads and writes has an address."""
    weights = sum(_weight_bytes(each, hw) for each in run.products)
    of_row = sum(_row_bytes(each, hw) for each in run.products)
    return max((1 << ADDRESS_BITS) - _PROGRAM - weights * run.images, 0) // (of_row * run.images)


def _weight_bytes(product: RunProduct, hw: Hardware) -> int:
    """At most: each value, and a bit of metadata for it; groups and columns filled up."""
    rows, columns = hw.array.rows * hw.array.group, hw.array.cols
    values = -(-product.gemm.c // rows) * rows * -(-product.gemm.k // columns) * columns
    return values * (hw.numbers.weight_bits + 1) // 8


def _row_bytes(product: RunProduct, hw: Hardware) -> int:
    """Of activations and results, in whole vectors."""
    vector = hw.array.cols
    given, made = (-(-channels // vector) * vector for channels in (product.gemm.c, product.gemm.k))
    return given + made * output_vectors(raw=product.raw, places=False)
