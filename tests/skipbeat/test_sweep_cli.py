"""`skipbeat sweep` searches, keeps what it found, goes on, and gives one table on one core and on a cluster."""

from __future__ import annotations

import csv
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skipbeat.cli import main
from skipbeat.sweeping.points import Point
from skipbeat.sweeping.pricing import price
from skipbeat.sweeping.searching import Search
from skipbeat.sweeping.storage import Storage, reserved
from skipbeat.sweeping.study_file import read_study
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from tests.skipbeat.command_line import complaint, json_object
from tests.skipbeat.test_sweep_parts import MODEL, STUDY

pytest.importorskip("optuna")
ROOT = Path(__file__).parents[2]
#: The accuracy waits, so that there is a midst to interrupt.
SLOW = STUDY.replace("kept]", f"accuracy]\naccuracy: {MODEL.replace('build', 'accuracy')}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()[1:]))


def test_a_study_is_priced_kept_and_shown(capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("points.csv", "page.html")]
    found = json_object(capsys, "sweep", str(file), "--csv", names[0], "--html", names[1])
    points = found["points"]
    assert (found["wanted"], found["ended"], len(points)) == (18, 18, 18)
    refused = [point for point in points if point["refused"]]
    assert len(refused) == 3
    assert all(point["array.rows"] == 8 and point["memory.bytes_per_clock"] == 2 for point in refused)
    assert [point["scheme"] for point in points] == ["as it is"] * 6 + ["2:4"] * 6 + ["1:4"] * 6
    assert [row["clocks"] for row in table(tmp_path / "points.csv")] == [
        "" if point["refused"] else str(point["clocks"]) for point in points
    ]
    assert "study-data" in (tmp_path / "page.html").read_text()
    # All of it is known now: nothing is priced again, and the front is the same.
    assert json_object(capsys, "sweep", str(file))["points"] == points
    assert main(["sweep", str(file)]) == 0
    assert "15 points priced, 3 refused" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("method", ["random", "nsga2", "tpe"])
def test_searches_find_points_of_the_grid(capsys: pytest.CaptureFixture[str], file: Path, method: str) -> None:
    grid = {str(point): point for point in json_object(capsys, "sweep", str(file))["points"]}
    file.write_text(STUDY.replace("small", method) + f"search: {{method: {method}, trials: 8, seed: 1}}\n")
    found = json_object(capsys, "sweep", str(file))
    assert found["ended"] == 8
    for point in found["points"]:
        (same,) = [
            each
            for each in grid.values()
            if all(each[name] == point[name] for name in ("scheme", "array.rows"))
            and each["memory.bytes_per_clock"] == point["memory.bytes_per_clock"]
        ]
        assert point["clocks"] == same["clocks"]
    file.write_text(file.read_text().replace("trials: 8", "trials: 11"))
    assert json_object(capsys, "sweep", str(file))["ended"] == 11


def test_the_front_is_synthesised_beside_its_modelled_area(
    capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def synthesised(hardware: Hardware, _progress: object) -> dict[str, int]:
        asked.append(hardware.name)
        return {"lut": 1234, "dsp": 5, "bram": 6}

    monkeypatch.setattr("skipbeat.sweeping.confirming._synthesised", synthesised)
    file.write_text(STUDY.replace("[as it is, 2:4, 1:4]", "[2:4, 1:4]").replace("energy, kept]", "lut]"))
    assert main(["sweep", str(file), "--synth", "--csv", str(tmp_path / "points.csv")]) == 0
    said = capsys.readouterr().out
    assert "lut_synthesised" in said
    assert "1,234" in said
    assert "its error on each of these, left out of the fit: lut" in said
    rows = [row for row in table(tmp_path / "points.csv") if row["clocks"]]
    assert {row["lut_synthesised"] for row in rows if row["front"] == "True"} == {"1234"}
    assert not any(row["lut_synthesised"] for row in rows if row["front"] == "False")
    built = {(row["array.rows"], row["memory.bytes_per_clock"]) for row in rows if row["front"] == "True"}
    assert len(asked) == len(set(asked)) == len(built)
    assert json_object(capsys, "sweep", str(file))["area_model"]["resources"]["lut"]["error"] < 0.03


def test_a_study_without_a_price_is_bad_input_and_not_kept(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """What was wrong is mended in the file alone: nothing of the study is left, and a storage of the user's stays."""
    wrong = STUDY.replace("[4, 8]", "[8]").replace("{from: 2, to: 8, times: 2}", "[2]")
    file.write_text(wrong)
    assert main(["sweep", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "skipbeat: error: study small: none of its points has a price; the first: " in err
    assert list(file.parent.iterdir()) == [file]
    kept = f"sqlite:///{file.with_name('kept.db')}"
    other = file.with_name("other.yaml")
    other.write_text(STUDY.replace("small", "other").replace("[as it is, 2:4, 1:4]", "[2:4]"))
    assert json_object(capsys, "sweep", str(other), "--storage", kept)["ended"] == 6
    assert main(["sweep", str(file), "--storage", kept]) == 2
    file.write_text(STUDY.replace("[as it is, 2:4, 1:4]", "[2:4]"))
    capsys.readouterr()
    assert json_object(capsys, "sweep", str(file), "--storage", kept)["ended"] == 6
    assert json_object(capsys, "sweep", str(other), "--storage", kept)["ended"] == 6


def test_a_storage_whose_study_has_no_price_takes_its_correction(
    capsys: pytest.CaptureFixture[str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a search leaves it that was killed before anything had a price."""
    file.write_text(STUDY.replace("[4, 8]", "[8]").replace("{from: 2, to: 8, times: 2}", "[2]"))
    with monkeypatch.context() as killed:
        killed.setattr("skipbeat.sweeping.searching.Search.forget_unpriced", lambda _: None)
        assert main(["sweep", str(file)]) == 2
    assert file.with_suffix(".db").exists()
    file.write_text(STUDY.replace("[as it is, 2:4, 1:4]", "[2:4]"))
    capsys.readouterr()
    assert json_object(capsys, "sweep", str(file))["ended"] == 6


def test_one_sweep_at_a_time_uses_a_storage(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    url = f"sqlite:///{file.with_suffix('.db')}"
    with reserved(url):
        said = complaint(capsys, "sweep", str(file))
    assert said == f"--storage {url}: another sweep is using it; expected one at a time, or another storage"
    assert list(file.parent.iterdir()) == [file]
    assert "no folder" in complaint(capsys, "sweep", str(file), "--storage", f"sqlite:///{file.parent}/no/x.db")


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner ends between our opening and our locking: what we hold then is a file that nobody else will find."""
    lock: list[Path] = []
    real = fcntl.flock

    def late(number: int, operation: int) -> None:
        if not lock:
            lock.extend(tmp_path.iterdir())
            lock[0].unlink()
        real(number, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with reserved(f"sqlite:///{tmp_path}/x.db"):
        assert list(tmp_path.iterdir()) == lock
        with pytest.raises(InputError, match="another sweep"), reserved(f"sqlite:///{tmp_path}/x.db"):
            pass
    assert not list(tmp_path.iterdir())


def test_a_search_whose_trials_another_has_ended_says_so(file: Path) -> None:
    """As in a database that is no file of SQLite, which nothing reserves."""
    storage = Storage(url=f"sqlite:///{file.with_suffix('.db')}", new=None)
    ours = Search(read_study(file), storage)
    point = ours.ask()
    assert isinstance(point, Point)
    theirs = Search(read_study(file), storage)
    with pytest.raises(InputError, match="another sweep is using it"):
        ours.tell(price(point))
    ours.abandon()
    assert (ours.ended, theirs.ended) == (0, 0)


def test_a_storage_has_one_study_of_a_name(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    text = STUDY.replace("[as it is, 2:4, 1:4]", "[2:4]")
    file.write_text(text)
    json_object(capsys, "sweep", str(file))
    file.write_text(text.replace("tiny-4x4", "edge-8x8"))
    assert "another study" in complaint(capsys, "sweep", str(file))
    assert "--storage" in complaint(capsys, "sweep", str(file), "--storage", "nothing://x")
    assert "--jobs" in complaint(capsys, "sweep", str(file), "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1")


def process(folder: Path, *arguments: str, wait: float) -> subprocess.Popen[str]:
    environment = os.environ | {"SKIPBEAT_TEST_WAIT": str(wait), "PYTHONPATH": f"{ROOT}:{os.environ['PYTHONPATH']}"}
    words = [sys.executable, "-m", *arguments]
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interruption_keeps_what_is_priced(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "study.yaml").write_text(SLOW)
    words = ("skipbeat", "sweep", "study.yaml", "--jobs", str(jobs), "--csv", "points.csv")
    running = process(tmp_path, *words, wait=1.0)
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("skipbeat: 3/18"):
            break
    running.send_signal(signal.SIGINT)
    begin = time.monotonic()
    err = running.stderr.readline()
    assert "are kept; the same command goes on" in err
    assert time.monotonic() - begin < 4  # a moment, on a machine with nothing else to do
    running.communicate(timeout=60)
    assert running.returncode == 130
    priced = [row for row in table(tmp_path / "points.csv") if row["clocks"]]
    assert 2 <= len(priced) < 15
    again = process(tmp_path, *words, wait=0.0)
    _, err = again.communicate(timeout=200)
    assert again.returncode == 0, err
    whole = table(tmp_path / "points.csv")
    assert len(whole) == 18
    key = ("scheme", "array.rows", "memory.bytes_per_clock", "clocks", "accuracy")
    assert {tuple(row[k] for k in key) for row in priced} <= {tuple(row[k] for k in key) for row in whole}


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    options = ("--host", "127.0.0.1", "--no-dashboard")
    scheduler = process(folder, "distributed.cli.dask_scheduler", "--port", port, *options, wait=0.5)
    own = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    workers = [process(folder, "distributed.cli.dask_worker", address, *own, wait=0.5) for _ in range(count)]
    try:
        yield address, workers
    finally:
        for each in (*workers, scheduler):
            each.kill()
            each.communicate()


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_table_of_one_core(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    columns: list[list[dict[str, Any]]] = []
    (tmp_path / "study.yaml").write_text(SLOW)
    words = ("skipbeat", "sweep", "study.yaml", "--csv", "points.csv")
    alone = process(tmp_path, *words, "--storage", "sqlite:///alone.db", wait=0.0)
    _, err = alone.communicate(timeout=200)
    assert alone.returncode == 0, err
    columns.append(list(table(tmp_path / "points.csv")))
    with cluster(tmp_path, 3) as (address, workers):
        running = process(tmp_path, *words, "--storage", "sqlite:///many.db", "--scheduler", address, wait=0.5)
        assert running.stderr is not None
        said = []
        for line in running.stderr:
            said.append(line)
            if line.startswith("skipbeat: 4/18"):
                workers[0].kill()
                break
        _, err = running.communicate(timeout=200)
        assert running.returncode == 0, "".join(said) + err
    columns.append(list(table(tmp_path / "points.csv")))
    assert columns[0] == columns[1]
    assert len(columns[1]) == 18
