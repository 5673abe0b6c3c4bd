"""Bad input to any command: one line that names the thing and what was expected, status 2, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_arch.hardware import preset_names
from tests.skipbeat.command_line import TINY, complaint, process

MEASURING = (("cosim",), ("demo",), ("estimate", "zoo:digits-cnn"), ("regress",), ("verilog", "-o", "out"))


@pytest.mark.parametrize("command", MEASURING, ids=lambda command: command[0])
def test_hardware_that_is_none(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = complaint(capsys, *command, "--hw", "edge-17x17")
    assert said.startswith("hardware edge-17x17: no such preset; expected one of ")
    assert all(name in said for name in preset_names())
    assert complaint(capsys, *command, "--hw", "none.yaml").startswith("hardware none.yaml: cannot be read: ")
    assert complaint(capsys, *command, "--hw", "tiny-4x4", "--set", "array.rows").startswith(
        "--set array.rows: expected"
    )
    said = complaint(capsys, *command, "--hw", "tiny-4x4", "--set", "array.depth=4")
    assert said == "hardware tiny-4x4: array.depth: unknown key"
    assert "greater than or equal to 1" in complaint(capsys, *command, "--hw", "tiny-4x4", "--set", "array.rows=0")
    assert "greater than or equal to 1" in complaint(capsys, *command, "--hw", "tiny-4x4", "--set", "array.cols=-4")
    assert not list(tmp_path.iterdir())


def test_an_unknown_key_in_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nclock_mhz: 100\narray: {rows: 2, cols: 2, group: 4}\nweights: {decode_lanes: 1, buffer_kib: 4}\n"
        "activations: {buffer_kib: 4}\naccumulators: {depth: 8}\nmemory: {bytes_per_clock: 4, latency_clocks: 1}\n"
        "colour: red\n"
    )
    assert complaint(capsys, "cosim", "--hw", str(path)) == f"hardware {path}: colour: unknown key"


def test_a_pattern_is_no_size_of_a_group(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nclock_mhz: 100\narray: {rows: 2, cols: 2, group: 2:4}\n")
    said = complaint(capsys, "cosim", "--hw", str(path))
    assert said == f"hardware {path}: array.group: input should be a valid integer, not '2:4'"


@pytest.mark.parametrize(
    "command",
    [
        ("cosim", "--pattern"),
        ("demo", "--pattern"),
        ("simulate", "zoo:digits-cnn", "--pattern"),
        ("estimate", "zoo:digits-cnn", "--prune"),
    ],
    ids=lambda c: c[0],
)
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("5:4", "N must be in 1..4, not 5"),
        ("0:4", "N must be in 1..4, not 0"),
        ("1:1", "M must be in 2..128, not 1"),
        ("unstructured:1.5", "the density must be in 0..1, not 1.5"),
        ("block:-0.1", "the density must be in 0..1, not -0.1"),
        ("unstructured:nan", "expected dense, N:M"),
        ("two:four", "expected dense, N:M"),
    ],
)
def test_patterns(command: tuple[str, ...], pattern: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in complaint(capsys, *command, pattern, "--hw", "tiny-4x4")


@pytest.mark.parametrize("sizes", ["8,8", "8,8,8,8", "8,8,x", "8,8,1.5", "8,,8", "8 8 8"])
def test_sizes_that_are_not_three_integers(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected three sizes P,C,K, as in 784,1152,128" in complaint(capsys, "cosim", *TINY, "--gemm", sizes)


@pytest.mark.parametrize(
    ("sizes", "words"), [("0,8,8", "P must be at least 1, not 0"), ("8,-1,8", "C must be"), ("8,8,0", "K must be")]
)
def test_sizes_below_1(sizes: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in complaint(capsys, "cosim", *TINY, "--gemm", sizes)


def test_models_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "estimate", "zoo:alexnet")
    assert "zoo:alexnet" in said
    assert "digits-cnn" in said
    assert "Missing argument" in complaint(capsys, "estimate")


@pytest.mark.parametrize(
    "arguments",
    [
        ("verilog", *TINY, "-o", "file/out"),
        ("demo", *TINY, "--out", "file/out"),
        ("demo", *TINY, "--out", "file"),
        ("cosim", *TINY, "--dump", "file/out.npz"),
    ],
    ids=lambda arguments: arguments[0] + arguments[-1],
)
def test_places_that_cannot_be_written(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    said = complaint(capsys, *arguments)
    assert said.startswith("file")
    assert "cannot be" in said
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("name", ["a\0b", "x" * 10_000], ids=["null", "long"])
@pytest.mark.parametrize(
    "words",
    [
        ("sweep",),
        ("program",),
        ("compare", "c.json"),
        ("estimate", "zoo:digits-cnn", "--checkpoint"),
        ("estimate", "zoo:digits-cnn", "--activations"),
        ("train-estimate", "zoo:digits-cnn", "--schedule"),
        ("hardware", "--csv"),
    ],
    ids=lambda words: " ".join(words[::2]),
)
def test_names_that_no_file_has(words: tuple[str, ...], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(complaint(capsys, *words, name)) < 1000


@pytest.mark.parametrize("suffix", ["", ".safetensors", ".safetensors.index.json", ".pt2", ".onnx", ".bin"])
def test_models_of_names_that_no_file_has(suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (f"a\0b{suffix}", "x" * 10_000 + suffix):
        assert len(complaint(capsys, "estimate", "--", name)) < 1000


def test_values_of_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'--seed'" in complaint(capsys, "cosim", "--seed", "-1")
    assert "'--simulator'" in complaint(capsys, "cosim", "--simulator", "vcs")
    assert "'--images'" in complaint(capsys, "demo", "--images", "7")
    assert "'--batch'" in complaint(capsys, "estimate", "zoo:digits-cnn", "--batch", "0")
    assert "'--cases'" in complaint(capsys, "regress", "--cases", "0")
    said = complaint(capsys, "regress", "--case", "3", "--cases", "40")
    assert said == "--cases 40: expected without --case, which says what is run"
    assert "'--case'" in complaint(capsys, "regress", "--case", "-1")
    assert "'-o'" in complaint(capsys, "verilog")
    said = complaint(capsys, "regress", "--set", "array.rows=2")
    assert said == "--set array.rows=2: expected together with --hw"


def test_the_process_says_it_too() -> None:
    done = process("cosim", *TINY, "--pattern", "5:4", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "skipbeat: error: pattern 5:4: N must be in 1..4, not 5\n"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("",), "command"),
        (("estimate", ""), "argument 1"),
        (("compare", "a.json", ""), "argument 2"),
        (("program", ""), "argument 1"),
        (("sweep", ""), "argument 1"),
        (("compile", "zoo:digits-cnn", "-o", ""), "-o"),
        (("verilog", "--out="), "--out"),
        (("cosim", "--hw", ""), "--hw"),
        (("cosim", "--set", ""), "--set"),
        (("estimate", "zoo:digits-cnn", "--checkpoint", ""), "--checkpoint"),
        (("estimate", "zoo:digits-cnn", "--csv="), "--csv"),
        (("demo", "--out", ""), "--out"),
        (("synth", "--liberty", ""), "--liberty"),
    ],
    ids=lambda words: "-".join(words) if isinstance(words, tuple) else None,
)
def test_an_empty_text_is_no_name(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint(capsys, *words) == f"{what}: expected a name, a file or a value, not an empty text"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("--prefix", ""), ("--prefix=",)], ids=len)
def test_no_prefix_is_one(capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...]) -> None:
    assert main(["verilog", *TINY, *words, "-o", str(tmp_path)]) == 0
    assert (tmp_path / "core.v").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("estimate", "zoo:digits-cnn", "--html", "x", "--csv", "x"),
        ("estimate", "zoo:digits-cnn", "--csv", "x", "--trace", "y/../x"),
        ("simulate", "zoo:digits-cnn", "--rtl", "--dump", "link", "--activity", "x"),
        ("program", "none", "--image", "x", "--csv", "x"),
    ],
    ids=lambda command: command[0],
)
def test_two_outputs_of_one_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "y").mkdir()
    (tmp_path / "link").symlink_to("x")
    said = complaint(capsys, *command)
    first, second = (word for word in command if word.startswith("--") and word != "--rtl")
    assert said == f"{first} and {second}: expected two files, not {command[-1]} for both"
    assert not (tmp_path / "x").exists()


def test_what_takes_more_than_one_file_may_be_named_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read" in complaint(capsys, "program", "none", "--image", "/dev/null", "--csv", "/dev/null")
