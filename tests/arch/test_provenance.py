"""Fingerprints and digests tell apart what differs, and nothing else; names say what `--set` changed."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.provenance import Provenance, content_digest, description_fingerprint


def test_a_fingerprint_is_of_every_key_but_the_name() -> None:
    plain = load_hardware("tiny-4x4")
    assert description_fingerprint(plain) == description_fingerprint(plain.model_copy(update={"name": "other"}))
    for change in ("clock_mhz=17", "memory.latency_clocks=3", "host.elements_per_clock=2.5", "array.group=8"):
        assert description_fingerprint(load_hardware("tiny-4x4", [change])) != description_fingerprint(plain)


def test_a_digest_knows_where_its_parts_end() -> None:
    assert content_digest([b"ab", b"c"]) != content_digest([b"a", b"bc"]) != content_digest([b"abc"])
    assert content_digest([b"ab", b"c"]) == content_digest([memoryview(b"ab"), memoryview(b"c")])


def test_what_a_result_did_not_depend_on_is_none() -> None:
    made = Provenance(version="1").to_json()
    assert made.pop("version") == "1"
    assert set(made.values()) == {None}


def test_a_changed_description_says_so_in_its_name() -> None:
    changes = ("memory.latency_clocks=9", "clock_mhz=33.5")
    assert load_hardware("tiny-4x4", changes).name == "tiny-4x4+memory.latency_clocks=9+clock_mhz=33.5"
    assert load_hardware("tiny-4x4", ["array.rows=4"]).name == "tiny-4x4"
    assert load_hardware("tiny-4x4", ["array.rows=2", "name=mine"]).name == "mine"
    assert load_hardware("tiny-4x4", ["device=a b/c"]).name == "tiny-4x4+device=a-b-c"
    many = [f"memory.latency_clocks={clocks}" for clocks in range(7, 12)]
    named = load_hardware("tiny-4x4", many).name
    assert named.startswith("tiny-4x4+5-changes-")
    assert named != load_hardware("tiny-4x4", many[::-1]).name
