from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_hw.simulation.verilog_text import verilog_text


def test_verilog_is_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.v").write_text("module a; endmodule")
    assert verilog_text(tmp_path / "a.v") == verilog_text("module a; endmodule")
    with pytest.raises(InputError, match=r"b\.v: cannot be read"):
        verilog_text(tmp_path / "b.v")
    with pytest.raises(InputError, match="expected the text of a module"):
        verilog_text("a.v")
