"""`make coverage`: which nets of the RTL the regression has changed, and which lines of its Verilog it has reached.

    SKIPBEAT_COVERAGE=FOLDER python -m pytest tests/hw tests/sim/machine
    python tests/coverage/coverage_report.py FOLDER --write docs/coverage.md

With the variable every model that Verilator makes writes its coverage. What several runs, designs and parameters have
of one component is one: a bit counts if it rose and fell in any of them.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[2]))

from skipbeat_arch.files import read_text, write_text
from tests.coverage.unreachable import why_unreachable

_BEGIN, _END = "<!-- coverage -->", "<!-- end of coverage -->"
_RECORD = re.compile(r"^C '(?P<fields>.*)' (?P<count>\d+)$")
_ESCAPE = re.compile(r"__0([0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"\$\d+")
#: A file of coverage may have so many bytes.
_MOST_BYTES = 1 << 30

#: Components that stand alone in a regression or inside others; and what some are called there.
COMPONENTS = frozenset(
    [
        "accelerator",
        "accumulators",
        "aligner",
        "array",
        "base",
        "core",
        "counters",
        "decoder",
        "dense_decoder",
        "dispatcher",
        "draws",
        "execute",
        "fetch",
        "fetcher",
        "load",
        "loader",
        "memories",
        "output",
        "pack",
        "pe",
        "peak",
        "placer",
        "reader",
        "results",
        "rounding",
        "select",
        "select_lanes",
        "sequencer",
        "skew",
        "slots",
        "store",
        "tokens",
        "turn",
        "unpacker",
        "update",
        "watchdog",
        "weight_reader",
        "wide_port",
        "writer",
    ]
)
_ALIASES = {
    "store_engine": "store",
    "load_engine": "load",
    "execute_engine": "execute",
    "output_stage": "output",
    "skipbeat_pe": "pe",
    "skipbeat_accumulator": "accumulators",
}


@dataclass
class Reached:
    """Of one component: how often each bit rose and fell, by its name, and how often each line was reached."""

    bits: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    lines: Counter[str] = field(default_factory=Counter)

    @property
    def unreached(self) -> list[str]:
        """Bits that did not both rise and fall."""
        return [name for name, counts in self.bits.items() if not all(counts)]


def component_of(module: str) -> str:
    """Where a module of the Verilog belongs: a component, and what stands in it, whatever that stands in."""
    parts = [_ALIASES.get(part, part) for part in module.split(".")]
    known = [index for index, part in enumerate(parts) if part in COMPONENTS]
    return ".".join(parts[known[-1] if known else 0 :])


def read_coverage(text: str, design: str, found: dict[str, Reached]) -> None:
    """Add what one model has reached; nets that only Yosys has named are left out.

    Args:
        design: the key of the build: of lines nothing else tells which are the same.
    """
    for record in text.splitlines():
        if (match := _RECORD.match(record)) is None:
            continue
        fields = dict(part.partition("\x02")[::2] for part in match["fields"].split("\x01")[1:])
        kind, _, module = fields["page"].partition("/")
        name, count = _plain(fields["o"]), int(match["count"])
        reached = found.setdefault(component_of(module), Reached())
        if kind != "v_toggle":
            reached.lines[f"{design} {module}:{fields['l']} {fields['o']}"] += count
        elif name != "$":
            bit, _, edge = name.rpartition(":")
            reached.bits[bit][edge == "1->0"] += count


def _plain(name: str) -> str:
    """A net's name as the source has it, without the numbers that tell nets of one name apart; `$` if it has none."""
    decoded = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name)
    return "$" if decoded.startswith("$") else _NUMBER.sub("", decoded)


def table(found: dict[str, Reached]) -> list[str]:
    """Rows of Markdown, one for each component, with what is in it."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for module, reached in found.items():
        row = rows[module.split(".")[0]]
        unreached = reached.unreached
        cannot = sum(why_unreachable(module, bit) is not None for bit in unreached)
        row.update(bits=len(reached.bits), cannot=cannot, changed=len(reached.bits) - len(unreached))
        row.update(lines=len(reached.lines), reached=sum(count > 0 for count in reached.lines.values()))
    lines = ["| component | bits | cannot change | changed | of those that can | lines and branches | reached |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name in sorted(rows):
        lines.append(_row(name, rows[name]))
    return [*lines, _row("**all**", sum(rows.values(), Counter()))]


def _row(name: str, row: Counter[str]) -> str:
    can = row["bits"] - row["cannot"]
    counts = [f"{row[key]:,}" for key in ("bits", "cannot", "changed")]
    cells = [*counts, _share(row["changed"], can), f"{row['lines']:,}", _share(row["reached"], row["lines"])]
    return f"| {name} | {' | '.join(cells)} |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def unreached(found: dict[str, Reached]) -> Iterator[str]:
    """Lines of Markdown: of each component the nets that have such bits, with why, or that nobody knows."""
    for module in sorted(found):
        nets: dict[tuple[str, str], list[int]] = defaultdict(list)
        for bit in found[module].unreached:
            name, index = _split(bit)
            nets[name, why_unreachable(module, bit) or "open"].append(index)
        for (name, reason), bits in nets.items():
            yield f"| {module} | {name} | {_ranges(bits)} | {reason} |"


def _split(bit: str) -> tuple[str, int]:
    """A net and the number of its bit; names of fields may have brackets themselves."""
    match = re.search(r"\[(\d+)\]$", bit)
    return (bit, 0) if match is None else (bit[: match.start()], int(match[1]))


def _ranges(bits: Iterable[int]) -> str:
    """`0, 3 to 7`."""
    runs: list[list[int]] = []
    for bit in sorted(set(bits)):
        if runs and bit == runs[-1][1] + 1:
            runs[-1][1] = bit
        else:
            runs.append([bit, bit])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in runs)


def collected(folder: Path) -> dict[str, Reached]:
    """All that was written into a folder."""
    found: dict[str, Reached] = {}
    for path in sorted(folder.glob("*.dat")):
        read_coverage(read_text(path, str(path), _MOST_BYTES), path.name.split("-")[0], found)
    return found


@click.command(help="What the models that wrote into FOLDER have reached of the RTL.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", "page", help="Put the tables between the markers of this page.")
@click.option("--least", type=click.FloatRange(0, 1), default=0.0, help="Fail where less of the bits has changed.")
def main(folder: Path, page: str | None, least: float) -> None:
    found = collected(folder)
    lines = [*table(found), "", "| module | net | bits | why they do not change |", "|---|---|---|---|"]
    lines += unreached(found)
    click.echo("\n".join(lines))
    if page is not None:
        before, _, rest = read_text(page, page).partition(_BEGIN)
        write_text(page, "\n".join([f"{before}{_BEGIN}", *lines, f"{_END}{rest.partition(_END)[2]}"]))
    bits = sum(len(reached.bits) for reached in found.values())
    open_bits = sum(why_unreachable(m, bit) is None for m, reached in found.items() for bit in reached.unreached)
    if not bits or 1 - open_bits / bits < least:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
