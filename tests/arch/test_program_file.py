"""Programs in files: what was saved comes back, and nothing else does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import UInt32Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.fold import Fold
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import Code, MachineProgram, NodeRange, Place
from skipbeat_arch.program_file import load_program, save_program

MACHINE = Machine.of(load_hardware("edge-8x8"))


@pytest.fixture
def program() -> MachineProgram:
    header = isa.Header(version=VERSION, fingerprint=MACHINE.fingerprint)
    code = b"".join(i.to_word().to_bytes(16, "little") for i in (header, isa.End()))
    return MachineProgram(
        hardware="edge-8x8",
        fingerprint=MACHINE.fingerprint,
        vector=8,
        image=np.frombuffer(code, np.uint8),
        memory_bytes=200,
        address=0,
        count=2,
        tensors=(
            Place(name="input", address=32, shape=(3, 2, 2)),
            Place(name="output", address=64, shape=(9, 1, 1), raw=True),
        ),
        nodes=(NodeRange(name="fc", start=1, stop=2),),
    )


def test_it_comes_back(program: MachineProgram, tmp_path: Path) -> None:
    path = tmp_path / "net.program"
    save_program(program, path)
    assert [p.name for p in tmp_path.iterdir()] == ["net.program"]
    again = load_program(path, MACHINE)
    np.testing.assert_array_equal(again.image, program.image)
    assert again.instructions == program.instructions
    for name in ("hardware", "fingerprint", "vector", "memory_bytes", "address", "count", "tensors", "nodes"):
        assert getattr(again, name) == getattr(program, name)


def test_every_altered_byte_is_noticed(program: MachineProgram, tmp_path: Path) -> None:
    path = tmp_path / "net.program"
    save_program(program, path)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        with pytest.raises(InputError, match=r"^program .*net\.program: "):
            load_program(path)


def test_every_truncation_is_noticed(program: MachineProgram, tmp_path: Path) -> None:
    path = tmp_path / "net.program"
    save_program(program, path)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(InputError, match=r"not a skipbeat program|truncated"):
            load_program(path)


def test_other_hardware_and_versions_are_named(program: MachineProgram, tmp_path: Path) -> None:
    path = tmp_path / "net.program"
    save_program(program, path)
    with pytest.raises(InputError, match=r"compiled for other hardware \(edge-8x8, .* than edge-16x16"):
        load_program(path, Machine.of(load_hardware("edge-16x16")))
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\x09" + data[9:])
    with pytest.raises(InputError, match="version 9 of the file, expected 7"):
        load_program(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_program(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be written"):
        save_program(program, path / "folder")


def test_input_and_output(program: MachineProgram) -> None:
    memory = program.memory()
    x = np.arange(12, dtype=np.int8).reshape(3, 2, 2) - 5
    program.write_input(memory, x)
    np.testing.assert_array_equal(program.read_tensor(memory, program.input), x)
    assert memory[32:40].view(np.int8).tolist() == [-5, -1, 3, 0, 0, 0, 0, 0]
    memory[64:72] = np.array([7, -2], "<i4").view(np.uint8)
    assert program.read_output(memory).ravel()[:2].tolist() == [7, -2]
    assert program.read_output(memory).dtype == np.int32
    with pytest.raises(InputError, match=r"expected int8 \[3, 2, 2\]"):
        program.write_input(memory, x[:2])


def test_channels_lie_in_the_order_of_their_place(program: MachineProgram, tmp_path: Path) -> None:
    order = (2, 0, 1)
    places = dataclasses.replace(program.input, order=order), dataclasses.replace(program.output, order=(*range(8), 8))
    save_program(dataclasses.replace(program, tensors=places), tmp_path / "p")
    again = load_program(tmp_path / "p")
    assert again.tensors == places
    memory = again.memory()
    x = np.arange(12, dtype=np.int8).reshape(3, 2, 2)
    again.write_input(memory, x)
    assert memory[32:40].view(np.int8).tolist() == [8, 0, 4, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(again.read_tensor(memory, again.input), x)


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 1), (1, 2, 3)])
def test_an_order_has_every_channel_once(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected an order of 3 channels"):
        Place(name="input", address=32, shape=(3, 2, 2), order=order)


def test_a_folded_input_is_laid_out_by_the_program(program: MachineProgram, tmp_path: Path) -> None:
    fold = Fold(shape=(1, 2, 5), copies=2, depth=2, distance=1, stride=2, padding=1, width=3)
    place = Place(name="input", address=32, shape=fold.folded_shape)
    save_program(dataclasses.replace(program, fold=fold, tensors=(place, program.output)), tmp_path / "p")
    again = load_program(tmp_path / "p")
    assert again.fold == fold
    x = np.arange(1, 11, dtype=np.int8).reshape(1, 2, 5)
    memory = again.memory()
    again.write_input(memory, x)
    stored = again.read_tensor(memory, again.input)
    # Padded lines: 0 1 2 3 4 5 and 0 6 7 8 9 10; positions hold pixels (0, 1), (2, 3), (4, 5).
    assert stored[0].tolist() == [[0, 2, 4], [0, 7, 9]]
    assert stored[2].tolist() == [[1, 3, 5], [6, 8, 10]]
    assert not stored[[1, 3]].any()
    with pytest.raises(InputError, match=r"expected int8 \[1, 2, 5\]"):
        again.write_input(memory, x[:, :1])


def test_an_operand_and_scales_are_part_of_the_program(program: MachineProgram, tmp_path: Path) -> None:
    places = tuple(dataclasses.replace(place, scale=0.1 / 3) for place in program.tensors)
    operand = np.array([[5, 4, 9], [8, 7, 6]], np.uint32)
    save_program(dataclasses.replace(program, tensors=places, operand=operand), tmp_path / "p")
    again = load_program(tmp_path / "p")
    assert again.tensors == places
    assert again.operand is not None
    np.testing.assert_array_equal(again.operand, operand)
    np.testing.assert_array_equal(again.image, program.image)
    memory = again.memory()
    again.write_operand(memory, np.array([[1, -2, 3], [4, 5, 6]], np.int8))
    assert memory[4:10].view(np.int8).tolist() == [-2, 1, 6, 5, 4, 3]
    with pytest.raises(InputError, match=r"operand: expected int8 \[2, 3\], not int8 \[3, 2\]"):
        again.write_operand(memory, np.zeros((3, 2), np.int8))
    with pytest.raises(InputError, match="expected no second operand"):
        program.write_operand(memory, np.zeros((2, 3), np.int8))


def several(program: MachineProgram) -> MachineProgram:
    """A program of three images whose operands are two bytes apart."""
    places = [dataclasses.replace(place, first=image) for image in range(3) for place in program.tensors]
    operand = np.array([[5, 4]], np.uint32)
    return dataclasses.replace(program, tensors=tuple(places), operand=operand, operand_pitch=2)


def test_each_image_has_an_operand_of_its_own(program: MachineProgram, tmp_path: Path) -> None:
    save_program(several(program), tmp_path / "p")
    again = load_program(tmp_path / "p")
    assert again.operand_pitch == 2
    memory = again.memory()
    for image in range(3):
        again.write_operand(memory, np.array([[image, -image]], np.int8), image)
    assert memory[4:10].view(np.int8).tolist() == [0, 0, -1, 1, -2, 2]
    with pytest.raises(InputError, match="operand: there is no image 3 of 3"):
        again.write_operand(memory, np.zeros((1, 2), np.int8), 3)


@pytest.mark.parametrize("pitch", [-1, 20, 1 << 40])
def test_a_last_operand_outside_the_image_is_noticed(program: MachineProgram, tmp_path: Path, pitch: int) -> None:
    assert program.image.size < 5 + 2 * 20
    save_program(dataclasses.replace(several(program), operand_pitch=pitch), tmp_path / "p")
    with pytest.raises(InputError, match="header"):
        load_program(tmp_path / "p")


@pytest.mark.parametrize("operand", [np.array([[5, 40]], np.uint32), np.zeros((0, 2), np.uint32)])
def test_an_operand_outside_the_image_is_noticed(program: MachineProgram, tmp_path: Path, operand: UInt32Array) -> None:
    save_program(dataclasses.replace(program, operand=operand), tmp_path / "p")
    with pytest.raises(InputError, match="header"):
        load_program(tmp_path / "p")


def placed(**changes: Any) -> Callable[[MachineProgram], MachineProgram]:
    def change(program: MachineProgram) -> MachineProgram:
        return dataclasses.replace(program, tensors=(dataclasses.replace(program.input, **changes), program.output))

    return change


def changed(**changes: Any) -> Callable[[MachineProgram], MachineProgram]:
    return lambda program: dataclasses.replace(program, **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(memory_bytes=-200), "memory_bytes: input should be greater than or equal to 1, not -200"),
        (changed(memory_bytes=1 << 40), "memory_bytes: input should be less than or equal to 4294967296"),
        (changed(memory_bytes=100), "does not fit its image"),
        (changed(memory_bytes=16, tensors=()), "tensors: tuple should have at least 1 item"),
        (changed(address=-16), "address: input should be greater than or equal to 0, not -16"),
        (changed(address=16), "does not fit its image"),
        (changed(address=4), "it begins at 4, expected a multiple of 8"),
        (changed(count=0), "count: input should be greater"),
        (changed(count=3), "does not fit its image"),
        (changed(vector=0), "vector: input should be greater"),
        (changed(nodes=(NodeRange(name="fc", start=-1, stop=2),)), "does not fit its image"),
        (changed(nodes=(NodeRange(name="fc", start=1, stop=9),)), "does not fit its image"),
        (changed(nodes=(NodeRange(name="fc", start=1, stop=2, early=(7,)),)), "does not fit its image"),
        (placed(address=-8), "does not fit its image"),
        (placed(address=192), "does not fit its image"),
        (placed(shape=(3, 0, 2)), "does not fit its image"),
        (placed(images=0), "does not fit its image"),
        (placed(images=9), "does not fit its image"),
        (changed(fold=Fold(shape=(1, 2, 5), copies=2, depth=2, distance=1, stride=2, padding=1, width=3)), "not fit"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(
    program: MachineProgram, tmp_path: Path, change: Callable[[MachineProgram], MachineProgram], message: str
) -> None:
    """The checksum is right: whoever wrote the file meant it so."""
    save_program(change(program), tmp_path / "p")
    with pytest.raises(InputError, match=message):
        load_program(tmp_path / "p")


def test_instructions_of_a_run_after_another_one(program: MachineProgram, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its runs load everything; expected none that relies on the one before"):
        program.decoded(again=True)
    code = Code(address=32, count=2, nodes=program.nodes)
    both = dataclasses.replace(program, image=np.tile(program.image, 2), again=code)
    save_program(both, tmp_path / "p")
    found = load_program(tmp_path / "p", MACHINE)
    assert found.again == code == found.code(again=True)
    assert found.decoded(again=True) == program.instructions
    for wrong, words in ((33, "it begins at 33, expected a multiple of 8"), (40, "does not fit its image")):
        save_program(dataclasses.replace(both, again=dataclasses.replace(code, address=wrong)), tmp_path / "w")
        with pytest.raises(InputError, match=words):
            load_program(tmp_path / "w", MACHINE)
