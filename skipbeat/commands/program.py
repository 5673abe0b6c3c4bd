"""`skipbeat program`: a program file in readable form."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("program", short_help="Print a program file readably.")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Print FILE: where its tensors lie, and every instruction with its fields and tokens, one to a line."""
    from skipbeat_arch.assembly import disassemble
    from skipbeat_arch.program_file import load_program

    program = load_program(file)
    click.echo(
        f"; for {program.hardware}, fingerprint {program.fingerprint:08x}; {program.memory_bytes:,} bytes of memory"
    )
    for place in program.tensors:
        kind = "int32" if place.raw else "int8"
        click.echo(f"; {place.address:#010x} {place.name}: {kind} {'x'.join(map(str, place.shape))}")
    starts = {node.start: node.name for node in program.nodes}
    for number, line in enumerate(disassemble(program.instructions)):
        if number in starts:
            click.echo(f"; {starts[number]}")
        click.echo(line)
