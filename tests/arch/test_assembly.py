"""Instructions as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.assembly import assemble, disassemble
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import ENGINE_OF, FIELDS, Engine, Instruction, Opcode


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    opcode = draw(st.sampled_from(Opcode))
    fields = {name: draw(st.integers(0, (1 << int(str(bits))) - 1)) for name, bits in FIELDS[opcode]}
    for name in {"count", "n0", "n1", "n2", "n3"} & set(fields):
        fields[name] = max(1, fields[name])
    if "low" in fields:
        low, high = sorted((draw(st.integers(-128, 127)), draw(st.integers(-128, 127))))
        fields |= {"low": low & 255, "high": high & 255}
    if opcode == Opcode.STORE:
        where = draw(st.sampled_from([(1, 0), (0, 1), (1, 1)]))
        fields |= dict(zip(("memory", "local"), where, strict=True))
        fields["raw"] &= 1 - fields["local"]
    waits = opcode in ENGINE_OF and opcode != Opcode.PLACE
    others = [e for e in Engine if e != ENGINE_OF[opcode]] if waits else []
    wait, signal = (tuple(e for e in others if draw(st.booleans())) for _ in range(2))
    return Instruction(opcode, fields, wait, signal)


@given(st.lists(instructions(), max_size=5))
def test_text_becomes_the_same_instructions(program: list[Instruction]) -> None:
    assert assemble(disassemble(program)) == program


def test_a_readable_line() -> None:
    line = "STORE address=0x1000 block=2 low=-128 high=127 count=49 pool=4 memory=1 wait=load ; the second block"
    (store,) = assemble(["", "; a comment", line])
    assert store.fields["low"] == 0x80
    assert store.fields["residual"] == 0
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
        ("SETUP n0=1 n1=1 n2=1", "line 1: SETUP: n0 to n3 must be at least 1"),
        ("STORE count=1 memory=1 low=1", "line 1: STORE: low must be at most high, not 1 and 0"),
        ("PLACE to=1 signal=load", "line 1: PLACE: it waits for nothing and signals nothing"),
    ],
)
def test_lines_that_are_none(line: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        assemble([line])
    assert str(error.value).startswith(message)
