"""A tile whose weights and positions are free, and its packed form as a circuit, from the documented format.

The format (`skipbeat_arch.tile`): metadata of rows 0..rows-1 and all the array's columns, lowest bit first, padded to a
whole word; then, row by row, slot by slot, the values of the columns that still have one, in column order, padded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value

from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware, load_hardware


def tiny(rows: int, cols: int, group: int, weight_bits: int = 2, lanes: int = 1) -> Hardware:
    """A hardware that a solver can exhaust."""
    sizes = {"array.rows": rows, "array.cols": cols, "array.group": group, "weights.decode_lanes": lanes}
    sizes |= {"numbers.weight_bits": weight_bits, "numbers.activation_bits": 2, "numbers.accumulator_bits": 16}
    return load_hardware("tiny-4x4", [f"{key}={value}" for key, value in sizes.items()])


def total(bits: Iterable[Value]) -> Value:
    """How many of the bits are 1."""
    count: Value = C(0, 1)
    for bit in bits:
        count = count + bit
    return count


def ceil_to(value: Value, divisor: int, largest: int) -> Value:
    """ceil(value / divisor) for value <= largest, as a sum of comparisons: no divider in the solver's way."""
    return total(value > bound for bound in range(0, largest, divisor))


@dataclass(frozen=True)
class Slot:
    """What one column gets in one slot: whether there is a value, the value, and its position in the group."""

    used: Value
    value: Value
    index: Value


def free_bits(hw: Hardware) -> int:
    """Width of the free input from which a `SymbolicTile` is made."""
    a = hw.array
    return a.rows.bit_length() + a.cols.bit_length() + a.rows * a.cols * a.group * (1 + hw.numbers.weight_bits)


class SymbolicTile:
    """A tile of fixed encoding and b; everything else is read from `free`, which must hold still.

    Attributes:
        rows, cols: 1..R and 1..C. sound: `free` is a tile that this encoding can hold.
        slots: [row][slot][column] `Slot`. words: the packed words. length: how many of them there are.
        metadata_words: how many of these come first.
    """

    def __init__(self, m: Module, hw: Hardware, encoding: Encoding, beat: int, free: Value, name: str) -> None:
        self.hw, self.encoding, self.beat = hw, encoding, beat
        self._m, self._free, self._name = m, free, name
        r, c, group = hw.array.rows, hw.array.cols, hw.array.group
        self.rows, self.cols = self._next(r.bit_length()), self._next(c.bit_length())
        chosen = [[self._next(group) for _ in range(c)] for _ in range(r)]
        weights = [[[self._next(hw.numbers.weight_bits) for _ in range(group)] for _ in range(c)] for _ in range(r)]
        self.sound = Signal(name=f"{name}_sound")
        m.d.comb += self.sound.eq(Cat(self._rules(chosen)).all())
        self.slots = [
            [[self._slot(chosen[i][j], weights[i][j], s, f"{i}_{s}_{j}") for j in range(c)] for s in range(beat)]
            for i in range(r)
        ]
        values, count = self._values()
        self._pack(self._metadata(chosen), values, count)

    def _next(self, bits: int) -> Value:
        """The next bits of the free input."""
        taken, self._free = self._free[:bits], self._free[bits:]
        return taken

    def _rules(self, chosen: list[list[Value]]) -> list[Value]:
        """Sizes within the array, nothing outside the tile, no more than b positions (exactly b, not in a bitmap)."""
        hw, beat = self.hw, self.beat
        rules: list[Value] = [self.rows != 0, self.rows <= hw.array.rows, self.cols != 0, self.cols <= hw.array.cols]
        inside = []
        for i, row in enumerate(chosen):
            for j, group in enumerate(row):
                within = (self.rows > i) & (self.cols > j)
                count = total(group)
                fits = (count <= beat) if self.encoding == Encoding.BITMAP else (count == beat)
                rules.append(Mux(within, fits, count == 0))
                inside.append(within & (count != 0))
        return [*rules, Cat(inside).any()]  # a tile has at least one value

    def _slot(self, chosen: Value, weights: list[Value], slot: int, name: str) -> Slot:
        """The `slot`-th chosen position: the one that is chosen and has `slot` chosen ones below it."""
        hits = [chosen[k] & (total(chosen[:k]) == slot) for k in range(len(chosen))]
        used = Signal(name=f"{self._name}_used_{name}")
        value = Signal(len(weights[0]), name=f"{self._name}_value_{name}")
        index = Signal(self.hw.index_bits, name=f"{self._name}_index_{name}")
        self._m.d.comb += [
            used.eq(Cat(hits).any()),
            value.eq(pick_hit(hits, weights)),
            index.eq(pick_hit(hits, range(len(hits)))),
        ]
        return Slot(used, value, index)

    def _metadata(self, chosen: list[list[Value]]) -> list[Value]:
        """Metadata bits of all the rows that the array has; those of rows outside the tile are 0."""
        bits: list[Value] = []
        for i, row in enumerate(chosen):
            for j, group in enumerate(row):
                if self.encoding == Encoding.BITMAP:
                    bits += list(group)
                elif self.encoding == Encoding.COORDINATE:
                    bits += [bit for slot in self.slots[i] for bit in slot[j].index]
        return bits

    def _values(self) -> tuple[list[Value], Value]:
        """The values in stream order, the n-th at place n, and how many there are."""
        entries = [slot for row in self.slots for column in row for slot in column]
        places: list[Signal] = []
        before = Signal(range(len(entries) + 1))
        for n, entry in enumerate(entries):
            places.append(before)
            after = Signal(range(len(entries) + 1), name=f"{self._name}_place_{n + 1}")
            self._m.d.comb += after.eq(before + entry.used)
            before = after
        values = []
        for n in range(len(entries)):
            hits = [entry.used & (place == n) for entry, place in zip(entries, places, strict=True)]
            values.append(pick_hit(hits, [entry.value for entry in entries]))
        return values, before

    def _pack(self, metadata: list[Value], values: list[Value], count: Value) -> None:
        """Both sections in whole words, the second after as many words as the first takes for `rows` rows."""
        m, width, bits = self._m, self.hw.array.cols, self.hw.word_bits
        head = [Cat(metadata[k : k + bits]) for k in range(0, len(metadata), bits)]
        tail = [Cat(values[k : k + width]) for k in range(0, len(values), width)]
        per_row = width * metadata_bits(self.encoding, self.beat, self.hw.array.group)
        offsets = [-(-rows * per_row // bits) for rows in range(1, self.hw.array.rows + 1)]
        self.words = [Signal(bits, name=f"{self._name}_word_{k}") for k in range(len(head) + len(tail))]
        self.length = Signal(range(len(self.words) + 1), name=f"{self._name}_length")
        self.metadata_words = Signal(range(len(head) + 1), name=f"{self._name}_metadata_words")
        for rows, offset in enumerate(offsets, start=1):
            with m.If(self.rows == rows):
                stream = head[:offset] + tail
                m.d.comb += [word.eq(source) for word, source in zip(self.words, stream, strict=False)]
                m.d.comb += self.metadata_words.eq(offset)
                m.d.comb += self.length.eq(offset + ceil_to(count, width, len(values)))


def pick_hit(hits: list[Value], options: Iterable[Value | int]) -> Value:
    """The option whose hit is 1; 0 if there is none."""
    picked: Value = C(0, 1)
    for hit, option in zip(hits, options, strict=True):
        picked = picked | Mux(hit, option, 0)
    return picked
