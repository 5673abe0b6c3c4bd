"""Which registers go into a block, and which stay: on small netlists. That nothing changes: `test_equivalence.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skipbeat_hw.tools.block_registers import pack_block_registers

CLOCK, ENABLE, RESET = 2, 3, 4
MEMORY_BITS, WIDTH = 5, 18


def cell(kind: str, outputs: set[str], parameters: dict[str, str], **wires: int | str) -> dict[str, Any]:
    directions = {port: "output" if port in outputs else "input" for port in wires}
    connections = {port: [bit] for port, bit in wires.items()}
    return {"type": kind, "parameters": parameters, "port_directions": directions, "connections": connections}


def register(source: int, target: int, **wires: int | str) -> dict[str, Any]:
    parameters = {"CLKMUX": "CLK", "REGSET": "RESET", "CEMUX": "CE" if "CE" in wires else "1 "}
    plain: dict[str, int | str] = {"CLK": CLOCK, "DI": source, "Q": target, "LSR": "0"}
    return cell("TRELLIS_FF", {"Q"}, parameters, **(plain | wires))


def memory(*, words: int = 18, reset: int | str = "0", first: str = "B") -> dict[str, Any]:
    outputs = {f"DO{first}{n}": 10 + n for n in range(MEMORY_BITS)}
    control: dict[str, int | str] = {"CLKA": CLOCK, "CLKB": CLOCK, "OCEA": "0", "OCEB": "1", "RSTA": "0", "RSTB": reset}
    parameters = {"DATA_WIDTH_A": f"{words:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"}
    return cell("DP16KD", set(outputs), parameters, **control, **outputs)


def multiplier() -> dict[str, Any]:
    factors = {f"{side}{n}": base + n for side, base in (("A", 200), ("B", 300)) for n in range(WIDTH)}
    products = {f"P{n}": 400 + n for n in range(2 * WIDTH)}
    return cell("MULT18X18D", set(products), {}, **factors, **products, SIGNEDA="1", SIGNEDB="1")


def packed(folder: Path, cells: dict[str, Any], outputs: list[int]) -> dict[str, Any]:
    """The cells after the step, whose count of registers is that of the statistics."""
    top = {"attributes": {"top": "1"}, "cells": cells, "ports": {"o": {"direction": "output", "bits": outputs}}}
    modules = {"LUT4": {"attributes": {"blackbox": "1"}, "cells": {}, "ports": {}}, "mine": top}
    (folder / "netlist.json").write_text(json.dumps({"modules": modules}))
    counts = {"TRELLIS_FF": sum(each["type"] == "TRELLIS_FF" for each in cells.values())}
    (folder / "stat.json").write_text(json.dumps({"modules": {"\\mine": {"num_cells_by_type": counts}}}))
    pack_block_registers(folder)
    found: dict[str, Any] = json.loads((folder / "netlist.json").read_text())["modules"]["mine"]["cells"]
    counted = json.loads((folder / "stat.json").read_text())["modules"]["\\mine"]["num_cells_by_type"]["TRELLIS_FF"]
    assert counted == sum(each["type"] == "TRELLIS_FF" for each in found.values())
    return found


def behind(**wires: int | str) -> dict[str, Any]:
    return {f"held_{n}": register(10 + n, 100 + n, **wires) for n in range(MEMORY_BITS)}


@pytest.mark.parametrize(("wires", "enable"), [({}, "1"), ({"CE": ENABLE}, ENABLE)])
def test_a_register_behind_a_memory_goes_into_it(wires: dict[str, int], enable: int | str, tmp_path: Path) -> None:
    cells = packed(tmp_path, {"memory": memory(), **behind(**wires)}, [100 + n for n in range(MEMORY_BITS)])
    assert set(cells) == {"memory"}
    parameters, connections = cells["memory"]["parameters"], cells["memory"]["connections"]
    assert (parameters["REGMODE_A"], parameters["REGMODE_B"]) == ("NOREG", "OUTREG")
    assert connections["OCEB"] == [enable]
    assert [connections[f"DOB{n}"] for n in range(MEMORY_BITS)] == [[100 + n] for n in range(MEMORY_BITS)]


def test_both_halves_of_a_wide_word_are_of_one_side(tmp_path: Path) -> None:
    cells = packed(tmp_path, {"memory": memory(words=36, first="A"), **behind(CE=ENABLE)}, [100])
    parameters, connections = cells["memory"]["parameters"], cells["memory"]["connections"]
    assert (parameters["REGMODE_A"], parameters["REGMODE_B"]) == ("OUTREG", "OUTREG")
    assert (connections["OCEA"], connections["OCEB"]) == (["0"], [ENABLE])


@pytest.mark.parametrize(
    ("cells", "outputs"),
    [
        ({"memory": memory(), **behind(LSR=RESET)}, []),
        ({"memory": memory(), **behind(CLK=9)}, []),
        ({"memory": memory(reset=RESET), **behind()}, []),
        ({"memory": memory(), **behind(), "other": register(10, 150)}, []),
        ({"memory": memory(), **behind()}, [10]),
        ({"memory": memory(), **behind(), "held_0": register(10, 100, CE=ENABLE)}, []),
        ({"memory": memory(), **behind(), "held_0": cell("LUT4", {"Z"}, {}, A=10, Z=100)}, []),
    ],
    ids=["reset", "clock", "the memory's reset", "two readers", "a port", "two enables", "logic"],
)
def test_what_a_memory_cannot_take_stays(cells: dict[str, Any], outputs: list[int], tmp_path: Path) -> None:
    kept = [100 + n for n in range(MEMORY_BITS)] + [150]
    assert packed(tmp_path, json.loads(json.dumps(cells)), outputs + kept) == cells


def around() -> dict[str, Any]:
    """Registers before the factors and behind the product."""
    cells = {f"{side}_{n}": register(500 + n, at + n) for side, at in (("a", 200), ("b", 300)) for n in range(WIDTH)}
    return cells | {f"p_{n}": register(400 + n, 700 + n) for n in range(2 * WIDTH)}


def test_the_register_of_a_product_goes_into_the_multiplier(tmp_path: Path) -> None:
    cells = packed(tmp_path, {"product": multiplier(), **around()}, [*range(700, 736)])
    assert not any(name.startswith("p_") for name in cells)
    assert len(cells) == 1 + 2 * WIDTH
    connections = cells["product"]["connections"]
    assert all(connections[f"A{n}"] == [200 + n] and connections[f"B{n}"] == [300 + n] for n in range(WIDTH))
    assert all(connections[f"P{n}"] == [700 + n] for n in range(2 * WIDTH))
    assert [connections[port] for port in ("CLK0", "CE0", "RST0")] == [[CLOCK], ["1"], ["0"]]
    assert cells["product"]["parameters"] == {"REG_OUTPUT_CLK": "CLK0"}


@pytest.mark.parametrize(
    "other",
    [{f"p_{n}": register(400 + n, 700 + n, CE=ENABLE) for n in range(36)}, {"p_3": register(403, 703, LSR=RESET)}],
    ids=["an enable", "a reset of one"],
)
def test_a_product_with_conditions_stays(other: dict[str, Any], tmp_path: Path) -> None:
    cells = {"product": multiplier(), **around(), **other}
    assert packed(tmp_path, json.loads(json.dumps(cells)), [*range(700, 736)]) == cells
