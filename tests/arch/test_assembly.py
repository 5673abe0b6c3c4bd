"""Instructions as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch import instruction as isa
from skipbeat_arch.assembly import assemble, disassemble
from skipbeat_arch.decoding import INSTRUCTIONS, decode, read_instruction
from skipbeat_arch.engines import Engine, Opcode, TokenPair
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    kind = INSTRUCTIONS[draw(st.sampled_from(Opcode))]
    fields = {
        name: draw(st.integers(max(each.lowest, each.least or each.lowest), each.highest))
        for name, each in kind.flat_fields().items()
    }
    if kind is isa.Store:
        fields["low"], fields["high"] = sorted((fields["low"], fields["high"]))
        fields["memory"] |= 1 - fields["local"]
        fields["raw"] &= 1 - fields["local"]
        if fields["stochastic"]:
            fields |= {"raw": 0, "residual": 0, "low": -127, "high": 127}
        fields["seed"] *= fields["stochastic"]
        fields["noted"] &= 1 - (fields["stochastic"] | fields["raw"])
        fields["places"] &= 1 - (fields["stochastic"] | fields["raw"] | fields["local"])
        if fields["noted"]:
            fields |= {"low": max(fields["low"], -127), "high": max(fields["high"], 1)}
    others = kind.engine.others if kind.engine is not None and kind is not isa.Place else ()
    wait, signal = (tuple(e for e in others if draw(st.booleans())) for _ in range(2))
    return kind.of_values(fields, wait=wait, signal=signal)


@given(st.lists(instructions(), max_size=5))
def test_text_becomes_the_same_instructions(program: list[Instruction]) -> None:
    assert assemble(disassemble(program)) == program


def test_a_readable_line() -> None:
    line = "STORE address=0x1000 block=2 low=-128 high=127 count=49 pool=4 memory=1 wait=load ; the second block"
    (store,) = assemble(["", "; a comment", line])
    assert isinstance(store, isa.Store)
    assert (store.low, store.residual) == (-128, False)
    assert store.wait == (Engine.LOAD,)
    assert disassemble([store])[0].startswith("STORE address=0x1000 block=2 low=-128 high=127 raw=0")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("JUMP to=3", "line 1: JUMP: expected one of LOAD"),
        ("LOAD to=70000", "line 1: LOAD: to must fit in 16 bits, not 70000"),
        ("LOAD to=x", "line 1: to=x: 'x' is not a number"),
        ("LOAD to", "line 1: LOAD: expected NAME=VALUE, each once, not to"),
        ("LOAD to=1 to=2", "line 1: LOAD: expected NAME=VALUE, each once, not to=2"),
        ("END here=1", "line 1: END: no field here"),
        ("PASS beat=64", "line 1: PASS: beat must fit in 6 bits, not 64"),
        ("LOAD wait=load", "line 1: LOAD: cannot wait for or signal"),
        ("LOAD wait=fetch", "line 1: wait=fetch: fetch is no engine"),
        ("STORE count=1", "line 1: STORE: one of memory and local must be 1"),
        ("STORE count=1 raw=1 local=1", "line 1: STORE: raw sums are not local"),
        ("ZERO to=1", "line 1: ZERO: count must be at least 1"),
        ("SETUP n0=1 n1=1 n2=1", "line 1: SETUP: n3 must be at least 1"),
        ("STORE count=1 memory=1 low=1", "line 1: STORE: low must be at most high, not 1 and 0"),
        ("STORE count=1 memory=1 seed=1", "line 1: STORE: a seed is that of stochastic bytes"),
        ("STORE count=1 memory=1 stochastic=1", "line 1: STORE: stochastic bytes are not raw"),
        ("STORE count=1 memory=1 high=1 raw=1 noted=1", "line 1: STORE: noted bytes are neither raw nor stochastic"),
        ("STORE count=1 memory=1 high=1 low=-128 noted=1", "line 1: STORE: noted bytes are neither raw nor stochastic"),
        ("STORE count=1 memory=1 noted=1", "line 1: STORE: noted bytes are neither raw nor stochastic"),
        ("STORE count=1 memory=1 raw=1 places=1", "line 1: STORE: places are with bytes that are neither raw"),
        ("STORE count=1 memory=1 local=1 places=1", "line 1: STORE: places are with bytes that are neither raw"),
        ("PLACE to=1 signal=load", "line 1: PLACE: it waits for nothing and signals nothing"),
    ],
)
def test_lines_that_are_none(line: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        assemble([line])
    assert str(error.value).startswith(message)


def test_words_have_not_changed() -> None:
    """Lines of random instructions, and the words that version 2 of the instruction set has for them."""
    lines = Path(__file__).with_name("instruction_words.txt").read_text().splitlines()
    assert len(lines) == 64
    for line in lines:
        word, _, text = line.partition(" ")
        (instruction,) = assemble([text])
        assert f"{instruction.to_word():032x}" == word
        assert read_instruction(int(word, 16)) == instruction
        assert disassemble([instruction]) == [text]


@given(st.integers(0, (1 << 128) - 1))
def test_every_word_with_an_opcode_is_an_instruction_to_the_engines(word: int) -> None:
    found = decode(word)
    assert (found is None) == (word & 15 not in list(Opcode))
    if found is not None and found.engine is not None:
        assert (found.wait_bits, found.signal_bits) == (word >> 4 & 3, word >> 6 & 3)
        assert found.opcode == word & 15


def test_the_counters_of_tokens() -> None:
    """Each is taken from by one engine and given to by another."""
    for pairs, first in ((TokenPair.taken_by, 1), (TokenPair.given_by, 0)):
        assert sorted(pair for engine in Engine for pair in pairs(engine)) == list(TokenPair)
        for engine in Engine:
            for pair in pairs(engine):
                assert pair.name.split("_")[first] == engine.name


@pytest.mark.parametrize(
    ("word", "message"), [(10, "opcode 10 is unknown"), (1 << 127 | 6, "END: bits beyond the last field are set")]
)
def test_words_that_are_none(word: int, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_instruction(word)
    assert str(error.value) == message
