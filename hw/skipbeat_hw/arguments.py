"""What constructors ask of their arguments."""

from __future__ import annotations


def expect(value: object, kind: type) -> None:
    """Refuses what is not of a kind, where it is passed and not where it is used.

    Raises:
        TypeError: it is not; the message quotes it.
    """
    if not isinstance(value, kind):
        raise TypeError(f"expected a {kind.__name__}, not {value!r}")
