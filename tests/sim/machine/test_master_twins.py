"""Reader, writer and the memory behind them, through their ports."""

from __future__ import annotations

import random
from collections import deque
from itertools import accumulate

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import REQUEST, WRITE_REQUEST, MachineError, beat_fields
from skipbeat_hw.machine.reader import Reader
from skipbeat_hw.machine.writer import Writer
from skipbeat_sim.machine.axi import Address, WriteBeat
from skipbeat_sim.machine.memory import ExternalMemory
from tests.hw.ported import Ported

V = 4


def machine(burst: int = 4, outstanding: int = 2, latency: int = 5, width: int = V) -> Machine:
    keys = [f"memory.burst_beats={burst}", f"memory.outstanding={outstanding}", f"memory.latency_clocks={latency}"]
    return Machine.of(load_hardware("tiny-4x4", [*keys, f"memory.bytes_per_clock={width}"]))


def check_bursts(bursts: list[tuple[int, int]], requests: list[tuple[int, int]], longest: int, beat: int = V) -> None:
    """The bursts of beats of some bytes cover the requests in order, and none crosses a multiple of the longest."""
    places = [address + beat * i for address, count in requests for i in range(count * V // beat)]
    assert [address + beat * i for address, beats in bursts for i in range(beats)] == places
    for address, beats in bursts:
        assert address // beat // longest == (address // beat + beats - 1) // longest


@pytest.mark.parametrize(
    ("burst", "outstanding", "width", "seed"),
    [(1, 1, 4, 0), (4, 2, 8, 1), (16, 8, 16, 2), (4, 1, 4, 3), (1, 1, 1, 4), (2, 8, 1, 5), (4, 3, 2, 6), (16, 2, 1, 7)],
)
def test_reader(burst: int, outstanding: int, width: int, seed: int) -> None:
    """Each byte that is read holds its address's low bits, so that vectors show where their parts come from."""
    rng = random.Random(seed)
    design = machine(burst, outstanding, width=width)
    size = design.beat_bytes
    twin = Ported(Reader, {"machine": design})
    requests = [(V * rng.randrange(1000), rng.randrange(1, 30)) for _ in range(30)]
    todo, waiting = deque(requests), deque[tuple[int, bool]]()
    bursts: list[tuple[int, int]] = []
    beats: list[tuple[int, int]] = []
    under_way = 0
    for clock in range(12000):
        if not todo and not waiting and clock > 5000:
            break
        valid = bool(todo) and clock % 3 != 0
        r = waiting[0] if waiting and rng.random() < 0.6 else None
        words = dict(zip(("address", "count"), todo[0], strict=True)) if valid else {}
        inputs = {
            "requests__valid": int(valid),
            "bus__arready": int(rng.random() < 0.7),
            "bus__rvalid": int(r is not None),
            "requests__payload": ports.pack(REQUEST, words) if valid else 0,
            "bus__rdata": r[0] if r else 99,
            "bus__rlast": int(r[1]) if r else 1,
            "bus__rresp": 0,
        }
        outputs = twin.outputs(inputs)
        assert outputs["bus__rready"] == 1
        beat = ports.unpack(beat_fields(design), outputs["beat_o"])
        if beat["valid"]:
            beats.append((beat["data"], beat["final"]))
        if valid and outputs["requests__ready"]:
            todo.popleft()
        if r:
            waiting.popleft()
            under_way -= r[1]
        if outputs["bus__arvalid"] and inputs["bus__arready"]:
            assert (1 << outputs["bus__arsize"], outputs["bus__arburst"]) == (size, 1)
            address, count = outputs["bus__araddr"], outputs["bus__arlen"] + 1
            bursts.append((address, count))
            waiting.extend((content(address + size * i, size), i == count - 1) for i in range(count))
            under_way += 1
        assert under_way <= outstanding
        twin.tick(inputs)
    check_bursts(bursts, requests, burst, size)
    assert beats == [(content(a + V * i, V), int(i == n - 1)) for a, n in requests for i in range(n)]
    assert twin.twin.quiet_o


def content(address: int, size: int) -> int:
    return int.from_bytes(bytes((address + i) % 251 for i in range(size)), "little")


def test_reader_keeps_the_bus_full_and_reports_errors() -> None:
    """Two requests follow each other without a gap between their addresses; an error is seen in its clock."""
    twin = Ported(Reader, {"machine": machine()})
    requests = deque([(0, 8), (64, 4)])
    sent = []
    for clock in range(6):
        payload = ports.pack(REQUEST, dict(zip(("address", "count"), requests[0], strict=True))) if requests else 0
        inputs = {
            "requests__valid": int(bool(requests)),
            "requests__payload": payload,
            "bus__arready": 1,
            "bus__rvalid": int(clock >= 2),
            "bus__rdata": 0,
            "bus__rresp": 2 * (clock == 4),
            "bus__rlast": 1,
        }
        outputs = twin.outputs(inputs)
        if requests and outputs["requests__ready"]:
            requests.popleft()
        if outputs["bus__arvalid"]:
            sent.append((clock, outputs["bus__araddr"]))
        assert outputs["error_o"] == (MachineError.READ_FAILED if clock == 4 else 0)
        twin.tick(inputs)
    assert sent == [(1, 0), (2, 16), (3, 64)]


@pytest.mark.parametrize(
    ("burst", "width", "seed"), [(1, 4, 0), (4, 8, 1), (16, 4, 2), (1, 1, 3), (2, 1, 4), (16, 2, 5), (16, 1, 6)]
)
def test_writer(burst: int, width: int, seed: int) -> None:
    rng = random.Random(seed)
    design = machine(burst, width=width)
    size = design.beat_bytes
    twin = Ported(Writer, {"machine": design})
    requests = [(V * rng.randrange(1000), rng.randrange(1, 30), rng.randrange(100)) for _ in range(20)]
    todo = deque(requests)
    bursts: list[tuple[int, int]] = []
    data: list[int] = []
    ends: list[int] = []  # beats up to the last one of each burst
    done = reads = answered = 0
    for _ in range(10000):
        valid = bool(todo) and rng.random() < 0.5
        words = dict(zip(("address", "count", "start"), todo[0], strict=True)) if valid else {}
        b = int(min(len(bursts), len(ends)) > answered and rng.random() < 0.4)
        inputs = {
            "requests__valid": int(valid),
            "requests__payload": ports.pack(WRITE_REQUEST, words) if valid else 0,
            "read_data_i": reads,
            "bus__awready": int(rng.random() < 0.6),
            "bus__wready": int(rng.random() < 0.6),
            "bus__bvalid": b,
            "bus__bresp": 0,
        }
        outputs = twin.outputs(inputs)
        reads = stored(outputs["read_address_o"])  # the data of the next clock
        assert outputs["bus__wstrb"] == (1 << size) - 1
        if valid and outputs["requests__ready"]:
            todo.popleft()
        if outputs["done_o"]:
            done += 1
            assert answered == len(ends) == len(bursts)
        answered += b
        if outputs["bus__wvalid"] and inputs["bus__wready"]:
            data.append(outputs["bus__wdata"])
            ends += [len(data)] if outputs["bus__wlast"] else []
        if outputs["bus__awvalid"] and inputs["bus__awready"]:
            assert 1 << outputs["bus__awsize"] == size
            bursts.append((outputs["bus__awaddr"], outputs["bus__awlen"] + 1))
        twin.tick(inputs)
    assert done == len(requests)
    assert ends == list(accumulate(beats for _, beats in bursts))
    check_bursts(bursts, [(a, n) for a, n, _ in requests], burst, size)
    vectors = [stored(start + i) for _, n, start in requests for i in range(n)]
    assert data == [vector >> shift & (1 << 8 * size) - 1 for vector in vectors for shift in range(0, 8 * V, 8 * size)]


def stored(address: int) -> int:
    return (address + 1) * 0x01030507 & 0xFFFFFFFF


@pytest.mark.parametrize("addresses", [0, 1])
@pytest.mark.parametrize(("width", "beats"), [(4, 40), (2, 80), (1, 160), (16, 40)])
def test_writer_keeps_the_bus_full(width: int, beats: int, addresses: int) -> None:
    """Vectors follow each other without a gap, whatever the beats: three clocks for the first, one for each beat.

    Whether addresses are taken makes no difference to that: AXI4 lets a slave wait for data before it takes them.
    """
    twin = Ported(Writer, {"machine": machine(16, width=width)})
    sent = []
    for clock in range(200):
        inputs = {
            "requests__valid": int(clock == 0),
            "read_data_i": clock,
            "bus__awready": addresses,
            "bus__wready": 1,
            "requests__payload": ports.pack(WRITE_REQUEST, {"address": 0, "count": 40, "start": 0}),
            "bus__bvalid": 0,
            "bus__bresp": 0,
        }
        if twin.outputs(inputs)["bus__wvalid"]:
            sent.append(clock)
        twin.tick(inputs)
    assert sent == list(range(3, 3 + beats))


def test_writer_reports_errors_and_resets() -> None:
    twin = Ported(Writer, {"machine": machine()})
    idle = dict.fromkeys(("requests__valid", "requests__payload", "read_data_i", "bus__awready", "bus__wready"), 0)
    answer = {**idle, "bus__bvalid": 1, "bus__bresp": 2}
    assert twin.outputs(answer)["error_o"] == MachineError.WRITE_FAILED
    quiet = {**idle, "bus__bvalid": 0, "bus__bresp": 2}
    assert twin.outputs(quiet)["error_o"] == 0
    request = {**quiet, "requests__valid": 1}
    request["requests__payload"] = ports.pack(WRITE_REQUEST, {"address": 0, "count": 3, "start": 0})
    twin.tick(request)
    assert twin.outputs(quiet)["requests__ready"] == 0
    twin.tick({**quiet, "rst": 1})
    assert twin.outputs(quiet)["requests__ready"] == 1
    assert twin.outputs(quiet)["bus__awvalid"] == 0


def memory_clocks(
    addresses: dict[int, list[tuple[str, int, int]]], latency: int, clocks: int, width: int = V
) -> list[str]:
    """What the memory does in each clock, for addresses (channel, address, beats) by clock."""
    memory = ExternalMemory(machine(latency=latency, width=width), np.arange(256, dtype=np.uint8))
    seen = []
    for clock in range(clocks):
        memory.evaluate()
        parts = ["r" if memory.r else "", "w" if memory.w_ready else "", "b" if memory.b is not None else ""]
        seen.append("".join(parts))
        now = {channel: Address(a, n - 1, 0) for channel, a, n in addresses.get(clock, [])}
        memory.update(now.get("ar"), now.get("aw"), WriteBeat(0, 0, False))
    return seen


def test_memory_serves_whole_bursts_in_the_order_of_their_addresses() -> None:
    """The read of clock 0 comes after 5 clocks; the write of that clock waits for it, and the next read for that."""
    addresses = {0: [("aw", 0, 2), ("ar", 0, 3)], 1: [("ar", 64, 1)]}
    assert memory_clocks(addresses, 5, 12) == ["", "", "", "", "", "r", "r", "r", "w", "w", "rb", ""]
    assert memory_clocks({2: [("aw", 0, 1)]}, 5, 6) == ["", "", "", "w", "b", ""]
    assert memory_clocks({0: [("ar", 0, 1)]}, 1, 3) == ["", "r", ""]


def test_a_memory_of_twice_the_bytes_serves_reads_and_writes_apart() -> None:
    addresses = {0: [("aw", 0, 2), ("ar", 0, 3)], 1: [("ar", 64, 1), ("aw", 64, 1)]}
    assert memory_clocks(addresses, 3, 8, width=2 * V) == ["", "w", "w", "rwb", "rb", "r", "r", ""]
    apart = {0: [("ar", 0, 1)], 1: [("aw", 0, 1)]}
    assert memory_clocks(apart, 5, 7, width=2 * V) == ["", "", "w", "b", "", "r", ""]
    assert memory_clocks(apart, 5, 8) == ["", "", "", "", "", "r", "w", "b"]


@pytest.mark.parametrize(("width", "size"), [(1, 1), (2, 2), (4, 4), (8, 4), (16, 4)])
def test_a_beat_is_at_most_a_vector(width: int, size: int) -> None:
    memory = ExternalMemory(machine(latency=1, width=width), np.arange(64, dtype=np.uint8))
    data = []
    for clock in range(8):
        memory.evaluate()
        data += [] if memory.r is None else [memory.r.data]
        w = WriteBeat(200, 1, True) if memory.w_ready else None
        memory.update(Address(8, 1, 0) if clock == 0 else None, Address(32, 0, 0) if clock == 2 else None, w)
    contents = bytes(range(64))
    assert data == [int.from_bytes(contents[a : a + size], "little") for a in (8, 8 + size)]
    assert (memory.bytes_read, memory.bytes_written) == (2 * size, size)
    assert memory.contents[32 : 32 + size].tolist() == [200] + [0] * (size - 1)
    assert memory.contents[32 + size] == 32 + size
