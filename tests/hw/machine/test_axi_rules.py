"""The rules find each kind of fault: a good sequence passes, and every change to it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hw.machine.axi_rules import PATIENCE, SIGNALS, AxiRules, RuleError

Clock = dict[str, int]
READ: Clock = {"m_axi_araddr": 0xFF8, "m_axi_arlen": 1, "m_axi_arsize": 2, "m_axi_arburst": 1}
WRITE: Clock = {"m_axi_awaddr": 0x100, "m_axi_awlen": 1, "m_axi_awsize": 2, "m_axi_awburst": 1}
CACHE: Clock = {"m_axi_arcache": 3, "m_axi_awcache": 3}
DATA: Clock = {"m_axi_wvalid": 1, "m_axi_wdata": 7, "m_axi_wstrb": 15}


def transfer(channel: str, **others: int) -> Clock:
    return {f"{channel}valid": 1, f"{channel}ready": 1, **others}


#: A read of two beats, a write of two beats, a register written and one read; waits in between.
GOOD: list[Clock] = [
    {"m_axi_arvalid": 1, **READ},
    transfer("m_axi_ar", **READ),
    transfer("m_axi_r"),
    {},
    transfer("m_axi_r", m_axi_rlast=1),
    transfer("m_axi_aw", **WRITE),
    DATA,
    {**DATA, "m_axi_wready": 1},
    {**DATA, "m_axi_wlast": 1},
    {**DATA, "m_axi_wlast": 1, "m_axi_wready": 1},
    transfer("m_axi_b"),
    transfer("s_axi_aw"),
    transfer("s_axi_w"),
    {"s_axi_bvalid": 1},
    transfer("s_axi_b"),
    transfer("s_axi_ar"),
    {"s_axi_rvalid": 1, "s_axi_rdata": 5},
    transfer("s_axi_r", s_axi_rdata=5),
    {"interrupt_o": 1},
]


def follow(clocks: list[Clock], places: int = 1) -> AxiRules:
    rules = AxiRules(beat_bytes=4, places=places, longest=16, outstanding=2)
    for clock in clocks:
        rules.clock({**dict.fromkeys(SIGNALS, 0), "m_axi_rready": 1, **CACHE, **clock})
    return rules


def test_a_good_sequence_passes_and_is_counted() -> None:
    rules = follow(GOOD)
    assert (rules.reads, rules.writes, rules.quiet) == (2, 2, True)


@pytest.mark.parametrize(
    ("at", "change", "rule"),
    [
        (1, {"m_axi_arvalid": 0}, "m_axi_ar: valid was withdrawn"),
        (1, {"m_axi_araddr": 0xFF4}, "m_axi_ar: payload changed"),
        (1, {"m_axi_arlen": 0}, "m_axi_ar: payload changed"),
        (7, {"m_axi_wvalid": 0}, "m_axi_w: valid was withdrawn"),
        (7, {"m_axi_wdata": 8}, "m_axi_w: payload changed"),
        (14, {"s_axi_bvalid": 0}, "s_axi_b: valid was withdrawn"),
        (17, {"s_axi_rdata": 6}, "s_axi_r: payload changed"),
        (2, {"m_axi_rlast": 1}, "m_axi_r: last"),
        (4, {"m_axi_rlast": 0}, "m_axi_r: last"),
        (2, {"m_axi_rready": 0}, "m_axi_r: the bus waits"),
        (5, transfer("m_axi_r"), "m_axi_r: data that was not asked for"),
        (5, {"m_axi_awaddr": 0x102}, "m_axi_aw: address is not aligned"),
        (5, {"m_axi_awaddr": 0xFFC}, "m_axi_aw: burst crosses 4 KiB"),
        (5, {"m_axi_awlen": 16}, "m_axi_aw: burst too long"),
        (5, {"m_axi_awsize": 3}, "m_axi_aw: beats are of one size"),
        (5, {"m_axi_awburst": 2}, "m_axi_aw: bursts increment"),
        (5, {"m_axi_awprot": 2}, "m_axi_aw: constants stay"),
        (5, {"m_axi_awcache": 15}, "m_axi_aw: constants stay"),
        (1, {"m_axi_arid": 1}, "m_axi_ar: payload changed"),
        (5, {"m_axi_awready": 0}, "m_axi_aw: valid was withdrawn"),
        (5, {"m_axi_awvalid": 0}, "m_axi_b: answer before the end"),
        (7, {"m_axi_wlast": 1}, "m_axi_w: payload changed"),
        (7, {"m_axi_wstrb": 14}, "m_axi_w: payload changed"),
        (8, {"m_axi_wvalid": 0}, "m_axi_w: the bus waits"),
        (9, transfer("m_axi_b"), "m_axi_b: answer before the end"),
        (9, {"m_axi_wlast": 0}, "m_axi_w: payload changed"),
        (10, {"m_axi_bvalid": 0}, "idle: nothing moves"),
        (12, {"s_axi_wvalid": 0}, "s_axi_b: answer before its request"),
        (16, {"s_axi_rresp": 2}, "s_axi_r: the answer is OKAY"),
        (15, {"s_axi_arready": 0}, "s_axi_r: answer before its request"),
        (18, {"m_axi_arvalid": 1}, "idle: nothing moves"),
    ],
)
def test_each_fault_is_found(at: int, change: Clock, rule: str) -> None:
    clocks: list[dict[str, Any]] = [dict(clock) for clock in GOOD]
    clocks[at] |= change
    with pytest.raises(RuleError, match=rule):
        follow(clocks)


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"m_axi_wlast": 1}, "m_axi_w: last is on the last beat"), ({"m_axi_wstrb": 7}, "m_axi_w: every byte is written")],
)
def test_faults_of_a_beat_that_is_taken_at_once(change: Clock, rule: str) -> None:
    with pytest.raises(RuleError, match=rule):
        follow([*GOOD[:6], {**DATA, "m_axi_wready": 1, **change}])


#: Both beats of the write are taken before its address is.
EARLY: list[Clock] = [
    {"m_axi_awvalid": 1, **WRITE, **DATA, "m_axi_wready": 1},
    {"m_axi_awvalid": 1, **WRITE, **DATA, "m_axi_wready": 1, "m_axi_wlast": 1},
    {"m_axi_awvalid": 1, **WRITE},
    transfer("m_axi_aw", **WRITE),
    transfer("m_axi_b"),
    {"interrupt_o": 1},
]


def test_data_may_come_before_its_address() -> None:
    assert follow(EARLY).writes == 2
    together = {**EARLY[3], **EARLY[1]}
    assert follow([EARLY[0], together, *EARLY[4:]]).writes == 2


@pytest.mark.parametrize(
    ("at", "change", "rule"),
    [
        (0, {"m_axi_wlast": 1}, "m_axi_w: last is on the last beat"),
        (1, {"m_axi_wlast": 0}, "m_axi_w: the bus waits for the accelerator inside"),
        (2, transfer("m_axi_b"), "m_axi_b: answer before the end"),
        (2, {"m_axi_awvalid": 0}, "m_axi_aw: valid was withdrawn"),
        (3, {"m_axi_awlen": 0}, "m_axi_aw: payload changed"),
    ],
)
def test_faults_of_data_before_its_address(at: int, change: Clock, rule: str) -> None:
    clocks: list[dict[str, Any]] = [dict(clock) for clock in EARLY]
    clocks[at] |= change
    with pytest.raises(RuleError, match=rule):
        follow(clocks)


@pytest.mark.parametrize(
    ("strobes", "good"),
    [((0x00F0, 0x0F00), True), ((0xF000, 0x000F), True), ((0x00F0, 0x00F0), False), ((0xFF00,), False)],
)
def test_beats_of_a_burst_take_the_places_of_a_wider_port_in_turn(strobes: tuple[int, ...], good: bool) -> None:
    clocks: list[Clock] = [clock | {"m_axi_wstrb": strobe} for clock, strobe in zip(EARLY, strobes, strict=False)]
    if good:
        assert follow([*clocks, *EARLY[2:]], places=4).writes == 2
        return
    with pytest.raises(RuleError, match="beats of a burst in turn"):
        follow(clocks, places=4)


def test_an_address_of_another_length_than_its_data() -> None:
    longer = {**WRITE, "m_axi_awlen": 2}
    with pytest.raises(RuleError, match="m_axi_w: last is on the last beat"):
        follow([clock | (longer if "m_axi_awvalid" in clock else {}) for clock in EARLY])


def test_data_may_not_wait_until_its_address_is_taken() -> None:
    """A slave may wait for it; one that is slow with both, or has all of the data, is no fault of the accelerator's."""
    with pytest.raises(RuleError, match="data waits until its address is taken"):
        follow([{"m_axi_awvalid": 1, **WRITE}] * (PATIENCE + 1))
    follow([{"m_axi_awvalid": 1, **WRITE}] * PATIENCE + [{"m_axi_awvalid": 1, **WRITE, **DATA}] * 20)
    follow([*EARLY[:2], *[EARLY[2]] * 20, *EARLY[3:]])


def test_no_more_bursts_than_are_allowed() -> None:
    follow([transfer("m_axi_ar", **READ)] * 2)
    with pytest.raises(RuleError, match="too many"):
        follow([transfer("m_axi_ar", **READ)] * 3)


def test_a_reset_forgets_what_was_under_way() -> None:
    rules = follow([GOOD[0], {"rst": 1}, {}, GOOD[1], {"rst": 1}, {"interrupt_o": 1}])
    assert rules.quiet
