"""Bugs planted in the RTL: each must make a proof fail, so that no proof holds for want of a question."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from skipbeat_arch.command import Encoding
from skipbeat_hw.core import aligner, dispatcher, loader, results, sequencer, slots, unpacker
from skipbeat_hw.tools.formal import Verdict, always, bounded
from tests.hw.core.formal_banks import BankProof
from tests.hw.core.formal_decoder import DecoderProof, LastFlagProof
from tests.hw.core.formal_invariants import AlignerWords, CreditLoop, SequencerRules, SlotsStream
from tests.hw.core.formal_slots import SlotsProof
from tests.hw.core.symbolic_tile import tiny
from tests.hw.planted import mutant

BITMAP, COORDINATE = Encoding.BITMAP, Encoding.COORDINATE
SMALL, TALL = tiny(1, 2, 4), tiny(2, 2, 4)
#: Its results have a column of two memories.
HALVED = tiny(7, 2, 4)


def _words() -> Verdict:
    return always(AlignerWords(SMALL), 1)


def _slots_stream() -> Verdict:
    return always(SlotsStream(SMALL), 2)


def _rules() -> Verdict:
    return always(SequencerRules(SMALL), 4)


def _credits() -> Verdict:
    return always(CreditLoop(SMALL), 2)


def _halves() -> Verdict:
    return always(CreditLoop(HALVED), 2)


def _banks() -> Verdict:
    return bounded(BankProof(tiny(3, 2, 4), tiles=3), 16)


def _decoder() -> Verdict:
    return bounded(DecoderProof(SMALL, [(BITMAP, 2)], clocks=15, pauses=0), 17)


def _last_flag() -> Verdict:
    return bounded(LastFlagProof(TALL, (BITMAP, 2), clocks=17, pauses=0), 19)


def _bitmaps() -> Verdict:
    return bounded(SlotsProof(TALL, (BITMAP, 2), clocks=11, pauses=1), 13)


def _coordinates() -> Verdict:
    return bounded(SlotsProof(TALL, (COORDINATE, 2), clocks=11, pauses=1), 13)


#: Module, text, what stands there with the bug, who builds the component, and the proof that must fail.
BUGS: list[tuple[ModuleType, str, str, str, Callable[[], Verdict]]] = [
    (aligner, "Mux(span.cross, there[1], there[0])", "there[0]", "invariants.Aligner", _words),
    (aligner, "span.cross.eq(pos > width)", "span.cross.eq(pos >= width)", "invariants.Aligner", _words),
    (aligner, "~left[1] &", "", "invariants.Aligner", _words),
    (slots, "ready.eq(~self.slots.valid | self.slots.ready)", "ready.eq(1)", "invariants.Slots", _slots_stream),
    (slots, "Mux(complete, rows == 0, rows != 2)", "1", "invariants.Slots", _slots_stream),
    (sequencer, " | ended_2", "", "invariants.Sequencer", _rules),
    (sequencer, "| (place[2] & offered.one_step)", "", "invariants.Sequencer", _rules),
    (
        sequencer,
        "(ended_1[1] & offered.one_step)",
        "(ended_1[1] & (offered.beat == 0))",
        "invariants.Sequencer",
        _rules,
    ),
    (sequencer, "~current.last | credit_there", "1", "invariants.Sequencer", _credits),
    (results, "(~self.o.valid | self.o.ready)", "1", "invariants.ResultBuffer", _credits),
    (results, "places[-1] != after", "places[-1] != pointer", "invariants.ResultBuffer", _credits),
    (results, "after.eq(after + 1)", "after.eq(after + 2)", "invariants.ResultBuffer", _credits),
    (results, "places[0] + 1", "places[0] + 2", "invariants.ResultBuffer", _credits),
    (results, "& ~full", "", "invariants.ResultBuffer", _halves),
    (results, "(place != moved) &", "", "invariants.ResultBuffer", _halves),
    (results, "(moved[half] != pointer[half])", "0", "invariants.ResultBuffer", _halves),
    (results, "self.cols - 1 if", "self.cols if", "invariants.ResultBuffer", _halves),
    (loader, "~Mux(bank ^ self.done_i, ", "Mux(bank, 1, 1) | ~Mux(bank ^ self.done_i, ", "banks.WeightLoader", _banks),
    (loader, "Cat(self.write_i.slot, bank_2)", "Cat(self.write_i.slot, bank_1)", "banks.WeightLoader", _banks),
    (sequencer, "self.full_i.bit_select(~bank, 1)", "1", "banks.Sequencer", _banks),
    (slots, "(last_slot & (rest != 0))", "(last_slot & (rest[3:] != 0))", "slots.Slots", _bitmaps),
    (slots, "(index <= previous[c])", "(index < previous[c])", "slots.Slots", _coordinates),
    (aligner, "& lasts[0]))", "& 0))", "decoder.Aligner", _last_flag),
    (aligner, "fire & slot.final & ~ok", "0", "decoder.Aligner", _last_flag),
    (dispatcher, "m.d.comb += self.error_o.eq(CoreError.TRUNCATED_TILE)", "pass", "decoder.Dispatcher", _last_flag),
    (unpacker, "buffer[lane * bits :", "buffer[lane * bits + 1 :", "decoder.Unpacker", _decoder),
]


#: Proofs that take a second or two each.
SLOW = (_halves, _banks, _decoder, _last_flag, _bitmaps, _coordinates)
CASES = [pytest.param(*bug, marks=[pytest.mark.slow] if bug[-1] in SLOW else []) for bug in BUGS]


@pytest.mark.parametrize(("module", "right", "wrong", "user", "prove"), CASES)
def test_a_planted_bug_is_found(
    module: ModuleType, right: str, wrong: str, user: str, prove: Callable[[], Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, component = user.split(".")
    place = {"slots": "skipbeat_hw.core.slots", "decoder": "skipbeat_hw.core.decoder"}.get(
        part, f"tests.hw.core.formal_{part}"
    )
    monkeypatch.setattr(f"{place}.{component}", getattr(mutant(module, right, wrong), component))
    verdict = prove()
    assert not verdict.holds
    assert verdict.witness
