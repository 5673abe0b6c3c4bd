"""Tables against the publications that they are from, and the rules for widths and sizes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_sim.energy.load_table import DEFAULT_TABLE, load_table, table_names

HEAD = "name: mine\ntechnology: 7 nm\nunit: pJ\nsource: a thesis\n"


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_shipped_tables_say_where_each_figure_is_from() -> None:
    assert table_names() == ["accelergy-40nm", "horowitz-45nm", "hwcomponents-40nm", "sparseloop-45nm"]
    assert DEFAULT_TABLE in table_names()
    for name in table_names():
        table = load_table(name)
        assert table.name == name
        figures = [*table.multiply, *table.add, *table.sram]
        figures += [f for f in (table.mac, table.register_, table.multiplexer, table.dram) if f]
        assert figures
        for figure in figures:
            assert (figure.unit, figure.technology) == ("pJ", table.technology)
            assert "20" in figure.source


def test_horowitz_figures_come_out_as_they_are_printed() -> None:
    table = load_table("horowitz-45nm")
    assert table.mac_energy(8, 32) == pytest.approx(0.2 + 0.1)
    assert table.multiply_energy(32) == 3.1
    assert table.add_energy(8) == 0.03
    assert [table.sram_energy(kib, 64) for kib in (8, 32, 1024)] == pytest.approx([10, 20, 100])
    assert table.sram_energy(16, 64) == pytest.approx(200**0.5)  # the middle of 8 and 32, both logarithmic
    assert table.dram_energy(64) == (1300 + 2600) / 2
    assert table.register_energy(8) is None
    assert table.multiplexer_energy(4, 8) is None


def test_sparseloop_energies_of_its_published_run() -> None:
    """`M128-K1152-N1024-IAD0.44-WD0.25/STC_flexible-RF2x-24-bandwidth`: its counts and the pJ that it prints."""
    table = load_table("sparseloop-45nm")
    mac, read, write = table.mac_energy(8, 32), table.sram_energy(256, 8), table.sram_energy(256, 8, write=True)
    assert mac is not None
    assert read is not None
    assert write is not None
    assert 37_748_736 * mac == pytest.approx(21_169_491.15)
    assert 2_359_296 * read + 1_179_648 * write == pytest.approx(16_374_928.34)


def test_widths_scale_as_accelergy_scales_them() -> None:
    """Accelergy made Sparseloop's int8 MAC from these 32-bit rows: a quarter of the adder, a 16th of the product."""
    logic, published = load_table("accelergy-40nm"), load_table("sparseloop-45nm").mac
    assert published is not None
    assert logic.mac_energy(8, 8) == pytest.approx(published.energy, abs=1e-4)


@given(st.lists(st.floats(0.01, 1e5), min_size=2, max_size=8), st.sampled_from(("horowitz-45nm", "sparseloop-45nm")))
def test_a_larger_memory_is_never_cheaper(sizes: list[float], name: str) -> None:
    table = load_table(name)
    energies = [table.sram_energy(kib, 64) or 0.0 for kib in sorted(sizes)]
    assert all(low <= high * (1 + 1e-12) for low, high in itertools.pairwise(energies))
    assert energies[0] > 0


def test_beyond_the_sizes_of_a_table() -> None:
    table = load_table("horowitz-45nm")
    assert table.sram_energy(0.5, 64) == table.sram_energy(8, 64)
    assert table.sram_energy(32 * 1024, 64) == pytest.approx(500)  # 32 times 1 MiB, as 1 MiB is 32 times 32 KiB


def test_one_size_serves_all(tmp_path: Path) -> None:
    table = load_table(written(tmp_path, HEAD + "sram: [{kib: 4, bits: 32, energy: 2, write: 0}]\n"))
    assert table.sram_energy(100, 16) == 1
    assert table.sram_energy(1, 16, write=True) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1\n", "expected a mapping of keys, found list"),
        ("a: [\n", "not valid YAML: line 2: "),
        ("name: x\n", "technology: missing"),
        (HEAD + "adders: []\n", "adders: unknown key"),
        (HEAD + "add: [{bits: 8}]\n", "add.0.energy: missing"),
        (HEAD + "add: [{bits: 8, energy: -1}]\n", "add.0.energy: input should be greater than or equal to 0"),
        (HEAD + "add: [{bits: 8, energy: .nan}]\n", "not valid YAML: line 5: .nan is not a finite number"),
        (HEAD + "add: [{bits: 8, energy: 1, unit: nJ}]\n", "add.0.unit: input should be 'pJ'"),
        (HEAD + "add: [{bits: 8, energy: 1, technology: 45 nm}]\n", "a figure of 45 nm in a table of 7 nm"),
        (HEAD + "sram: [{kib: 8, bits: 8, energy: 1}, {kib: 8, bits: 16, energy: 2}]\n", "two figures of one size"),
        (HEAD + "add: 3\n", "add: input should be a valid tuple"),
    ],
)
def test_a_bad_table_gets_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert str(caught.value).startswith(f"energy table {path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such table; expected one of accelergy-40nm, .* or a \.yaml file"):
        load_table("horowitz")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_table(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read: not a text file"):
        load_table(tmp_path / "bytes.yaml")
