"""The counted campaign: damaged inputs of every kind, and how many were taken badly.

    python tests/fuzz/campaign.py --inputs 6000 --seed 1 --write docs/robustness.md

An input is taken well if it is refused in one clear line (status 2, at most 600 characters, none of them a control
character) or is right by chance; in bounded time and memory; and nothing is left behind.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from math import inf
from pathlib import Path
from random import Random
from time import monotonic

import click

from skipbeat_arch.files import read_text, write_text
from tests.fuzz.readers import KINDS
from tests.fuzz.trial import Outcome, Trial, attempt, in_a_process

_BEGIN, _END = "<!-- campaign -->", "<!-- end of campaign -->"
#: Bytes of address space: what asks for more fails, and that is a violation.
_MOST_BYTES = 12 << 30


@dataclass
class Tally:
    """What came of the inputs of one kind."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    violations: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome, which: str) -> str | None:
        """Count an outcome; what is wrong with it, in a line."""
        self.slowest = max(self.slowest, outcome.seconds)
        if outcome.violation is None:
            self.counts["refused" if outcome.status == 2 else "taken"] += 1
            return None
        self.counts["violations"] += 1
        self.violations.append(f"{which}: {outcome.violation}")
        return self.violations[-1]


def drawn(kind: str, seed: int, number: int) -> Trial:
    """The input of a kind with this seed and number, always the same one."""
    return KINDS[kind](Random(f"{kind} {seed} {number}"))


def run(kind: str, seed: int, number: int) -> Outcome:
    """Draw an input and try it in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return attempt(drawn(kind, seed, number), Path(folder))


def table(tallies: dict[str, Tally]) -> list[str]:
    """Rows of Markdown."""
    lines = ["| kind | inputs | refused | right by chance | violations | slowest |", "|---|---|---|---|---|---|"]
    total: Counter[str] = Counter()
    for kind, tally in tallies.items():
        total += tally.counts
        lines.append(_row(kind, tally.counts, tally.slowest))
    return [*lines, _row("**all**", total, max(tally.slowest for tally in tallies.values()))]


def _row(kind: str, counts: Counter[str], slowest: float) -> str:
    cells = [counts.total(), counts["refused"], counts["taken"], counts["violations"]]
    return f"| {kind} | {' | '.join(f'{each:,}' for each in cells)} | {slowest:.1f} s |"


@click.command()
@click.option("--inputs", default=1000, show_default=True, help="How many, spread evenly over the kinds.")
@click.option("--seconds", type=float, help="End after so long, whatever was tried.")
@click.option("--processes", default=0, show_default=True, help="So many of them in a process each as well.")
@click.option("--seed", default=0, show_default=True)
@click.option("--kind", type=click.Choice(list(KINDS)), help="This one alone.")
@click.option("--number", type=int, help="With --kind: this input alone, with what it says.")
@click.option("--write", "page", help="Put the table between the markers of this page.")
def main(
    inputs: int,
    seconds: float | None,
    processes: int,
    seed: int,
    kind: str | None,
    number: int | None,
    page: str | None,
) -> None:
    """Try damaged inputs on every reader, and print what came of them."""
    kinds = list(KINDS) if kind is None else [kind]
    if kind is not None and number is not None:
        outcome = run(kind, seed, number)
        click.echo(f"{drawn(kind, seed, number).words}\n{outcome}")
        sys.exit(outcome.violation is not None)
    if "configuration" in kinds:
        import_module("transformers")  # its seconds are not an input's
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    tallies = {each: Tally() for each in kinds}
    end = monotonic() + (inf if seconds is None else seconds)
    for count in range(-(-inputs // len(kinds))):
        for each in kinds:
            if monotonic() > end:
                break
            found = tallies[each].add(run(each, seed, count), f"--kind '{each}' --seed {seed} --number {count}")
            if found is not None:
                click.echo(found, err=True)
    for count in range(processes):
        each = kinds[count % len(kinds)]
        with tempfile.TemporaryDirectory() as folder:
            outcome = in_a_process(drawn(each, seed, count), Path(folder))
        found = tallies.setdefault("a sample of these in processes", Tally()).add(outcome, f"process: {each} {count}")
        if found is not None:
            click.echo(found, err=True)
    lines = table(tallies)
    click.echo("\n".join(lines))
    if page is not None:
        before, _, rest = read_text(page, page).partition(_BEGIN)
        write_text(page, "\n".join([f"{before}{_BEGIN}", *lines, f"{_END}{rest.partition(_END)[2]}"]))
    sys.exit(any(tally.violations for tally in tallies.values()))


if __name__ == "__main__":
    main()
