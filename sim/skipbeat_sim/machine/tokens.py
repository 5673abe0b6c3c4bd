"""Six counters of tokens between the engines."""

from __future__ import annotations

from collections.abc import Mapping

from skipbeat_arch.depths import MOST_TOKENS
from skipbeat_arch.instruction import TokenPair
from skipbeat_arch.machine_ports import MachineError

COUNTERS = len(TokenPair)


class Tokens:
    """Twin of the tokens, in the order LX, LS, XL, XS, SL, SX (from engine L, X, S to another).

    Natively `some`, `take` and `give` are 6 bits, one for each counter.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """All counters."""
        self.counts = [0] * COUNTERS
        self.some = 0

    def evaluate(self, take: int, give: int) -> None:
        """Wire: `error`."""
        self._take, self._give = take, give
        self.error = MachineError.NONE
        alone = give & ~take
        if alone and any(alone >> i & 1 and self.counts[i] == MOST_TOKENS for i in range(COUNTERS)):
            self.error = MachineError.TOKEN_OVERFLOW

    def update(self) -> None:
        """End of the clock."""
        changed = self._take ^ self._give
        if not changed:
            return
        for i in range(COUNTERS):
            if changed >> i & 1:
                self.counts[i] = (self.counts[i] + (1 if self._give >> i & 1 else -1)) & MOST_TOKENS
        self.some = sum((count != 0) << i for i, count in enumerate(self.counts))

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports: `some_o` [6] and `error_o`."""
        self.evaluate(inputs["take_i"], inputs["give_i"])
        return {"some_o": self.some, "error_o": int(self.error)}

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `take_i` and `give_i` are [6] bits."""
        self.evaluate(inputs["take_i"], inputs["give_i"])
        self.update()
        if inputs.get("rst", 0):
            self.reset()
