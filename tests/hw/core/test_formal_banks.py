"""The double buffering of weights, proved for tiles and passes of all small sizes in any timing."""

from __future__ import annotations

from skipbeat_hw.tools.formal import bounded, reachable
from tests.hw.core.formal_banks import BankProof
from tests.hw.core.symbolic_tile import tiny


def test_every_step_reads_its_own_tile() -> None:
    proof = BankProof(tiny(3, 2, 4), tiles=3)
    verdict = bounded(proof, 18)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"
    assert reachable(proof, 12).holds
