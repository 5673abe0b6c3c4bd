"""One Verilog text as a file for each module, for flows that want them apart."""

from __future__ import annotations

import re

_MODULE = re.compile(r"^module (\w+) ?\(.*?^endmodule\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def module_files(text: str) -> dict[str, str]:
    """The text of each module under its name, in their order; names are plain (`readable`).

    Raises:
        ValueError: there is something outside of the modules that is no comment, or a module twice.
    """
    modules = {found[1]: found[0] for found in _MODULE.finditer(text)}
    if _COMMENT.sub("", _MODULE.sub("", text)).strip() or len(modules) < len(re.findall(r"^module ", text, re.M)):
        raise ValueError("expected nothing but modules of different names")
    return modules
