"""`skipbeat compile`: a network as a program file for the accelerator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import destination, effort_option, hardware_options, limit_option, network_pattern_option, seed_option

if TYPE_CHECKING:
    from skipbeat_arch.effort import Effort
    from skipbeat_arch.hardware import Hardware
    from skipbeat_models.prepared import PreparedMixed


@click.command("compile", short_help="Compile a network to a file for the accelerator.")
@click.argument("source", metavar="MODEL")
@network_pattern_option
@hardware_options
@click.option("-o", "--out", metavar="FILE", callback=destination, required=True, help="The file.")
@click.option("--images", type=click.IntRange(1, 450), default=1, show_default=True, help="Images of one run.")
@limit_option
@effort_option
@seed_option
def command(
    source: str,
    pattern: str | None,
    hw: str,
    overrides: tuple[str, ...],
    out: Path,
    images: int,
    effort: Effort,
    seed: int,
) -> None:
    """Prune and quantise MODEL and write its program, weights included, to one file.

    MODEL is `zoo:NAME`, which is trained first, or `module:function` found from the current folder, whose function
    returns (model, example_inputs), which calibrate the quantisation: images, float [N, C, H, W], of a network that is
    one program.

    The file names the hardware that it is for, says where each tensor lies and what its numbers mean, and carries a
    checksum; `skipbeat program FILE` prints it.

    A network with operators of the host (a transformer) becomes a ZIP archive instead: the program of every step of
    the machine, `manifest.json` with what machine and host do in turn, the host's part as PyTorch exports it, and an
    example to check oneself with. `skipbeat.load_network` reads it, and runs it on the cycle model.
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

    from ..networks import pattern_of, prepare_network
    from ..progress import working

    make_folder(out.parent)
    network = prepare_network(source, wanted, seed)
    if isinstance(network, PreparedMixed):
        if images != 1:
            raise InputError(f"--images: {source} runs as many programs, for one input at a time; expected none, or 1")
        click.echo(
            f"{out}: {_archive(network, hardware, pattern_of(source, wanted), effort, out)}, for {hardware.name}"
        )
        return
    with working("compiling"):
        program = compile_network(network.graph, hardware, images, effort=effort, scales=network.scales)
    save_program(program, out)
    click.echo(f"{out}: {program.count} instructions, {program.image.size:,} bytes, for {hardware.name}")


def _archive(network: PreparedMixed, hardware: Hardware, pattern: str, effort: Effort, out: Path) -> str:
    from ..network_file import compile_mixed, save_network
    from ..progress import step, working

    step("compiling")
    with working("compiling"):
        compiled = compile_mixed(network, hardware, pattern, effort)
    size, runs = save_network(compiled, out), sum(each.repeats for each in compiled.network.steps)
    return f"{len(compiled.programs)} programs, {runs} runs for an input, {size:,} bytes"
