"""The hardware description: one frozen object from which every part derives its sizes.

Read from YAML (`load_hardware`) or from a preset's name; every value is checked here and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .arguments import expect
from .clock_table import preset_measurement
from .errors import InputError
from .files import read_text
from .yaml_file import first_error, parse_mapping, parse_value

#: 1 is a dense machine: no multiplexer, no positions, no metadata.
GROUP_SIZES = (1, 4, 8, 16, 32)
DEFAULT_PRESET = "edge-16x16"
#: Read bursts that a memory may have under way.
MOST_OUTSTANDING = 64
#: A kilohertz: no slower clock is worth a price, and no time at one would be read.
SLOWEST_MHZ = 0.001
#: Characters of a name.
_MOST_NAME = 64


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Array(_Section):
    """The systolic array: `rows` × `cols` PEs; `group` is M, the elements of one bundle."""

    rows: Annotated[int, Field(ge=1, le=64)]
    cols: Annotated[int, Field(ge=1, le=64)]
    group: int

    @field_validator("group")
    @classmethod
    def _group_is_supported(cls, group: int) -> int:
        if group not in GROUP_SIZES:
            raise ValueError(f"must be one of {', '.join(map(str, GROUP_SIZES))}, not {group}")
        return group


class Weights(_Section):
    """Weight path: `decode_lanes` groups of metadata decoded per clock (M = 1 has none); on-chip buffer size."""

    decode_lanes: Annotated[int, Field(ge=1, le=64)] = 1
    buffer_kib: Annotated[int, Field(ge=1, le=65536)]


class Activations(_Section):
    """Activation buffer size."""

    buffer_kib: Annotated[int, Field(ge=1, le=65536)]


class Accumulators(_Section):
    """`depth`: pixels in a block, i.e. entries of each column's accumulator memory."""

    depth: Annotated[int, Field(ge=1, le=65535)]


class Outputs(_Section):
    """Output stage: `lanes` columns are requantised per clock; on-chip buffer for finished outputs.

    `gradients`: a STORE can round stochastically, and the size of its largest sum is noted, for training.
    `turn`: a TURN writes vectors of the residual memory transposed, for training.
    """

    lanes: Annotated[int, Field(ge=1, le=64)] = 1
    buffer_kib: Annotated[int, Field(ge=1, le=65536)] = 32
    gradients: bool = False
    turn: bool = False


class Memory(_Section):
    """External memory: sustained bytes per clock and latency in clocks; longest burst and bursts under way at once.

    `address_bits` and `port_bytes`, the width of the port (None: as wide as a beat): no program depends on them.
    """

    bytes_per_clock: Annotated[int, Field(ge=1, le=4096)]
    latency_clocks: Annotated[int, Field(ge=1, le=100_000)]
    burst_beats: Annotated[int, Field(ge=1, le=256)] = 16
    outstanding: Annotated[int, Field(ge=1, le=MOST_OUTSTANDING)] = 8
    address_bits: Annotated[int, Field(ge=32, le=64)] = 32
    port_bytes: Annotated[int, Field(ge=1, le=128)] | None = None

    @field_validator("burst_beats", "port_bytes")
    @classmethod
    def _is_a_power_of_two(cls, size: int | None) -> int | None:
        if size and size & (size - 1):
            raise ValueError(f"must be a power of two, not {size}")
        return size


class Host(_Section):
    """What computes the operators that the accelerator does not, by assumption so many results per clock of it."""

    elements_per_clock: Annotated[float, Field(gt=0, le=1e9)]


class Numbers(_Section):
    """Widths in bits of two's-complement weights, activations and accumulators."""

    weight_bits: Annotated[int, Field(ge=2, le=8)] = 8
    activation_bits: Annotated[int, Field(ge=2, le=8)] = 8
    accumulator_bits: Annotated[int, Field(ge=16, le=48)] = 32


class Hardware(_Section):
    """A complete hardware description. Sizes that follow from it are properties, computed here only.

    `device` is what `clock_mhz` is for; whether it was measured there, `clock_source` says.
    """

    name: Annotated[str, Field(min_length=1, max_length=_MOST_NAME, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+=-]*$")]
    clock_mhz: Annotated[float, Field(ge=SLOWEST_MHZ, le=10_000)]
    device: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    array: Array
    weights: Weights
    activations: Activations
    accumulators: Accumulators
    memory: Memory
    numbers: Numbers = Numbers()
    outputs: Outputs = Outputs()
    host: Host | None = None

    @model_validator(mode="after")
    def _lanes_divide_columns(self) -> Hardware:
        lanes, cols = self.weights.decode_lanes, self.array.cols
        if cols % lanes:
            raise ValueError(f"weights.decode_lanes must divide array.cols ({cols}), not be {lanes}")
        if self.psum_bits > self.numbers.accumulator_bits:
            raise ValueError(
                f"numbers.accumulator_bits must be at least {self.psum_bits} for {self.array.rows} rows, "
                f"not {self.numbers.accumulator_bits}"
            )
        return self

    @property
    def sizes(self) -> dict[str, Any]:
        """What is built, whatever its name, its clock and its host; what is not there has no name in it."""
        sizes = self.model_dump(exclude={"name", "clock_mhz", "device", "host"})
        for extra in ("gradients", "turn"):
            if not sizes["outputs"][extra]:
                del sizes["outputs"][extra]
        return sizes

    @property
    def pes(self) -> int:
        """Processing elements, each with one multiplier."""
        return self.array.rows * self.array.cols

    @property
    def is_dense(self) -> bool:
        """Whether the sparsity hardware is left out: M = 1, and so every tile is dense and b = 1."""
        return self.array.group == 1

    @property
    def index_bits(self) -> int:
        """Bits of a position inside a group: log2 M."""
        return (self.array.group - 1).bit_length()

    @property
    def psum_bits(self) -> int:
        """Width of the partial sum that leaves a column: it holds `rows` extreme products exactly."""
        n = self.numbers
        extreme = self.array.rows << (n.weight_bits + n.activation_bits - 2)
        return extreme.bit_length() + 1

    @property
    def word_bits(self) -> int:
        """Bits of a weight-stream word: one value per array column."""
        return self.array.cols * self.numbers.weight_bits

    @property
    def metadata_words(self) -> int:
        """Words of metadata of the largest tile, hence the depth of the metadata FIFO."""
        return -(-self.array.rows * self.array.group // self.numbers.weight_bits)

    @property
    def result_depth(self) -> int:
        """Entries of the result buffer: enough that a b = 1 pass never waits for a credit."""
        return 1 << (self.array.rows + self.array.cols + 7).bit_length()


def preset_names() -> list[str]:
    """Names of the presets that are shipped, sorted."""
    folder = resources.files(__package__) / "presets"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def load_hardware(source: str | Path = DEFAULT_PRESET, overrides: Sequence[str] = ()) -> Hardware:
    """Read a preset's name or a YAML file; `overrides` are `KEY=VALUE` with dotted keys.

    A preset's clock is what was measured for it (`clock_table`), where anything was. What overrides change is said in
    the name, as in `edge-16x16+array.rows=8`, unless they give a name.

    Raises:
        InputError: unknown preset, unreadable file, unknown key or a value out of range.
    """
    expect("hardware", source, (str, Path), "a preset's name or the path of a .yaml file")
    for override in overrides:
        expect("overrides", override, str, "KEY=VALUE")
    data = _read(source)
    given = deepcopy(data)
    for override in overrides:
        _apply(data, override)
    name = data.get("name")
    if data != given and isinstance(name, str) and name == given.get("name"):
        data["name"] = _changed_name(name, overrides)
    try:
        return Hardware.model_validate(data)
    except ValidationError as error:
        raise InputError(f"hardware {source}: {first_error(error)}") from None


def _changed_name(name: str, overrides: Sequence[str]) -> str:
    """A name with what was changed, or, where that is too long, how much and a digest of it."""
    changes = "+".join(re.sub(r"[^A-Za-z0-9._=+-]", "-", override) for override in overrides)
    if len(name) + 1 + len(changes) <= _MOST_NAME:
        return f"{name}+{changes}"
    digest = hashlib.sha256("\0".join(overrides).encode()).hexdigest()[:8]
    return f"{name[:40]}+{len(overrides)}-changes-{digest}"


def _read(source: str | Path) -> dict[str, Any]:
    path = Path(source)
    if str(source) in preset_names():
        text = (resources.files(__package__) / "presets" / f"{source}.yaml").read_text()
        measured = preset_measurement(str(source))
        clock = {"clock_mhz": measured.clock_mhz, "device": measured.device} if measured else {}
        return parse_mapping(text, f"hardware {source}") | clock
    if path.suffix in {".yaml", ".yml"}:
        text = read_text(path, f"hardware {source}")
        return parse_mapping(text, f"hardware {source}")
    raise InputError(f"hardware {source}: no such preset; expected one of {', '.join(preset_names())} or a .yaml file")


def _apply(data: dict[str, Any], override: str) -> None:
    key, sign, value = override.partition("=")
    if not sign or not key:
        raise InputError(f"--set {override}: expected KEY=VALUE, as in array.rows=8")
    *parents, leaf = key.split(".")
    section = data
    for depth, parent in enumerate(parents):
        if section.get(parent) is None:
            if depth or parent not in Hardware.model_fields:
                raise InputError(f"--set {override}: there is no section {'.'.join(parents[: depth + 1])}")
            section[parent] = {}
        section = section[parent]
        if not isinstance(section, dict):
            raise InputError(f"--set {override}: {parent} is a value, not a section")
    try:
        section[leaf] = parse_value(value)
    except ValueError:
        raise InputError(f"--set {override}: {value!r} is not a value") from None
