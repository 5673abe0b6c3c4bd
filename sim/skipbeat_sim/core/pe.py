"""One processing element. The array does not use it: it holds all its PEs in one set of arrays (`array.py`)."""

from __future__ import annotations

from collections.abc import Mapping


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
        self._activation = self._weight = self._product = self._psum = 0
        self._bundle = self._slot = self._address = self._enable = 0

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports, all from registers."""
        return {
            "bundle_o": self._bundle,
            "slot_o": self._slot,
            "write_o": self._address | self._enable << (1 + self._index_bits),
            "psum_o": self._psum,
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        value, index = self._memory[inputs["slot_i"]]
        self._psum = (inputs["psum_i"] + self._product) & ((1 << self._psum_bits) - 1)
        self._product = self._activation * self._weight
        self._activation = _signed(inputs["bundle_i"] >> (index * self._activation_bits), self._activation_bits)
        self._weight = value
        self._bundle, self._slot = inputs["bundle_i"], inputs["slot_i"]
        self._enable, self._address = divmod(inputs["write_i"], 2 << self._index_bits)
        if self._enable:
            weight = inputs["weight_i"]
            self._memory[self._address] = (_signed(weight, self._weight_bits), weight >> self._weight_bits)
        if inputs.get("rst", 0):
            self.reset()

    def reset(self) -> None:
        """Only the enable of the write has a reset."""
        self._enable = 0


def _signed(bits: int, width: int) -> int:
    sign = 1 << (width - 1)
    return ((bits & (2 * sign - 1)) ^ sign) - sign
