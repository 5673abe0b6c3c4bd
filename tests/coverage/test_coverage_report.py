"""What Verilator writes of a run, merged over designs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from skipbeat_hw.simulation.verilated import COVERAGE_FOLDER, shared_object
from tests.coverage.coverage_report import Reached, collected, component_of, main, read_coverage, table, unreached
from tests.hw.simulation.test_verilated import HARNESS, INVERTER


def record(page: str, line: int, name: str, count: int) -> str:
    fields = {"f": "top.v", "l": str(line), "n": "1", "t": page.split("/")[0][2:], "page": page, "o": name}
    packed = "".join(f"\x01{key}\x02{value}" for key, value in fields.items())
    return f"C '{packed}' {count}"


def records(module: str, rose: int, fell: int) -> str:
    """Two bits of due, of which the upper one never fell; a net of Yosys' own; a branch."""
    return "\n".join(
        [
            "# SystemC::Coverage-3",
            *(record(f"v_toggle/{module}", 5, f"due[0]:{edge}", 1) for edge in ("0->1", "1->0")),
            record(f"v_toggle/{module}", 5, "due[1]:0->1", rose),
            record(f"v_toggle/{module}", 5, "due[1]:1->0", fell),
            record(f"v_toggle/{module}", 7, "__0245[3]:1->0", 0),
            record(f"v_branch/{module}", 9, "if", rose),
        ]
    )


def test_a_component_is_one_wherever_it_stands() -> None:
    assert component_of("machine.core.decoder.slots.dealt") == component_of("slots.dealt") == "slots.dealt"
    assert component_of("store_engine.placer") == component_of("machine.load.placer") == "placer"
    assert component_of("machine.output.lane_0") == component_of("output_stage.lane_0") == "output.lane_0"
    assert component_of("machine.owners") == "machine.owners"


def test_a_bit_counts_if_it_rose_and_fell_in_any_design() -> None:
    found: dict[str, Reached] = {}
    read_coverage(records("fetch", 1, 0), "a", found)
    assert found["fetch"].unreached == ["due[1]"]
    assert table(found)[-1] == "| **all** | 2 | 0 | 1 | 50.0 % | 1 | 100.0 % |"
    assert list(unreached(found)) == ["| fetch | due | 1 | open |"]
    read_coverage(records("machine.fetch", 0, 1), "b", found)
    assert found["fetch"].unreached == []
    assert table(found)[-1] == "| **all** | 2 | 0 | 2 | 100.0 % | 2 | 50.0 % |"


def test_names_are_those_of_the_source_and_reasons_are_told() -> None:
    found: dict[str, Reached] = {}
    for bit in (1, 2, 3):
        text = record("v_toggle/fetch", 1, f"requests___05Fpayload__02eaddress[{bit}]:0->1", 1)
        read_coverage(text, "a", found)
    (line,) = unreached(found)
    assert line == "| fetch | requests__payload.address | 1 to 3 | a sound program begins at a multiple of 16 bytes |"
    assert table(found)[-1] == "| **all** | 3 | 3 | 0 | – | 0 | – |"


def test_the_page_gets_the_tables_and_too_little_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "key-1.dat").write_text(records("fetch", 1, 0))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- coverage -->\nold\n<!-- end of coverage -->\nafter\n")
    arguments = [str(tmp_path), "--write", str(page)]
    assert CliRunner().invoke(main, [*arguments, "--least", "0.5"]).exit_code == 0
    assert CliRunner().invoke(main, [*arguments, "--least", "0.6"]).exit_code == 1
    assert page.read_text().startswith("before\n<!-- coverage -->\n| component |")
    assert page.read_text().endswith("| open |\n<!-- end of coverage -->\nafter\n")


@pytest.mark.slow
def test_a_model_writes_what_it_has_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library under its own key: the same source in two of them, loaded at once."""
    import ctypes

    monkeypatch.setenv(COVERAGE_FOLDER, str(tmp_path))
    harness = HARNESS.replace(
        "Vtop top{&c}; top.a = a; top.eval();", "Vtop top{&c}; top.eval(); top.a = a; top.eval();"
    )
    for text in (harness, f"{harness}// another one\n"):
        assert ctypes.CDLL(str(shared_object(INVERTER, "inverter", text))).invert(0x0F) == 0xF0
    keys = {path.name.split("-")[0] for path in tmp_path.glob("*.dat")}
    assert len(keys) == 2
    found = collected(tmp_path)["inverter"]
    assert found.bits["a[0]"] == [2, 0]
    assert found.bits["a[7]"] == [0, 0]
