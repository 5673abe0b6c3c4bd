"""Templates: every value that they name is given."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from skipbeat_hw.tools.delivery.templates import render


def test_values_are_put_in() -> None:
    assert "obj_dir/Vmine_tb" in render("Makefile", top="mine", meant=["WIDTH"], stalled="nothing comes")


def test_a_value_that_is_missing() -> None:
    with pytest.raises(UndefinedError, match="stalled"):
        render("Makefile", top="mine", meant=[])
