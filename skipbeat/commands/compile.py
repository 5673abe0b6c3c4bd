"""`skipbeat compile`: a network as a program file for the accelerator."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import hardware_options, pattern_option, seed_option


@click.command("compile", short_help="Compile a network to a program file for the accelerator.")
@click.argument("source", metavar="MODEL")
@pattern_option
@hardware_options
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The program file.")
@seed_option
def command(source: str, pattern: str, hw: str, overrides: tuple[str, ...], out: Path, seed: int) -> None:
    """Train, prune and quantise MODEL (`zoo:NAME`) and write its program, weights included, to one file.

    The file names the hardware that it is for and carries a checksum; `skipbeat program FILE` prints it.
    """
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.machine import Machine
    from skipbeat_arch.pattern import Pattern
    from skipbeat_arch.program_file import save_program

    hardware = load_hardware(hw, overrides)
    Machine.of(hardware)
    wanted = Pattern.parse(pattern)

    from skipbeat_mapper.machine.compile import compile_network
    from skipbeat_models.prepare import prepare

    from ..files import make_folder
    from ..progress import step

    make_folder(out.parent)
    network = prepare(source, wanted, seed, progress=step)
    program = compile_network(network.graph, hardware)
    save_program(program, out)
    click.echo(f"{out}: {program.count} instructions, {program.image.size:,} bytes, for {hardware.name}")
