"""Hardware descriptions: presets, what is refused and how it is said, overrides, the traps of YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import DEFAULT_PRESET, Hardware, load_hardware, preset_names

EDGE = """
name: edge-16x16
clock_mhz: 200
array: {rows: 16, cols: 16, group: 4}          # group is M
weights: {decode_lanes: 8, buffer_kib: 64}
activations: {buffer_kib: 128}
accumulators: {depth: 1024}                    # pixels in a block
memory: {bytes_per_clock: 16, latency_clocks: 40}
"""


def refusal(source: str | Path, *overrides: str) -> str:
    """The message with which a description is refused; it must be one line."""
    with pytest.raises(InputError) as caught:
        load_hardware(source, overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_the_presets_are_those_that_the_design_names() -> None:
    dense = ["dense-16x16", "dense-8x8"]
    assert preset_names() == [
        *dense,
        "edge-16x16",
        "edge-16x16-m8",
        "edge-8x8",
        "large-32x32",
        "tiny-4x4",
        "train-32x32",
    ]
    assert DEFAULT_PRESET == "edge-16x16"


@pytest.mark.parametrize(
    ("preset", "size", "group"),
    [
        ("tiny-4x4", 4, 4),
        ("edge-8x8", 8, 4),
        ("edge-16x16", 16, 4),
        ("large-32x32", 32, 4),
        ("edge-16x16-m8", 16, 8),
        ("train-32x32", 32, 8),
    ],
)
def test_each_preset_is_named_after_its_array(preset: str, size: int, group: int) -> None:
    hardware = load_hardware(preset)
    assert hardware.name == preset
    assert (hardware.array.rows, hardware.array.cols, hardware.array.group) == (size, size, group)


def test_the_default_preset_is_the_description_in_the_design(tmp_path: Path) -> None:
    hardware = load_hardware()
    described = load_hardware(write(tmp_path, EDGE))
    assert hardware.model_copy(update={"outputs": described.outputs}) == described
    assert hardware.clock_mhz == 200
    assert (hardware.weights.decode_lanes, hardware.weights.buffer_kib) == (8, 64)
    assert hardware.activations.buffer_kib == 128
    assert hardware.accumulators.depth == 1024
    assert (hardware.memory.bytes_per_clock, hardware.memory.latency_clocks) == (16, 40)
    numbers = hardware.numbers
    assert (numbers.weight_bits, numbers.activation_bits, numbers.accumulator_bits) == (8, 8, 32)


def test_large_has_64_bytes_per_clock() -> None:
    assert load_hardware("large-32x32").memory.bytes_per_clock == 64


def test_m8_differs_from_its_sibling_only_in_name_and_group() -> None:
    other = load_hardware("edge-16x16", ["name=edge-16x16-m8", "array.group=8"])
    assert load_hardware("edge-16x16-m8") == other


@pytest.mark.parametrize("size", ["8x8", "16x16"])
def test_a_dense_preset_is_its_sibling_without_sparsity_hardware(size: str) -> None:
    changed = [f"name=dense-{size}", "array.group=1", "weights.decode_lanes=1"]
    assert load_hardware(f"dense-{size}").sizes == load_hardware(f"edge-{size}", changed).sizes
    assert load_hardware(f"dense-{size}").is_dense
    assert not load_hardware(f"edge-{size}").is_dense


@pytest.mark.parametrize("preset", preset_names())
def test_derived_sizes_hold_what_they_must(preset: str) -> None:
    hw = load_hardware(preset)
    assert hw.pes == hw.array.rows * hw.array.cols
    assert 1 << hw.index_bits == hw.array.group
    largest = hw.array.rows * 128 * 128
    assert -(1 << (hw.psum_bits - 1)) <= -largest
    assert largest <= (1 << (hw.psum_bits - 1)) - 1
    assert hw.psum_bits == 2 or not largest <= (1 << (hw.psum_bits - 2)) - 1, "one bit fewer would do"
    assert hw.word_bits == 8 * hw.array.cols
    assert hw.metadata_words * hw.word_bits >= hw.array.rows * hw.array.cols * hw.array.group
    assert hw.result_depth & (hw.result_depth - 1) == 0


def test_it_is_frozen() -> None:
    hardware = load_hardware()
    with pytest.raises(ValidationError, match="frozen"):
        hardware.__setattr__("name", "other")
    assert hash(hardware) == hash(load_hardware())


def test_a_dump_is_a_description_again(tmp_path: Path) -> None:
    hardware = load_hardware("edge-16x16-m8", ["numbers.weight_bits=4"])
    assert load_hardware(write(tmp_path, yaml.safe_dump(hardware.model_dump()))) == hardware


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("array.rows=0", "array.rows: input should be greater than or equal to 1, not 0"),
        ("array.cols=-4", "array.cols: input should be greater than or equal to 1, not -4"),
        ("array.rows=65", "array.rows: input should be less than or equal to 64, not 65"),
        ("array.rows=8.5", "array.rows: input should be a valid integer, not 8.5"),
        ("array.rows=8.0", "array.rows: input should be a valid integer, not 8.0"),
        ("array.rows=many", "array.rows: input should be a valid integer, not 'many'"),
        ("array.rows=yes", "array.rows: input should be a valid integer, not 'yes'"),
        ("array.rows=", "array.rows: input should be a valid integer, not None"),
        ("array.group=5", "array.group: must be one of 1, 4, 8, 16, 32, not 5"),
        ("array=", "array: must be a section with keys of its own, not None"),
        ("array=[16, 16, 4]", "array: must be a section with keys of its own, not [16, 16, 4]"),
        ("array={rows: 4, group: 4}", "array.cols: missing"),
        ("array.columns=4", "array.columns: unknown key"),
        ("colour=blue", "colour: unknown key"),
        ("1=2", "1: unknown key"),
        ("clock_mhz=0", "clock_mhz: input should be greater than or equal to 0.001, not 0"),
        ("clock_mhz=-200", "clock_mhz: input should be greater than or equal to 0.001, not -200"),
        ("clock_mhz=1e-9", "clock_mhz: input should be greater than or equal to 0.001, not 1e-09"),
        ("clock_mhz=10001", "clock_mhz: input should be less than or equal to 10000, not 10001"),
        ("clock_mhz=yes", "clock_mhz: input should be a valid number, not 'yes'"),
        ("clock_mhz=fast", "clock_mhz: input should be a valid number, not 'fast'"),
        ("name=7", "name: input should be a valid string, not 7"),
        ("name=a/b", "name: string should match pattern"),
        ("weights.decode_lanes=3", "weights.decode_lanes must divide array.cols (16), not be 3"),
        ("weights.decode_lanes=32", "weights.decode_lanes must divide array.cols (16), not be 32"),
        ("weights.buffer_kib=0", "weights.buffer_kib: input should be greater than or equal to 1, not 0"),
        ("activations.buffer_kib=0", "activations.buffer_kib: input should be"),
        ("accumulators.depth=65536", "accumulators.depth: input should be less than or equal to 65535, not 65536"),
        ("memory.bytes_per_clock=0", "memory.bytes_per_clock: input should be"),
        ("memory.latency_clocks=0", "memory.latency_clocks: input should be greater than or equal to 1, not 0"),
        ("memory.burst_beats=3", "memory.burst_beats: must be a power of two, not 3"),
        ("memory.port_bytes=24", "memory.port_bytes: must be a power of two, not 24"),
        ("memory.port_bytes=256", "memory.port_bytes: input should be less than or equal to 128, not 256"),
        ("numbers.weight_bits=9", "numbers.weight_bits: input should be less than or equal to 8, not 9"),
        ("numbers.accumulator_bits=16", "numbers.accumulator_bits must be at least 20 for 16 rows, not 16"),
    ],
)
def test_a_wrong_value_is_named_with_its_path(override: str, said: str) -> None:
    assert refusal("edge-16x16", override).startswith(f"hardware edge-16x16: {said}")


def test_an_unknown_or_missing_key_of_a_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, EDGE + "dram: 3\n")
    assert refusal(path) == f"hardware {path}: dram: unknown key"
    assert refusal(write(tmp_path, EDGE.replace("group: 4", "groop: 4"))).startswith(f"hardware {path}: array.group")
    assert refusal(write(tmp_path, EDGE.replace("clock_mhz: 200", ""))) == f"hardware {path}: clock_mhz: missing"


def test_1e3_is_a_clock(tmp_path: Path) -> None:
    assert load_hardware(write(tmp_path, EDGE.replace("200", "1e3"))).clock_mhz == 1000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a mapping of keys, found NoneType"),
        ("- a\n- b\n", "expected a mapping of keys, found list"),
        ("just text", "expected a mapping of keys, found str"),
        ("name: [1, 2\n", "not valid YAML: line 2: "),
        ("name: a: b\n", "not valid YAML: line 1: mapping values are not allowed here"),
        ("array:\n  rows: 4\n  cols: 4\n  rows: 8\n", "not valid YAML: line 4: the key rows stands twice"),
        ("name: !!python/object/apply:os.getcwd []\n", "not valid YAML: line 1: the tag tag:yaml.org,2002:python"),
        ("name: !!timestamp 2024-13-45\n", "not valid YAML: line 1: the tag tag:yaml.org,2002:timestamp"),
        ("{[1, 2]: 3}\n", "not valid YAML: line 1: found unhashable key"),
        ("name: a\n---\nname: b\n", "not valid YAML: line 2: but found another document"),
        ("name: \x07\n", "not valid YAML: "),
    ],
)
def test_a_file_that_is_no_description(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    assert refusal(path).startswith(f"hardware {path}: {said}")


def test_a_source_that_is_neither_preset_nor_file(tmp_path: Path) -> None:
    for source in ("edge-17x17", "", str(tmp_path), "EDGE-16X16", "../edge-16x16"):
        message = refusal(source)
        assert message.startswith(f"hardware {source}: no such preset; expected one of dense-16x16, ")
        assert message.endswith("train-32x32 or a .yaml file")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert refusal(missing) == f"hardware {missing}: cannot be read: No such file or directory"
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    assert refusal(folder) == f"hardware {folder}: cannot be read: expected a file, found a folder"
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    assert refusal(binary) == f"hardware {binary}: cannot be read: not a text file in UTF-8"


def test_overrides_apply_in_order() -> None:
    hardware = load_hardware("edge-8x8", ["array.rows=2", "array.rows=3", "clock_mhz=125.5", "name=mine"])
    assert (hardware.array.rows, hardware.clock_mhz, hardware.name) == (3, 125.5, "mine")
    assert hardware.array.cols == 8


def test_an_override_reaches_a_section_that_the_file_leaves_out(tmp_path: Path) -> None:
    assert load_hardware(write(tmp_path, EDGE), ["numbers.weight_bits=4"]).numbers.weight_bits == 4
    without = write(tmp_path, EDGE.replace("accumulators", "#"))
    assert load_hardware(without, ["accumulators.depth=5"]).accumulators.depth == 5


def test_an_override_replaces_a_whole_section() -> None:
    assert load_hardware("edge-8x8", ["array={rows: 2, cols: 4, group: 8}"]).array.group == 8


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("array.rows", "expected KEY=VALUE, as in array.rows=8"),
        ("=8", "expected KEY=VALUE, as in array.rows=8"),
        ("", "expected KEY=VALUE, as in array.rows=8"),
        ("arrays.rows=8", "there is no section arrays"),
        (".rows=8", "there is no section"),
        ("array.rows.x=8", "rows is a value, not a section"),
        ("clock_mhz.x=8", "clock_mhz is a value, not a section"),
        ("array.x.y=8", "there is no section array.x"),
        ("array.rows=[", "'[' is not a value"),
        ("name=!!timestamp 2024-13-45", "'!!timestamp 2024-13-45' is not a value"),
        ("clock_mhz=.nan", "'.nan' is not a value"),
        ("clock_mhz=.inf", "'.inf' is not a value"),
        ("array={rows: 1, rows: 2}", "'{rows: 1, rows: 2}' is not a value"),
    ],
)
def test_a_malformed_override(override: str, said: str) -> None:
    assert refusal("edge-16x16", override) == f"--set {override}: {said}"


def test_overrides_do_not_leak_into_the_next_load() -> None:
    load_hardware("tiny-4x4", ["array.rows=2"])
    assert load_hardware("tiny-4x4").array.rows == 4


def test_the_class_itself_refuses_what_the_file_refuses() -> None:
    with pytest.raises(ValidationError):
        Hardware.model_validate({"name": "x"})
