"""Tiles as the streams of the decoder and its parts carry them: sound ones, and ones that contradict themselves."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import legal_encodings, pack_tile, tile_beat
from skipbeat_verify.core_passes import random_tile
from tests.hw.stimulus import Values
from tests.hw.twins import Size


@dataclass(frozen=True)
class Descriptor:
    """What the command says of a tile."""

    encoding: int
    beat: int
    rows: int
    cols: int

    def word(self, hw: Hardware) -> int:
        """As `tile_fields`."""
        return ports.pack(ports.tile_fields(hw), vars(self) | {"words": self.metadata_words(hw)})

    def metadata_words(self, hw: Hardware) -> int:
        """Words in front of the values."""
        bits = self.rows * hw.array.cols * metadata_bits(self.encoding, self.beat, hw.array.group)
        return -(-bits // hw.word_bits)

    def unpack_word(self, hw: Hardware, words: int | None = None) -> int:
        """As `unpack_fields`."""
        words = self.metadata_words(hw) if words is None else words
        return ports.pack(ports.unpack_fields(hw), vars(self) | {"words": words})


@dataclass(frozen=True)
class Tile:
    """A descriptor and the tile's words, `weight_fields` each."""

    descriptor: Descriptor
    words: list[int]

    def metadata(self, hw: Hardware) -> list[int]:
        """Words of metadata, without the flag."""
        data = (1 << hw.word_bits) - 1
        return [word & data for word in self.words[: self.descriptor.metadata_words(hw)]]

    def steps(self, hw: Hardware) -> list[int]:
        """The metadata as [L] groups of M bits for each clock."""
        d, lanes = self.descriptor, hw.weights.decode_lanes
        width = metadata_bits(d.encoding, d.beat, hw.array.group)
        groups = ports.unpack_array(ports.pack_array(self.metadata(hw), hw.word_bits), d.rows * hw.array.cols, width)
        return [ports.pack_array(groups[i : i + lanes], hw.array.group) for i in range(0, len(groups), lanes)]


def any_descriptor(size: Size, rng: random.Random) -> Descriptor:
    """A descriptor that a sound command can have."""
    hw = size.hw
    beat = rng.randint(1, size.group)
    encoding = rng.choice(legal_encodings(beat, hw))
    return Descriptor(int(encoding), beat, rng.randint(1, size.rows), rng.randint(1, size.cols))


def sound_tiles(size: Size, rng: random.Random) -> Iterator[Tile]:
    """Packed tiles of every encoding, for ever."""
    numbers, hw = np.random.default_rng(rng.getrandbits(32)), size.hw
    while True:
        weights = random_tile(numbers, hw, rng.randint(1, size.rows), rng.randint(1, size.cols), _most(size, rng))
        encoding = Encoding(rng.choice(legal_encodings(tile_beat(weights), hw)))
        packed = pack_tile(weights, hw, encoding)
        words = [int.from_bytes(row.tobytes(), "little") for row in packed.words]
        words[-1] |= 1 << hw.word_bits
        yield Tile(Descriptor(int(encoding), packed.beat, packed.rows, packed.cols), words)


def _most(size: Size, rng: random.Random) -> int:
    return rng.choice([1, 2, max(1, size.group // 2), size.group, rng.randint(1, size.group)])


def contradictory_tiles(size: Size, rng: random.Random) -> Iterator[Tile]:
    """Packed tiles of which one in three does not hold together."""
    flag = 1 << size.hw.word_bits
    for tile in sound_tiles(size, rng):
        words, descriptor = list(tile.words), tile.descriptor
        at = rng.randrange(len(words))
        match rng.choice(["bits", "early", "missing", "longer", "cols"]) if rng.random() < 0.3 else "sound":
            case "bits":
                words[at] ^= rng.getrandbits(size.hw.word_bits) & rng.getrandbits(size.hw.word_bits)
            case "early":
                words[at] |= flag
            case "missing":
                words[-1] ^= flag
            case "longer":
                words.insert(at, rng.getrandbits(size.hw.word_bits))
            case "cols":
                descriptor = Descriptor(
                    descriptor.encoding, descriptor.beat, descriptor.rows, rng.randint(1, size.cols)
                )
        yield Tile(descriptor, words)


def split(parts: Iterator[Sequence[Iterable[int]]], count: int) -> list[Iterator[int]]:
    """One iterator for each of `count` streams to which every part adds items."""
    queues: list[deque[int]] = [deque() for _ in range(count)]

    def stream(queue: deque[int]) -> Iterator[int]:
        while True:
            while not queue:
                part = next(parts, None)
                if part is None:
                    return
                for other, items in zip(queues, part, strict=True):
                    other.extend(items)
            yield queue.popleft()

    return [stream(queue) for queue in queues]


class Halt:
    """Drives `halt_i` as the core does: from the clock after an error until a reset."""

    def __init__(self) -> None:
        self._halted = 0

    def drive(self) -> Values:
        return {"halt_i": self._halted}

    def after(self, inputs: Values, outputs: Values) -> None:
        self._halted = 0 if inputs["rst"] else int(self._halted or outputs["error_o"] != 0)


def write_means(values: Values) -> int:
    """Bits of `write_o` that mean something: without `enable`, its lowest bit, nothing is written anywhere."""
    return -1 if values["write_o"] & 1 else 1
