"""`skipbeat cosim` as a user calls it: RTL, cycle model and timing model agree on whatever it is given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from skipbeat.cli import main
from skipbeat_arch.arrays import IntArray
from skipbeat_arch.timing import Events
from skipbeat_sim.core.core import Core
from tests.skipbeat.command_line import complaint, json_object, process

KEYS = {
    "hardware",
    "gemm",
    "agrees",
    "bit_exact",
    "ports_agree",
    "rtl_cycles",
    "model_cycles",
    "timing_cycles",
    "macs",
    "macs_dense",
    "utilization",
    "events",
    "rtl_error",
    "pattern",
    "seed",
    "simulator",
}
PATTERNS = ("dense", "2:4", "1:4", "3:8", "5:16", "unstructured:0.4", "unstructured:0", "block:0.5", "block:0")
#: Ragged, and each size 1.
SIZES = ("7,13,5", "1,16,4", "9,1,3", "6,19,1", "1,1,1", "70,33,9")
#: Arrays, M and lanes; each is compiled once and kept. The larger ones take ten seconds.
SMALL, LARGE = ((2, 4, 4, 1), (4, 8, 8, 2)), ((8, 8, 4, 8), (2, 16, 16, 16))
ARRAYS = [*SMALL, *(pytest.param(array, marks=pytest.mark.slow) for array in LARGE)]


def hardware(rows: int, cols: int, group: int, lanes: int) -> tuple[str, ...]:
    sizes = {"array.rows": rows, "array.cols": cols, "array.group": group, "weights.decode_lanes": lanes}
    sizes |= {"accumulators.depth": 32, "outputs.lanes": 1}
    return ("--hw", "tiny-4x4", *(word for key, value in sizes.items() for word in ("--set", f"{key}={value}")))


#: One that other tests compile too.
MACHINE = ("--hw", "tiny-4x4", "--set", "accumulators.depth=128")
#: The smallest core with a machine around it.
TINY = hardware(2, 4, 4, 1)


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
    report = json_object(capsys, "cosim", *arguments)
    assert report["agrees"] is report["bit_exact"] is report["ports_agree"] is True, report
    assert report["rtl_cycles"] == report["model_cycles"] == report["timing_cycles"] > 0, report


@pytest.mark.parametrize("array", ARRAYS, ids=str)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_all_levels_agree(array: tuple[int, int, int, int], pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    start = 2 * PATTERNS.index(pattern)
    for seed in (start, start + 1):  # between them, the patterns see all sizes
        sizes = SIZES[seed % len(SIZES)]
        check(capsys, *hardware(*array), "--gemm", sizes, "--pattern", pattern, "--seed", str(seed))


@pytest.mark.slow  # two arrays of 256 PEs are compiled
@pytest.mark.timeout(900)
@pytest.mark.parametrize("array", [(16, 16, 4, 1), (16, 16, 8, 8)], ids=str)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_all_levels_agree_on_large_arrays(
    array: tuple[int, int, int, int], pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, sizes in enumerate(("37,70,19", "1,130,17", "33,1,1")):
        check(capsys, *hardware(*array), "--gemm", sizes, "--pattern", pattern, "--seed", str(seed))


@pytest.mark.parametrize("pattern", ["2:4", "unstructured:0.3"])
def test_the_whole_program_runs_on_the_machine(
    pattern: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "dump.npz"
    arguments = ("cosim", *MACHINE, "--gemm", "40,70,9", "--pattern", pattern)
    core = json_object(capsys, *arguments)
    whole = json_object(capsys, *arguments, "--machine", "--dump", str(path))
    assert whole["agrees"] is whole["bit_exact"] is True
    assert whole["rtl_cycles"] == whole["model_cycles"] == whole["timing_cycles"] > core["rtl_cycles"]
    assert whole["macs"] == core["macs"]
    assert whole["counters"]["compute"] <= core["rtl_cycles"]
    with np.load(path) as dump:
        np.testing.assert_array_equal(dump["y"], dump["x"].astype(np.int64) @ dump["w"].astype(np.int64))


def test_a_core_that_no_accelerator_has_is_for_regress(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "cosim", "--hw", "tiny-4x4", "--set", "array.rows=3")
    needs = "the accelerator needs a power of two in array.rows, not 3"
    alone = "a GEMM is compiled for one; `skipbeat regress --hw` runs such a core alone"
    assert said == f"hardware tiny-4x4+array.rows=3: {needs}; {alone}"
    assert main(["regress", "--cases", "1", "--jobs", "1", *TINY, "--set", "array.rows=3"]) == 0


def test_a_machine_runs_on_verilator_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected --simulator verilator" in complaint(capsys, "cosim", "--machine", "--simulator", "icarus")


def test_icarus_agrees_too(capsys: pytest.CaptureFixture[str]) -> None:
    if not shutil.which("iverilog"):
        pytest.skip("iverilog is not installed")
    check(capsys, *TINY, "--gemm", "5,9,3", "--simulator", "icarus")


def test_json_has_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    report = json_object(capsys, "cosim", *TINY, "--gemm", "7,13,5", "--pattern", "2:4", "--seed", "4")
    assert set(report) == KEYS | {"schema", "provenance", "counters", "layers"}
    assert report["counters"] is report["layers"] is None
    assert set(report["events"]) == set(Events().to_json())
    assert (report["gemm"], report["macs_dense"]) == ([7, 13, 5], 7 * 13 * 5)
    assert (report["pattern"], report["seed"], report["simulator"]) == ("2:4", 4, "verilator")
    assert report["events"]["macs"] == report["macs"]
    assert report["utilization"] == pytest.approx(report["macs"] / (report["rtl_cycles"] * 8))
    assert report["rtl_error"] == "none"


def test_the_dump_holds_what_the_rtl_produced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "new" / "dump.npz"
    report = json_object(capsys, "cosim", *TINY, "--gemm", "7,13,5", "--pattern", "2:4", "--dump", str(path))
    with np.load(path) as dump:
        x, w, y = dump["x"], dump["w"], dump["y"]
    assert (x.dtype, w.dtype, y.dtype) == (np.int8, np.int8, np.int32)
    assert (x.shape, w.shape, y.shape) == ((7, 13), (13, 5), (7, 5))
    np.testing.assert_array_equal(y, x.astype(np.int64) @ w.astype(np.int64))
    assert report["macs"] == 7 * np.count_nonzero(w)
    for start in range(0, 13, 4):
        assert (np.count_nonzero(w[start : start + 4], axis=0) <= 2).all()


def test_a_seed_is_a_case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def dumped(seed: str, name: str) -> dict[str, IntArray]:
        path = tmp_path / name
        json_object(capsys, "cosim", *TINY, "--gemm", "3,9,4", "--seed", seed, "--dump", str(path))
        with np.load(path) as dump:
            return dict(dump)

    first, again, other = dumped("1", "a.npz"), dumped("1", "b.npz"), dumped("2", "c.npz")
    for name in ("x", "w", "y"):
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["x"], other["x"])


def test_people_get_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cosim", *TINY, "--gemm", "3,9,4"]) == 0
    out = capsys.readouterr().out
    assert out.rstrip().endswith("RTL, cycle model and timing model agree.")
    assert "rtl_cycles:" in out


def test_disagreement_is_status_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Core.update

    def forgetful(core: Core) -> None:
        honest(core)
        core.sequencer.reset()

    monkeypatch.setattr(Core, "update", forgetful)
    assert main(["cosim", *TINY, "--gemm", "2,2,2"]) == 1
    out = capsys.readouterr().out
    assert "NO AGREEMENT" in out
    assert "first difference: clock" in out


def test_the_process_prints_one_object() -> None:
    done = process("cosim", *TINY, "--gemm", "3,9,4", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["agrees"] is True
    assert done.stdout.count("\n") == 1
