"""What constructors ask of their arguments."""

from __future__ import annotations

from skipbeat_arch.hardware import Hardware


def expect(value: object, kind: type) -> None:
    """Refuses what is not of a kind, where it is passed and not where it is used.

    Raises:
        TypeError: it is not; the message quotes it.
    """
    if not isinstance(value, kind):
        raise TypeError(f"expected a {kind.__name__}, not {value!r}")


def expect_groups(hw: Hardware) -> None:
    """Refuses hardware whose vectors are no whole groups.

    Raises:
        ValueError: groups of one element, or V no multiple of M.
    """
    group, width = hw.array.group, hw.array.cols
    if group == 1 or width % group:
        raise ValueError(f"expected vectors of whole groups of 2 and more, not {width} lanes and groups of {group}")
