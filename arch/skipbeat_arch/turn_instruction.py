"""The instruction that turns vectors, which only hardware with `outputs.turn` has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .engines import Engine, Opcode
from .instruction import Instruction
from .word import bits


@dataclass(frozen=True, kw_only=True)
class Turn(Instruction):
    """Blocks of V vectors of the residual memory to memory, turned: vector j of a block holds byte j of its V vectors.

    Only hardware with `outputs.turn` has it. Fields that a STORE has too lie where they lie there.

    Attributes:
        address: byte address in memory; vectors are written one after the other, block after block.
        residual_at: vector of the residual memory with which the first block begins.
        n0, step0: blocks of the inner loop, and vectors from one to the next; step1: from one inner loop to the next.
        count: blocks.
        lane, lanes: the first vector of each turned block that is written, and how many are.
    """

    title = "TURN"
    opcode = Opcode.TURN
    engine = Engine.STORE
    #: As of a STORE: where its vectors go.
    memory: ClassVar[bool] = True
    local: ClassVar[bool] = False

    address: int = bits(32, address=True)
    step0: int = bits(16)
    n0: int = bits(8, least=1)
    residual_at: int = bits(16)
    count: int = bits(14, least=1)
    step1: int = bits(16)
    lane: int = bits(6)
    lanes: int = bits(7, least=1)

    def blocks(self) -> list[int]:
        """The vectors of the residual memory with which the blocks begin, mod 2^16."""
        inner = self.n0 or self.largest("n0") + 1
        starts = (self.residual_at + k % inner * self.step0 + k // inner * self.step1 for k in range(self.count))
        return [start % (self.largest("residual_at") + 1) for start in starts]
