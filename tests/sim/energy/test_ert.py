"""Accelergy's energy reference tables, in the forms that versions 0.3 and 0.4 write."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_sim.energy.load_table import load_table

ERT = """
ERT:
  version: 0.4
  tables:
  - name: system_top_level.DRAM[1..1]
    actions:
    - name: read
      arguments: {global_cycle_seconds: 1e-09}
      energy: 512.0
    - {name: leak, arguments: {}, energy: 0.0}
  - name: system_top_level.SM.SMEM[1..1]
    actions:
    - {name: read, arguments: {}, energy: 199.4}
    - {name: write, arguments: {}, energy: 191.3}
    - {name: update, arguments: {address: 0}, energy: 1}
    - {name: update, arguments: {address: 1}, energy: 2}
  - name: system.PE[0..255].MAC
    actions:
    - {name: mac_random, arguments: null, energy: 0.56}
    - {name: mac_gated, arguments: null, energy: 0.018}
  - name: system.A.RF
    actions: [{name: read, energy: 1}]
  - name: system.B.RF
    actions: [{name: read, energy: 1}]
"""
HEAD = "name: mine\ntechnology: 45 nm\nunit: pJ\nsource: Accelergy 0.4\n"
MAPPING = (
    HEAD
    + """
mac: {bits: 8, energy: MAC.mac_random, gated: "system.PE[0..255].MAC.mac_gated"}
sram: [{kib: 256, bits: 512, energy: SMEM.read, write: SMEM.write}]
dram: {bits: 64, energy: DRAM.read}
"""
)


def test_a_mapping_in_the_same_file_or_beside_it(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(MAPPING + ERT)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "ERT.yaml").write_text(ERT)
    (tmp_path / "two.yaml").write_text(MAPPING + "ert: made/ERT.yaml\n")
    table = load_table(tmp_path / "one.yaml")
    assert table == load_table(tmp_path / "two.yaml")
    assert table.mac_energy(8, 32) == 0.56
    assert table.idle_energy(32) == 0.018
    assert table.sram_energy(256, 512) == 199.4
    assert table.sram_energy(256, 512, write=True) == 191.3
    assert table.dram_energy(1) == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ERT, "an energy reference table needs a mapping to the sections mac, "),
        (HEAD + "dram: {bits: 64, energy: HBM.read}" + ERT, "no component HBM; it has DRAM, MAC, RF, SMEM"),
        (HEAD + "dram: {bits: 64, energy: DRAM.fetch}" + ERT, "has no action fetch; it has read, leak"),
        (HEAD + "dram: {bits: 64, energy: RF.read}" + ERT, "expected one component RF, found system.A.RF, system.B.RF"),
        (HEAD + "dram: {bits: 64, energy: SMEM.update}" + ERT, "the energy depends on arguments"),
        (HEAD + "dram: {bits: 64, energy: read}" + ERT, "read: expected COMPONENT.ACTION, as in SMEM.read"),
        (HEAD + "ERT: {tables: 3}\n", "expected ERT: tables: a list"),
        (HEAD + "ERT: {tables: [{name: x, actions: [{name: read}]}]}\n", "ERT: tables[0]: expected a name and actions"),
        (HEAD + "ert: gone.yaml\n", "gone.yaml: cannot be read: No such file"),
        (HEAD + "dram: {bits: 64, energy: DRAM.read}\n", "dram.energy: input should be a valid number"),
    ],
)
def test_a_bad_reference_gets_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
