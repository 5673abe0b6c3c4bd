"""A comment for each port of a top module, where it is declared."""

from __future__ import annotations

import re

_PORT = re.compile(r"^(  (?:input|output) (?:\[\d+:0\] )?(\w+) ?;)$", re.MULTILINE)

#: What a port is, by its name; `docs/microarchitecture.md` and `docs/integration.md` say more.
_COMMENTS = {
    "clk": "the only clock; everything happens at its rising edge",
    "rst": "reset, synchronous, active high",
    "interrupt_o": "level: a run has ended, if enabled, until that is cleared or the next start",
    "commands__payload": "a pass: what the array does next",
    "weights__payload": "a word of a packed tile, one value per column; the highest bit marks the tile's last word",
    "activations__payload": "a bundle per row: M activations of a pixel, row 0 lowest",
    "results__payload": "a sum per column, two's complement, column 0 lowest",
    "error": "code of the first error (CoreError); 0: none; the core then stops until reset",
    "busy": "a pass is under way or queued",
    "activity": "events of this clock, for the performance counters",
}
_STREAM = {"valid": "there is an item", "ready": "the item is taken at the next edge if valid"}
_CHANNELS = {"ar": "read address", "r": "read data", "aw": "write address", "w": "write data", "b": "write response"}
_SIGNALS = {
    "valid": "offered",
    "ready": "taken",
    "addr": "byte address",
    "len": "beats less one",
    "size": "log2 of the bytes of a beat",
    "burst": "always incrementing",
    "data": "a beat, lowest byte first",
    "strb": "bytes that are written",
    "last": "last beat of its burst",
    "resp": "2 and 3 are errors",
    "id": "always 0",
    "lock": "always 0: no exclusive access",
    "cache": "always 3: modifiable, bufferable, not cached",
    "prot": "protection; the master's is always 0: data, secure, unprivileged",
    "qos": "always 0",
}
_AXI = re.compile(r"(m|s)_axi_(ar|aw|r|w|b)(\w+)")


def port_comment(name: str) -> str | None:
    """What a port of a top module is, or None if that is not known."""
    if name in _COMMENTS:
        return _COMMENTS[name]
    stream, _, signal = name.rpartition("__")
    if stream and signal in _STREAM:
        return f"{stream}: {_STREAM[signal]}"
    if found := _AXI.fullmatch(name):
        side = "AXI4 master" if found[1] == "m" else "AXI4-Lite slave"
        said = _SIGNALS.get(found[3])
        return f"{side}, {_CHANNELS[found[2]]}" + (f": {said}" if said else "")
    return None


def with_port_comments(text: str, top: str) -> str:
    """The same Verilog with a comment behind each declaration of a port of `top` whose meaning is known."""
    start = text.index(f"\nmodule {top}(") + 1
    end = text.index("\nendmodule", start)

    def commented(found: re.Match[str]) -> str:
        comment = port_comment(found[2])
        return f"{found[1]}  // {comment}" if comment else found[1]

    return text[:start] + _PORT.sub(commented, text[start:end]) + text[end:]
