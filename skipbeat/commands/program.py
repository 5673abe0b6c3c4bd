"""`skipbeat program`: a program file in readable form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skipbeat_arch.errors import one_line

from ..options import csv_option, destination, json_option

if TYPE_CHECKING:
    from skipbeat_arch.machine_program import MachineProgram, Place


@click.command("program", short_help="Print a program file readably.")
@click.argument("file", type=Path)
@click.option(
    "--image",
    metavar="FILE",
    callback=destination,
    help="Write the bytes that go to memory from address 0 on to this file.",
)
@csv_option("the tensors")
@json_option
def command(file: Path, image: Path | None, csv_file: Path | None, as_json: bool) -> None:
    """Print FILE: where its tensors lie and what their numbers mean, and every instruction with its fields and tokens.

    With --json, one object of all but the instructions: sizes, tensors with address, shape, order of channels and
    scale, how the input is folded. docs/integration.md says how a tensor's bytes lie.

    Of a network with operators of the host, FILE is an archive: what machine and host do in turn, a step to a line.
    """
    from zipfile import is_zipfile

    from skipbeat_arch.errors import InputError
    from skipbeat_arch.files import regular_file, write_bytes
    from skipbeat_arch.program_file import describe, load_program
    from skipbeat_arch.provenance import Source, content_digest

    from ..results import print_result, provenance, save_table

    if is_zipfile(regular_file(file, f"program {file}")):
        if image is not None:
            raise InputError(f"--image: {file} is an archive of many programs; expected one of them")
        if csv_file is not None:
            raise InputError(f"--csv: {file} is an archive of many programs; expected one of them")
        _show_network(file, as_json)
        return
    program = load_program(file)
    if image is not None:
        write_bytes(image, program.image.tobytes())
    made = provenance(source=Source(name=str(file), digest=content_digest([program.image.data])))
    described = describe(program)
    save_table(csv_file, described["tensors"], made)
    if as_json:
        print_result("program", described, made)
        return
    for line in _lines(program):
        click.echo(one_line(line) if line.startswith(";") else line)


def _lines(program: MachineProgram) -> Iterator[str]:
    """Instructions, and remarks with names, which may hold anything."""
    from skipbeat_arch.assembly import disassemble

    yield f"; for {program.hardware}, fingerprint {program.fingerprint:08x}; {program.memory_bytes:,} bytes of memory"
    for place in program.tensors:
        yield _tensor(place)
    if program.fold:
        yield "; the input is folded: " + ", ".join(f"{name} {value}" for name, value in vars(program.fold).items())
    if program.operand is not None:
        rows, columns = program.operand.shape
        yield f"; the second operand, int8 {rows}x{columns}, is written from {program.operand.min():#010x} on" + (
            f", those of {program.images} products {program.operand_pitch:,} bytes apart" if program.images > 1 else ""
        )
    for again in (False, True) if program.again else (False,):
        code = program.code(again=again)
        if again:
            yield f"; at {code.address:#010x}, for a run right after another one, whose weights are still on the chip"
        starts = {node.start: node.name for node in code.nodes}
        for number, line in enumerate(disassemble(program.decoded(again=again))):
            if number in starts:
                yield f"; {starts[number]}"
            yield line


def _tensor(place: Place) -> str:
    kind, images = "int32" if place.raw else "int8", f", {place.images} images" if place.images > 1 else ""
    order = ", channels in an order of their own" if place.order else ""
    scale = "" if place.scale is None else f", a unit is {place.scale:.6g}"
    return f"; {place.address:#010x} {place.name}: {kind} {'x'.join(map(str, place.shape))}{images}{order}{scale}"


def _show_network(file: Path, as_json: bool) -> None:
    from ..network_file import load_manifest

    manifest = load_manifest(file)
    if as_json:
        from ..results import print_result, provenance

        print_result("archive", manifest.model_dump(mode="json"), provenance(hardware=manifest.hardware))
        return
    click.echo(one_line(f"; {manifest.model}, {manifest.pattern}, for {manifest.hardware.name}"))
    for entry in manifest.steps:
        if entry.by == "host":
            click.echo("host     " + one_line(f"{entry.step.makes}: {entry.step.operator}"))
        else:
            scales = f"a unit of input is {entry.step.scale:.6g}, of output {entry.step.out_scale:.6g}"
            times = f", {entry.repeats} times" if entry.repeats > 1 else ""
            click.echo("machine  " + one_line(f"{entry.step.makes}: {entry.program}{times}; {scales}"))
