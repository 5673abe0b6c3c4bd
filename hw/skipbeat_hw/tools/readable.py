"""Verilog as Yosys writes it, with names that need no escape, and modules that collide with nobody's."""

from __future__ import annotations

import re

#: A comment, a string or a based number, which stay; an escaped name; a plain name or keyword.
_TOKEN = re.compile(r"//[^\n]*|\"[^\"]*\"|'[sS]?[bodhBODH][0-9a-fA-FxXzZ_?]+|\\\S+|[A-Za-z_][\w$]*")
_MODULE = re.compile(r"^module (\\?[^\s(]+) ?\(", re.MULTILINE)
_INSTANCE = re.compile(r"^( +)(\\?[^\s(]+)( +\\?\S+ +\()$", re.MULTILINE)
#: The flag with which Yosys starts an `always @*` block at time 0.
_START = re.compile(r"^\$auto\$.*\$(\d+)$")


def readable(text: str, prefix: str = "") -> str:
    """The same design: `prefix` before each module's name, and no escaped names; the ports of the top stay.

    Dots and other signs of a name become underscores, a keyword gets one, a numbered net is `n` and its number.

    Raises:
        ValueError: two modules would have the same name.
    """
    modules = {name: prefix + (_plain(name[1:]) if name[0] == "\\" else name) for name in _MODULE.findall(text)}
    if len(set(modules.values())) < len(modules):
        raise ValueError(f"two modules would have the same name: {sorted(modules)}")
    text = _MODULE.sub(lambda found: f"module {modules[found[1]]}(", text)
    text = _INSTANCE.sub(lambda found: f"{found[1]}{modules.get(found[2], found[2])}{found[3]}", text)
    tokens = dict.fromkeys(_TOKEN.findall(text))
    used = {token for token in tokens if token[0].isalpha() or token[0] == "_"}
    names: dict[str, str] = {}
    for token in tokens:
        if token[0] == "\\":
            name = _plain(token[1:])
            while name in used:
                name += "_"
            used.add(name)
            names[token] = name
    return _TOKEN.sub(lambda found: names.get(found[0], found[0]), text)


def _plain(name: str) -> str:
    """A name of letters, digits and underscores; one that is plain but escaped is a keyword."""
    if start := _START.match(name):
        return f"start_{start[1]}"
    if name.isidentifier():
        return f"{name}_"
    plain = re.sub(r"\W+", "_", name.replace("$", ".")).strip("_")
    return plain if name[0].isalpha() else f"n{plain}"
