"""When each instruction was at work."""

from __future__ import annotations


class Spans:
    """Clocks by the number of the instruction; -1 if it never began or finished.

    Attributes:
        begin: it leaves its queue (ZERO: it begins; HEADER: it is dispatched).
        finish: LOAD: its last vector is written; ZERO: its last entry is written; PASS: its last step;
            STORE: all responses are there, or, without memory, it leaves the row of those that wait for them;
            others: `begin`.
    """

    def __init__(self, count: int) -> None:
        self.begin = [-1] * count
        self.finish = [-1] * count
