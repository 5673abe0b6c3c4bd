"""The state of the timing model in the open: what each part keeps, by how it changes when a program repeats."""

from __future__ import annotations

from typing import ClassVar


class Part:
    """A part of the machine. Its state is in lists that grow, and in attributes.

    Attributes:
        LISTS: names of lists of clocks. NUMBERS: of lists of other numbers.
        CLOCKS: of clocks.
        COUNTS: of numbers of things that have happened.
        VALUES: of everything else, which is the same again when a program repeats.
    """

    LISTS: ClassVar[tuple[str, ...]] = ()
    NUMBERS: ClassVar[tuple[str, ...]] = ()
    CLOCKS: ClassVar[tuple[str, ...]] = ()
    COUNTS: ClassVar[tuple[str, ...]] = ()
    VALUES: ClassVar[tuple[str, ...]] = ()

    def ahead(self) -> list[list[int]]:
        """The ends of lists of clocks, as far as later decisions can read them."""
        return []
