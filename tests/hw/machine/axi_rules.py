"""The rules of AXI4 and AXI4-Lite for the accelerator's ports, checked clock by clock.

Written from the AXI specification (ARM IHI 0022), section A3 and A5, and from the memory rule of docs/machine.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

Sample = Mapping[str, int]

#: What is the same in every burst, and what it is.
CONSTANT = {"id": 0, "lock": 0, "cache": 3, "prot": 0, "qos": 0}
#: Channels in which the accelerator is the sender, with everything that must hold still until `ready`.
SENT = {
    "m_axi_ar": ("addr", "len", "size", "burst", *CONSTANT),
    "m_axi_aw": ("addr", "len", "size", "burst", *CONSTANT),
    "m_axi_w": ("data", "strb", "last"),
    "s_axi_b": ("resp",),
    "s_axi_r": ("data", "resp"),
}
RECEIVED = ("m_axi_r", "m_axi_b", "s_axi_aw", "s_axi_w", "s_axi_ar")
#: Names of all signals that a sample holds.
SIGNALS = (
    "rst",
    "interrupt_o",
    "m_axi_rlast",
    *(f"{channel}{name}" for channel, names in SENT.items() for name in (*names, "valid", "ready")),
    *(f"{channel}{name}" for channel in RECEIVED for name in ("valid", "ready")),
)
PAGE = 4096
#: Clocks after which data that is not offered waits for its address to be taken: the memory rule gives it 2.
PATIENCE = 8
INCREMENTING = 1


class RuleError(AssertionError):
    """A rule that was broken."""


def require(holds: bool, rule: str) -> None:
    """Raise a RuleError unless the rule holds."""
    if not holds:
        raise RuleError(rule)


@dataclass
class AxiRules:
    """What is under way on the ports; `clock` takes the signals as they are just before each rising edge.

    Attributes:
        beat_bytes: bytes of a data beat.
        places: for a beat, in the port.
        longest: beats of the longest burst.
        outstanding: read bursts that may be under way.
        reads, writes: beats so far.
    """

    beat_bytes: int
    places: int
    longest: int
    outstanding: int
    reads: int = 0
    writes: int = 0
    _held: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _reading: deque[int] = field(default_factory=deque)
    #: Beats of write bursts of which only the address is taken, and only the data.
    _announced: deque[int] = field(default_factory=deque)
    _complete: deque[int] = field(default_factory=deque)
    _written: int = 0
    _place: int = 0
    _waited: int = 0
    _unanswered: int = 0
    _lite: dict[str, int] = field(default_factory=dict)

    def clock(self, now: Sample) -> None:
        """One rising edge.

        Raises:
            RuleError: a rule is broken.
        """
        if now["rst"]:
            self._forget()
            return
        self._handshakes(now)
        if now["interrupt_o"]:
            require(self.quiet and not any(now[f"m_axi_{c}valid"] for c in ("ar", "aw", "w")), "idle: nothing moves")
        self._read(now)
        self._write(now)
        self._slave(now)

    @property
    def quiet(self) -> bool:
        """Every burst is complete and answered."""
        return not (self._reading or self._announced or self._complete or self._written or self._unanswered)

    def _forget(self) -> None:
        for pending in (self._held, self._reading, self._announced, self._complete, self._lite):
            pending.clear()
        self._written = self._waited = self._unanswered = 0

    def _handshakes(self, now: Sample) -> None:
        """Once valid, a channel stays valid and its payload stays as it is until ready."""
        for channel, names in SENT.items():
            valid = now[f"{channel}valid"]
            if (before := self._held.pop(channel, None)) is not None:
                require(bool(valid), f"{channel}: valid was withdrawn")
                require(before == tuple(now[channel + name] for name in names), f"{channel}: payload changed")
            if valid and not now[f"{channel}ready"]:
                self._held[channel] = tuple(now[channel + name] for name in names)

    def _burst(self, now: Sample, channel: str) -> int:
        """Beats of a burst that is announced."""
        address, beats = now[f"{channel}addr"], now[f"{channel}len"] + 1
        require(1 << now[f"{channel}size"] == self.beat_bytes, f"{channel}: beats are of one size")
        require(now[f"{channel}burst"] == INCREMENTING, f"{channel}: bursts increment")
        require(all(now[channel + name] == value for name, value in CONSTANT.items()), f"{channel}: constants stay")
        require(beats <= self.longest, f"{channel}: burst too long")
        require(address % self.beat_bytes == 0, f"{channel}: address is not aligned")
        last = address + beats * self.beat_bytes - 1
        require(address // PAGE == last // PAGE, f"{channel}: burst crosses 4 KiB")
        return beats

    def _read(self, now: Sample) -> None:
        if now["m_axi_rvalid"]:
            require(bool(self._reading), "m_axi_r: data that was not asked for")
            require(bool(now["m_axi_rready"]), "m_axi_r: the bus waits for the accelerator")
            self._reading[0] -= 1
            self.reads += 1
            require(bool(now["m_axi_rlast"]) == (self._reading[0] == 0), "m_axi_r: last is on the last beat")
            if not self._reading[0]:
                self._reading.popleft()
        if now["m_axi_arvalid"] and now["m_axi_arready"]:
            self._reading.append(self._burst(now, "m_axi_ar"))
            require(len(self._reading) <= self.outstanding, "m_axi_ar: too many bursts under way")

    def _write(self, now: Sample) -> None:
        """Addresses and data pair in order, whichever comes first; the answer comes after both (A3.3.1)."""
        if now["m_axi_bvalid"] and now["m_axi_bready"]:
            require(self._unanswered > 0, "m_axi_b: answer before the end of its burst")
            self._unanswered -= 1
        if self._written:
            require(bool(now["m_axi_wvalid"]), "m_axi_w: the bus waits for the accelerator inside a burst")
        if now["m_axi_awvalid"] and now["m_axi_awready"]:
            self._meets(self._complete, self._announced, self._burst(now, "m_axi_aw"))
        if now["m_axi_wvalid"] and now["m_axi_wready"]:
            self._beat(now)
        held = now["m_axi_awvalid"] and not now["m_axi_awready"]
        without_data = not (now["m_axi_wvalid"] or self._written or self._complete)
        self._waited = self._waited + 1 if held and without_data else 0
        require(self._waited <= PATIENCE, "m_axi_w: data waits until its address is taken")

    def _beat(self, now: Sample) -> None:
        place = (self._place + 1) % self.places
        places = (place,) if self._written else range(self.places)
        strobes = {(1 << self.beat_bytes) - 1 << self.beat_bytes * each: each for each in places}
        require(now["m_axi_wstrb"] in strobes, "m_axi_w: every byte is written, beats of a burst in turn")
        self._place = strobes[now["m_axi_wstrb"]]
        self._written += 1
        self.writes += 1
        if now["m_axi_wlast"]:
            beats, self._written = self._written, 0
            self._meets(self._announced, self._complete, beats)
        elif self._announced:
            require(self._written < self._announced[0], "m_axi_w: last is on the last beat")

    def _meets(self, others: deque[int], own: deque[int], beats: int) -> None:
        """A burst of so many beats, by its address or its data, and the first that has come by the other."""
        if others:
            require(others.popleft() == beats, "m_axi_w: last is on the last beat")
            self._unanswered += 1
        else:
            own.append(beats)

    def _slave(self, now: Sample) -> None:
        """An answer follows its address and data, one for each, and is OKAY."""
        counts = self._lite
        for answer, causes in (("b", ("aw", "w")), ("r", ("ar",))):
            if now[f"s_axi_{answer}valid"]:
                require(all(counts.get(cause, 0) > 0 for cause in causes), f"s_axi_{answer}: answer before its request")
                require(now[f"s_axi_{answer}resp"] == 0, f"s_axi_{answer}: the answer is OKAY")
                if now[f"s_axi_{answer}ready"]:
                    for cause in causes:
                        counts[cause] -= 1
            for cause in causes:
                if now[f"s_axi_{cause}valid"] and now[f"s_axi_{cause}ready"]:
                    counts[cause] = counts.get(cause, 0) + 1
