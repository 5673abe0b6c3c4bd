"""One processing element. The array does not use it: it holds all its PEs in one set of arrays (`array.py`)."""

from __future__ import annotations


class PE:
    """Twin of the PE; 3 clocks from `slot_i` to `psum_o`.

    Ports, lowest bits first: `bundle_i` [M] activations; `slot_i` {slot, bank}; `write_i` {address, enable};
    `weight_i` {value, index}; `psum_i`. `bundle_o`, `slot_o`, `write_o` are the inputs one clock later.

    Args:
        group: M.
        weight_bits, activation_bits, psum_bits: two's-complement widths.
    """

    def __init__(self, group: int, weight_bits: int, activation_bits: int, psum_bits: int) -> None:
        self._index_bits = (group - 1).bit_length()
        self._weight_bits, self._activation_bits, self._psum_bits = weight_bits, activation_bits, psum_bits
        self._memory = [(0, 0)] * (2 * group)
        self._activation = self._weight = self._product = self.psum_o = 0
        self.bundle_o = self.slot_o = self._address = self._enable = 0

    @property
    def write_o(self) -> int:
        """`write_i` one clock later."""
        return self._address | self._enable << (1 + self._index_bits)

    def update(self, bundle_i: int, slot_i: int, write_i: int, weight_i: int, psum_i: int) -> None:
        """End of the clock."""
        value, index = self._memory[slot_i]
        self.psum_o = (psum_i + self._product) & ((1 << self._psum_bits) - 1)
        self._product = self._activation * self._weight
        self._activation = _signed(bundle_i >> (index * self._activation_bits), self._activation_bits)
        self._weight = value
        self.bundle_o, self.slot_o = bundle_i, slot_i
        self._enable, self._address = divmod(write_i, 2 << self._index_bits)
        if self._enable:
            weight = weight_i
            self._memory[self._address] = (_signed(weight, self._weight_bits), weight >> self._weight_bits)

    def reset(self) -> None:
        """Only the enable of the write has a reset."""
        self._enable = 0


def _signed(bits: int, width: int) -> int:
    sign = 1 << (width - 1)
    return ((bits & (2 * sign - 1)) ^ sign) - sign
