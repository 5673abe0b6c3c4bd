"""The decoder and its parts against the format's definition in `arch`."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, tile_beat
from skipbeat_arch.tile_words import SlotTable
from skipbeat_hw.core.aligner import Aligner
from skipbeat_hw.core.decoder import WeightDecoder
from skipbeat_hw.core.dispatcher import Dispatcher
from skipbeat_hw.core.slots import Slots
from skipbeat_hw.core.unpacker import Unpacker
from skipbeat_verify.core_passes import random_tile, small_hardware
from tests.hw.ported import Ported

SIZES = [(1, 1, 4, 1), (3, 4, 8, 2), (4, 6, 4, 6), (2, 3, 32, 1), (5, 8, 16, 4)]
Write = tuple[int, int, list[int], list[int]]


def tiles(rng: np.random.Generator, hw: Hardware, count: int) -> list[tuple[PackedTile, list[Write]]]:
    """Random tiles in every encoding, each with its writes: row, slot, values, index (of the slots in use)."""
    made = []
    for _ in range(count):
        rows, cols = int(rng.integers(1, hw.array.rows + 1)), int(rng.integers(1, hw.array.cols + 1))
        weights = random_tile(rng, hw, rows, cols, int(rng.integers(1, hw.array.group + 1)))
        beat = tile_beat(weights)
        encoding = Encoding(rng.choice([int(e) for e in legal_encodings(beat, hw)]))
        table = SlotTable.of(weights[None], beat, encoding)
        full = np.zeros((3, rows, beat, hw.array.cols), np.int64)
        full[..., :cols] = np.where(table.used[0], np.stack([table.values[0], table.positions[0], table.used[0]]), 0)
        writes = [
            (r, s, full[0, r, s].tolist(), np.where(full[2, r, s], full[1, r, s], -1).tolist())
            for r in range(rows)
            for s in range(beat)
        ]
        made.append((pack_tile(weights, hw, encoding), writes))
    return made


def tile_word(tile: PackedTile, hw: Hardware) -> int:
    fields = {"encoding": int(tile.encoding), "beat": tile.beat, "rows": tile.rows, "cols": tile.cols}
    fields["words"] = metadata_words(tile, hw)
    return ports.pack(ports.tile_fields(hw), fields)


def stream_words(tile: PackedTile, hw: Hardware) -> list[int]:
    data = [int.from_bytes(word.tobytes(), "little") for word in tile.words]
    return [*data[:-1], data[-1] | 1 << hw.word_bits]


def metadata_words(tile: PackedTile, hw: Hardware) -> int:
    bits = tile.rows * hw.array.cols * metadata_bits(tile.encoding, tile.beat, hw.array.group)
    return -(-bits // hw.word_bits)


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_decoder_writes_every_slot_of_every_tile(size: tuple[int, int, int, int], share: float) -> None:
    hw = small_hardware(*size)
    rng = np.random.default_rng(size)
    made = tiles(rng, hw, 12)
    decoder, fields = Ported(WeightDecoder, {"hw": hw}), ports.write_fields(hw)
    descriptors = deque(tile_word(tile, hw) for tile, _ in made)
    words = deque(word for tile, _ in made for word in stream_words(tile, hw))
    got: list[Write] = []
    done = 0
    for _ in range(6000):
        inputs = {
            "tiles__valid": int(bool(descriptors)),
            "tiles__payload": descriptors[0] if descriptors else 0,
            "weights__valid": int(bool(words) and rng.random() < share),
            "weights__payload": words[0] if words else 0,
            "bank_ok_i": int(rng.random() < share),
            "halt_i": 0,
        }
        outputs = decoder.outputs(inputs)
        assert outputs["error_o"] == 0
        done += outputs["done_o"]
        write = ports.unpack(fields, outputs["write_o"])
        if write["enable"]:
            values = ports.unpack_array(write["values"], hw.array.cols, hw.numbers.weight_bits, signed=True)
            index = ports.unpack_array(write["index"], hw.array.cols, hw.index_bits)
            got.append((write["row"], write["slot"], values, index))
        if inputs["tiles__valid"] and outputs["tiles__ready"]:
            descriptors.popleft()
        if inputs["weights__valid"] and outputs["weights__ready"]:
            words.popleft()
        decoder.tick(inputs)
    expected = [write for _, writes in made for write in writes]
    assert done == len(made)
    assert [write[:3] for write in got] == [write[:3] for write in expected]
    for (_, _, _, index), (_, _, _, positions) in zip(got, expected, strict=True):
        assert all(position in (i, -1) for i, position in zip(index, positions, strict=True))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_dispatcher_splits_each_tile_at_its_metadata(size: tuple[int, int, int, int]) -> None:
    hw = small_hardware(*size)
    rng = np.random.default_rng(size)
    made = [tile for tile, _ in tiles(rng, hw, 10)]
    twin, descriptors = Ported(Dispatcher, {"hw": hw}), deque(tile_word(tile, hw) for tile in made)
    words = deque(word for tile in made for word in stream_words(tile, hw))
    out: dict[str, list[int]] = {"unpack_o": [], "rows_o": [], "metadata_o": [], "values_o": []}
    for _ in range(1500):
        inputs = {f"{port}__ready": int(rng.random() < 0.7) for port in out}
        inputs |= {
            "tiles__valid": int(bool(descriptors)),
            "tiles__payload": descriptors[0] if descriptors else 0,
            "weights__valid": int(bool(words)),
            "weights__payload": words[0] if words else 0,
            "halt_i": 0,
        }
        outputs = twin.outputs(inputs)
        for port, items in out.items():
            if outputs[f"{port}__valid"] and inputs[f"{port}__ready"]:
                items.append(outputs[f"{port}__payload"])
        if inputs["tiles__valid"] and outputs["tiles__ready"]:
            descriptors.popleft()
        if inputs["weights__valid"] and outputs["weights__ready"]:
            words.popleft()
        twin.tick(inputs)
    split = [(stream_words(tile, hw), metadata_words(tile, hw)) for tile in made]
    assert out["metadata_o"] == [word for data, meta in split for word in data[:meta]]
    assert out["values_o"] == [word for data, meta in split for word in data[meta:]]
    assert out["rows_o"] == [tile_word(tile, hw) for tile in made]
    counts = [ports.field_of(ports.unpack_fields(hw), word, "words") for word in out["unpack_o"]]
    assert counts == [metadata_words(tile, hw) for tile in made if tile.encoding != Encoding.DENSE]


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_unpacker_gives_the_metadata_group_by_group(size: tuple[int, int, int, int], share: float) -> None:
    hw = small_hardware(*size)
    rng = np.random.default_rng(size)
    made = [tile for tile, _ in tiles(rng, hw, 10) if tile.encoding != Encoding.DENSE]
    expected, words, descriptors = [], deque[int](), deque[int]()
    for tile in made:
        bits, count = metadata_bits(tile.encoding, tile.beat, hw.array.group), metadata_words(tile, hw)
        data = [int.from_bytes(word.tobytes(), "little") for word in tile.words[:count]]
        words.extend(data)
        expected += ports.unpack_array(ports.pack_array(data, hw.word_bits), tile.rows * hw.array.cols, bits)
        fields = {"encoding": int(tile.encoding), "beat": tile.beat, "rows": tile.rows, "words": count}
        descriptors.append(ports.pack(ports.unpack_fields(hw), fields))
    twin, got = Ported(Unpacker, {"hw": hw}), []
    for _ in range(2000):
        inputs = {
            "tiles__valid": int(bool(descriptors)),
            "tiles__payload": descriptors[0] if descriptors else 0,
            "words__valid": int(bool(words) and rng.random() < share),
            "words__payload": words[0] if words else 0,
            "steps__ready": int(rng.random() < share),
        }
        outputs = twin.outputs(inputs)
        if outputs["steps__valid"] and inputs["steps__ready"]:
            got += ports.unpack_array(outputs["steps__payload"], hw.weights.decode_lanes, hw.array.group)
        if inputs["tiles__valid"] and outputs["tiles__ready"]:
            descriptors.popleft()
        if inputs["words__valid"] and outputs["words__ready"]:
            words.popleft()
        twin.tick(inputs)
    assert got == expected


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_slots_are_those_of_the_slot_table(size: tuple[int, int, int, int]) -> None:
    hw = small_hardware(*size)
    rng = np.random.default_rng(size)
    made = tiles(rng, hw, 10)
    steps, lanes = deque[int](), hw.weights.decode_lanes
    for tile, _ in made:
        bits, count = metadata_bits(tile.encoding, tile.beat, hw.array.group), metadata_words(tile, hw)
        data = [int.from_bytes(word.tobytes(), "little") for word in tile.words[:count]]
        count = tile.rows * hw.array.cols if bits else 0
        groups = ports.unpack_array(ports.pack_array(data, hw.word_bits), count, max(bits, 1))
        steps.extend(ports.pack_array(groups[i : i + lanes], hw.array.group) for i in range(0, len(groups), lanes))
    descriptors = deque(tile_word(tile, hw) for tile, _ in made)
    twin, got = Ported(Slots, {"hw": hw}), []
    for _ in range(2500):
        inputs = {
            "tiles__valid": int(bool(descriptors)),
            "tiles__payload": descriptors[0] if descriptors else 0,
            "steps__valid": int(bool(steps) and rng.random() < 0.8),
            "steps__payload": steps[0] if steps else 0,
            "slots__ready": int(rng.random() < 0.8),
        }
        outputs = twin.outputs(inputs)
        assert outputs["error_o"] == 0
        if outputs["slots__valid"] and inputs["slots__ready"]:
            got.append(ports.unpack(ports.slot_fields(hw), outputs["slots__payload"]))
        if inputs["tiles__valid"] and outputs["tiles__ready"]:
            descriptors.popleft()
        if inputs["steps__valid"] and outputs["steps__ready"]:
            steps.popleft()
        twin.tick(inputs)
    expected = [(*write, tile) for tile, writes in made for write in writes]
    assert len(got) == len(expected)
    for op, (row, slot, _, positions, tile) in zip(got, expected, strict=True):
        used = [position >= 0 for position in positions]
        index = ports.unpack_array(op["index"], hw.array.cols, hw.index_bits)
        rank = ports.unpack_array(op["rank"], hw.array.cols, ports.rank_bits(hw))
        assert (op["row"], op["slot"], op["count"]) == (row, slot, sum(used))
        assert ports.unpack_array(op["mask"], hw.array.cols, 1) == used
        assert [i for i, u in zip(index, used, strict=True) if u] == [p for p in positions if p >= 0]
        assert [r for r, u in zip(rank, used, strict=True) if u] == list(range(sum(used)))
        assert op["final"] == ((row, slot) == (tile.rows - 1, tile.beat - 1))


@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("cols", [1, 2, 5, 8])
def test_aligner_hands_out_a_queue_of_bytes(cols: int, share: float) -> None:
    hw = small_hardware(4, cols, 16)
    rng = np.random.default_rng(cols)
    ops, words, expected = deque[int](), deque[int](), []
    for _ in range(30):
        counts = rng.integers(0, cols + 1, int(rng.integers(1, 12))).tolist()
        counts[0] = counts[0] or 1  # a tile has a weight
        values = rng.integers(0, 256, sum(counts)).tolist()
        for at in range(0, len(values), cols):
            last = at + cols >= len(values)
            words.append(ports.pack_array(values[at : at + cols], 8) | last << hw.word_bits)
        for number, count in enumerate(counts):
            mask = (rng.permutation(cols) < count).astype(int).tolist()
            rank = [sum(mask[:c]) for c in range(cols)]
            op = {
                "mask": mask,
                "count": count,
                "rank": rank,
                "index": [3] * cols,
                "row": number % 4,
                "slot": number,
                "final": int(number == len(counts) - 1),
            }
            ops.append(ports.pack(ports.slot_fields(hw), op))
            mine = [values.pop(0) for _ in range(count)]
            expected.append((number, [mine[r] if m else 0 for m, r in zip(mask, rank, strict=True)]))
    twin, got, done = Ported(Aligner, {"hw": hw}), [], 0
    for _ in range(1200):
        inputs = {
            "slots__valid": int(bool(ops) and rng.random() < share),
            "slots__payload": ops[0] if ops else 0,
            "words__valid": int(bool(words) and rng.random() < share),
            "words__payload": words[0] if words else 0,
            "bank_ok_i": int(rng.random() < share),
            "halt_i": int(rng.random() > share),
        }
        outputs = twin.outputs(inputs)
        assert outputs["error_o"] == 0
        done += outputs["done_o"]
        write = ports.unpack(ports.write_fields(hw), outputs["write_o"])
        if write["enable"]:
            got.append((write["slot"], ports.unpack_array(write["values"], cols, 8)))
        if inputs["slots__valid"] and outputs["slots__ready"]:
            ops.popleft()
        if inputs["words__valid"] and outputs["words__ready"]:
            words.popleft()
        twin.tick(inputs)
    assert got == expected
    assert done == 30
