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


def expect_power_of_two(name: str, value: int, least: int = 1) -> None:
    """Refuses what is no power of two, or less than the `least` one.

    Raises:
        ValueError: it is not; the message names and quotes it.
    """
    if value < least or value & (value - 1):
        raise ValueError(f"{name} must be a power of two{f' from {least} on' if least > 1 else ''}, not {value!r}")


def expect_groups(hw: Hardware) -> None:
    """Refuses hardware whose vectors are no whole groups.

    Raises:
        ValueError: groups of one element, or V no multiple of M.
    """
    group, width = hw.array.group, hw.array.cols
    if group == 1 or width % group:
        raise ValueError(f"expected vectors of whole groups of 2 and more, not {width} lanes and groups of {group}")
