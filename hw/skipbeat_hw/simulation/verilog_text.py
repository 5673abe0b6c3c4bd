"""Verilog as a text or as a file."""

from __future__ import annotations

from pathlib import Path

from skipbeat_arch.errors import InputError


def verilog_text(verilog: str | Path) -> str:
    """The text of a Verilog file (a Path) or the text itself (a str).

    Raises:
        InputError: the file cannot be read, or the text holds no module.
    """
    if isinstance(verilog, Path):
        try:
            return verilog.read_text()
        except OSError as error:
            raise InputError(f"Verilog file {verilog}: cannot be read: {error.strerror}") from None
    if "module" not in verilog:
        raise InputError("Verilog: expected the text of a module, or a Path of a file")
    return verilog
