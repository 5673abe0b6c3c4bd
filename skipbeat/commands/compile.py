"""`skipbeat compile`: a network as a program file for the accelerator."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import destination, hardware_options, network_pattern_option, seed_option


@click.command("compile", short_help="Compile a network to a program file for the accelerator.")
@click.argument("source", metavar="MODEL")
@network_pattern_option
@hardware_options
@click.option("-o", "--out", metavar="FILE", callback=destination, required=True, help="The program file.")
@click.option("--images", type=click.IntRange(1, 450), default=1, show_default=True, help="Images of one run.")
@seed_option
def command(
    source: str, pattern: str | None, hw: str, overrides: tuple[str, ...], out: Path, images: int, seed: int
) -> None:
    """Prune and quantise MODEL and write its program, weights included, to one file.

    MODEL is `zoo:NAME`, which is trained first, or `module:function` found from the current folder, whose function
    returns (model, images): float [N, C, H, W] that calibrate the quantisation.

    The file names the hardware that it is for, says where each tensor lies and what its numbers mean, and carries a
    checksum; `skipbeat program FILE` prints it.
    """
    from skipbeat_arch.errors import InputError
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_arch.machine import Machine
    from skipbeat_arch.pattern import Pattern
    from skipbeat_arch.program_file import save_program

    hardware = load_hardware(hw, overrides)
    Machine.of(hardware)
    wanted = None if pattern is None else Pattern.parse(pattern)

    from skipbeat_arch.files import make_folder
    from skipbeat_mapper.compile import compile_network
    from skipbeat_models.prepared import PreparedMixed

    from ..networks import prepare_network

    make_folder(out.parent)
    network = prepare_network(source, wanted, seed)
    if isinstance(network, PreparedMixed):
        raise InputError(f"model {source}: its operators are partly the host's, so it is not one program")
    program = compile_network(network.graph, hardware, images, scales=network.scales)
    save_program(program, out)
    click.echo(f"{out}: {program.count} instructions, {program.image.size:,} bytes, for {hardware.name}")
