"""Networks that machine and host run together, in one file: a ZIP archive that anybody can open.

It holds `manifest.json` (what machine and host do, in turn, and what the numbers between them mean), a program file for
each step of the machine, the host's part as PyTorch exports it (`host.pt2`), and an example to check oneself with
(`example.npz`: arguments `x0` and so on, and the result `y`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skipbeat_arch.array_file import ZIP_ERRORS, packed_arrays
from skipbeat_arch.arrays import FloatArray, Int8Array
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import parse_json, read_bytes, write_bytes
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.program_file import MOST_FILE_BYTES, pack_program, unpack_program
from skipbeat_arch.progress import through
from skipbeat_arch.yaml_file import first_error
from skipbeat_models.host_file import pack_host, unpack_host
from skipbeat_models.mixed import Integers, MixedNetwork
from skipbeat_models.mixed_listing import HostStep, argument_names, as_array, as_tensor, in_turn
from skipbeat_models.mixed_steps import ProductStep, RunStep, Step
from skipbeat_models.prepared import PreparedMixed
from skipbeat_models.torch_types import Tensor
from skipbeat_sim.machine.memories import Memories
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_verify.mixed_simulation import compile_step

VERSION = 2
_MANIFEST, _HOST, _EXAMPLE = "manifest.json", "host.pt2", "example.npz"
_MOST_CLOCKS = 1 << 40


class _Machine(BaseModel):
    """A step of the machine: a program of the archive, run `repeats` times."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["machine"]
    program: str
    repeats: int
    step: RunStep | ProductStep


class _Host(BaseModel):
    """A step of the host."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["host"]
    step: HostStep


class _Argument(BaseModel):
    """An argument of the network: a tensor, which the example has as `array`, or a plain value."""

    model_config = ConfigDict(extra="forbid")

    name: str
    array: str | None
    value: bool | int | float | str | None


class Manifest(BaseModel):
    """What an archive holds."""

    model_config = ConfigDict(extra="forbid")

    version: int
    model: str
    pattern: str
    hardware: Hardware
    arguments: tuple[_Argument, ...]
    steps: tuple[Annotated[_Machine | _Host, Field(discriminator="by")], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class CompiledNetwork:
    """A network whose programs are compiled.

    Attributes:
        manifest: what it says of itself.
        network: what host and machine compute. programs: of the machine's steps, by their names.
        inputs: of the example, all arguments one after the other. result: float64, what the oracle gave for them.
    """

    manifest: Manifest
    network: MixedNetwork
    programs: Mapping[str, MachineProgram]
    inputs: tuple[object, ...]
    result: FloatArray

    def run(self, inputs: Sequence[object] | None = None) -> FloatArray:
        """The network's first result, with the programs on the cycle model of the whole machine.

        Args:
            inputs: all arguments, one after the other, of the example's shapes; None: the example.

        Raises:
            InputError: a program that does not end.
        """
        machine = Machine.of(self.manifest.hardware)
        chip = _Chip(machine, self.programs, Memories(machine))
        return self.network.run(self.inputs if inputs is None else inputs, chip.execute)


@dataclass(eq=False)
class _Chip:
    """The machine between two programs: its memories, and of which program the last run was."""

    machine: Machine
    programs: Mapping[str, MachineProgram]
    memories: Memories
    last: MachineProgram | None = None

    def execute(self, step: Step, x: Int8Array, weight: Int8Array | None) -> Integers:
        """Runs the program of a step; one that ran right before finds its weights, if it can rely on that."""
        program = self.programs[step.name]
        memory = program.memory()
        for number, image in enumerate(x):
            program.write_input(memory, image, number)
        for number, second in enumerate(() if weight is None else weight):
            program.write_operand(memory, second, number)
        code = program.code(again=program is self.last and program.again is not None)
        self.last = program
        run = run_machine(
            self.machine, memory, code.address, code.count, max_clocks=_MOST_CLOCKS, memories=self.memories
        )
        if run.error or not run.done:
            raise InputError(f"program of {step.name}: it ended with error {run.error}")
        return program.read_outputs(run.memory)


def compile_mixed(
    prepared: PreparedMixed, hardware: Hardware, pattern: str, effort: Effort = Effort.NORMAL
) -> CompiledNetwork:
    """Compile every step of the machine.

    Args:
        prepared: the network; its first inputs are the example.
        hardware: what it is compiled for.
        pattern: what it was pruned to, for a reader.
        effort: of the search for mappings.

    Raises:
        InputError: a step that does not fit the hardware.
    """
    quantised, inputs = prepared.quantised, prepared.inputs[0]
    network = quantised.network
    steps = {step.name: step for step in network.steps}
    programs = {name: compile_step(quantised, steps[name], hardware, effort) for name in through(list(steps), str)}
    members = {name: f"programs/{number:03}-{_safe(name)}.skb" for number, name in enumerate(programs)}
    names, arrays = argument_names(network.program), prepared.arrays(1)
    manifest = Manifest(
        version=VERSION,
        model=prepared.source,
        pattern=pattern,
        hardware=hardware,
        arguments=tuple(
            _Argument(name=name, array=f"x{number}", value=None)
            if f"x{number}" in arrays
            else _Argument.model_validate({"name": name, "array": None, "value": value})
            for number, (name, value) in enumerate(zip(names, inputs, strict=True))
        ),
        steps=tuple(
            _Host(by="host", step=step)
            if isinstance(step, HostStep)
            else _Machine(by="machine", program=members[step.name], repeats=step.repeats, step=step)
            for step in in_turn(network)
        ),
    )
    result = network.run(inputs, quantised.on_oracle)
    return CompiledNetwork(manifest=manifest, network=network, programs=programs, inputs=inputs, result=result)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)[:60]


def save_network(compiled: CompiledNetwork, path: str | Path) -> int:
    """Writes a network to an archive, under a temporary name first.

    Returns:
        The archive's size in bytes.

    Raises:
        InputError: it cannot be written.
    """
    written = {entry.step.name: entry.program for entry in compiled.manifest.steps if isinstance(entry, _Machine)}
    arrays = {
        argument.array: as_array(value)
        for argument, value in zip(compiled.manifest.arguments, compiled.inputs, strict=True)
        if argument.array is not None and isinstance(value, Tensor)
    }
    members = {
        _MANIFEST: compiled.manifest.model_dump_json(indent=1).encode(),
        **{written[name]: pack_program(program) for name, program in compiled.programs.items()},
        _HOST: pack_host(compiled.network.program),
        _EXAMPLE: packed_arrays(arrays | {"y": compiled.result}),
    }
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)  # ZipInfo without a date: equal networks, equal files
    write_bytes(path, content.getvalue())
    return content.tell()


def load_manifest(path: str | Path) -> Manifest:
    """What an archive says of itself; nothing else of it is read.

    Raises:
        InputError: it cannot be read, or is no network.
    """
    return _manifest(_members(path, {_MANIFEST}), path)


def load_network(path: str | Path) -> CompiledNetwork:
    """Reads a network from an archive; nothing in it is executed before it runs, and then PyTorch's operators alone.

    Raises:
        InputError: it cannot be read, is no network, or a part of it is missing or altered.
    """
    members = _members(path)
    manifest = _manifest(members, path)
    machine = [entry for entry in manifest.steps if isinstance(entry, _Machine)]
    if missing := {_HOST, _EXAMPLE, *(entry.program for entry in machine)} - members.keys():
        raise InputError(f"network {path}: {min(missing)} is missing")
    written = {entry.step.name: entry.program for entry in machine}  # steps of a recurrent layer share one
    programs = {name: unpack_program(members[member], f"{path}, {member}") for name, member in written.items()}
    wanted = Machine.of(manifest.hardware).fingerprint
    if wrong := [name for name, program in programs.items() if program.fingerprint != wanted]:
        raise InputError(f"network {path}: the program of {wrong[0]} is for other hardware than the manifest's")
    network = MixedNetwork(
        program=unpack_host(members[_HOST], f"network {path}: {_HOST}"), steps=tuple(entry.step for entry in machine)
    )
    network.check(f"network {path}")
    for step in network.steps:
        given, wanted = programs[step.name].images, step.products if isinstance(step, ProductStep) else 1
        if given != wanted:
            raise InputError(f"network {path}: the program of {step.name} is for {given} maps, not {wanted}")
    arrays = _arrays(members[_EXAMPLE], f"network {path}: {_EXAMPLE}")
    names = {argument.array for argument in manifest.arguments if argument.array is not None} | {"y"}
    if missing := names - arrays.keys():
        raise InputError(f"network {path}: {_EXAMPLE}: {min(missing)} is missing")
    inputs = tuple(
        argument.value if argument.array is None else as_tensor(arrays[argument.array])
        for argument in manifest.arguments
    )
    return CompiledNetwork(manifest=manifest, network=network, programs=programs, inputs=inputs, result=arrays["y"])


def _members(path: str | Path, wanted: set[str] | None = None) -> dict[str, bytes]:
    content = read_bytes(path, f"network {path}", MOST_FILE_BYTES)
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            read = [entry for entry in archive.infolist() if wanted is None or entry.filename in wanted]
            if sum(entry.file_size for entry in read) > MOST_FILE_BYTES:
                raise InputError(f"network {path}: its members are larger than {MOST_FILE_BYTES:,} bytes")
            return {entry.filename: archive.read(entry) for entry in read}
    except InputError:
        raise
    except ZIP_ERRORS as error:
        raise InputError(f"network {path}: {described(error)}") from None


def _manifest(members: Mapping[str, bytes], path: str | Path) -> Manifest:
    what = f"network {path}: {_MANIFEST}"
    if _MANIFEST not in members:
        raise InputError(f"{what} is missing")
    fields = parse_json(members[_MANIFEST], what)
    version = fields.get("version") if isinstance(fields, dict) else None
    if version != VERSION:
        raise InputError(f"{what}: version {version}, expected {VERSION}")
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{what}: {first_error(error)}") from None


def _arrays(content: bytes, what: str) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return dict(found)
    except ZIP_ERRORS as error:
        raise InputError(f"{what}: {described(error)}") from None
