"""Six counters of tokens between the engines."""

from __future__ import annotations

from skipbeat_arch.depths import MOST_TOKENS
from skipbeat_arch.engines import Engine, TokenPair
from skipbeat_arch.machine_ports import MachineError

COUNTERS = len(TokenPair)

#: The counters that each engine takes from and gives to, in the order of their bits.
TAKEN = {engine: TokenPair.taken_by(engine) for engine in Engine}
GIVEN = {engine: TokenPair.given_by(engine) for engine in Engine}


def picked(some: int, engine: Engine) -> int:
    """Of the counters that are not zero those that an engine takes from, 2 bits."""
    first, second = TAKEN[engine]
    return some >> first & 1 | (some >> second & 1) << 1


class Tokens:
    """Twin of the tokens, in the order LX, LS, XL, XS, SL, SX (from engine L, X, S to another).

    Attributes:
        some_o: 6 bits, the counters that are not zero. error_o: a register.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """All counters."""
        self.counts = [0] * COUNTERS
        self.some_o = 0
        self.error_o = MachineError.NONE

    def evaluate(self, take_i: int, give_i: int) -> None:
        """6 bits, one for each counter."""
        self._take, self._give = take_i, give_i

    def update(self) -> None:
        """End of the clock."""
        alone = self._give & ~self._take
        overflows = alone and any(alone >> i & 1 and self.counts[i] == MOST_TOKENS for i in range(COUNTERS))
        self.error_o = MachineError.TOKEN_OVERFLOW if overflows else MachineError.NONE
        changed = self._take ^ self._give
        if not changed:
            return
        for i in range(COUNTERS):
            if changed >> i & 1:
                self.counts[i] = (self.counts[i] + (1 if self._give >> i & 1 else -1)) & MOST_TOKENS
        self.some_o = sum((count != 0) << i for i, count in enumerate(self.counts))
