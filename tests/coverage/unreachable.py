"""Bits of the RTL that cannot change, or not in a run that can be waited for, each with the reason."""

from __future__ import annotations

import re

#: Nets that hold an instruction from its lowest bit on.
_INSTRUCTION = r"(w_data|r_data|w_port__data|r_port__data|job|jobs__payload|filling|instructions__payload)"
#: Pattern of `module net[bit]`, and why none that matches is ever reached.
_REASONS: tuple[tuple[str, str], ...] = (
    (r"^fetch (address|requests__payload(\.address)?)\[[0-3]\]$", "a sound program begins at a multiple of 16 bytes"),
    (r"^fetch requests__payload\.count\[([6-9]|1\d)\]$", "a request asks for no more than the queue has room for"),
    (r"^fetch requests__payload\[(3[89]|4[0-7])\]$", "a request asks for no more than the queue has room for"),
    (r"^fetch error_o\[3\]$", "none of its errors has a number of eight or more"),
    (rf"^(load|store|output)\S* {_INSTRUCTION}(\.opcode)?\[[0-3]\]$", "an engine gets its own opcodes only"),
    (r"^load requests__payload(\.address)?\[[0-2]\]$", "a source is a multiple of a vector, of eight bytes here"),
    (r"^store requests__payload\.start\[([0-5]|[7-9]|1\d)\]$", "a half of the output memory has 64 vectors here"),
    (r"^store requests__payload\[(4[89]|5[0-35-9]|6[0-3])\]$", "a half of the output memory has 64 vectors here"),
    (
        r"^store requests__payload(\.count\[1[45]|\[4[67])\]$",
        "raw sums, four times as many, are no more than a half takes",
    ),
    (r"^tokens error_o\[[13]\]$", "its one error is TOKEN_OVERFLOW, which is 21"),
    (r"^output parameter_address_o\[1[0-5]\]$", "there are parameters of 64 blocks, of 16 vectors each"),
)


def why_unreachable(module: str, bit: str) -> str | None:
    """Why a bit of a module does not change; None: it may."""
    return next((reason for pattern, reason in _REASONS if re.search(pattern, f"{module} {bit}")), None)
