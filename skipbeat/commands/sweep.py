"""`skipbeat sweep`: a study of hardware, models and schemes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import csv_option, destination, json_option

if TYPE_CHECKING:
    from skipbeat_reports.swept import StudyResult

    from ..sweeping.study_file import StudyFile

#: Rows of the front that are printed.
MOST_ROWS = 30


@click.command("sweep", short_help="A study: hardware, models and schemes, searched for the best of them.")
@click.argument("study_file", metavar="STUDY.yaml", type=Path)
@click.option(
    "--storage",
    metavar="URL",
    help="Where the study is kept, as SQLAlchemy writes databases.  [default: sqlite beside the study's file]",
)
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Cores of this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="Instead: the workers of the Dask scheduler at tcp://HOST:PORT.")
@click.option(
    "--synth", is_flag=True, help="Synthesise the hardware of the front (Yosys, ECP5) beside its modelled area."
)
@click.option("--html", "page", metavar="FILE", callback=destination, help="Write one self-contained page.")
@click.option("--parquet", metavar="FILE", callback=destination, help="Write the table of --csv as Parquet.")
@csv_option("the points")
@json_option
def command(
    study_file: Path,
    storage: str | None,
    jobs: int,
    scheduler: str | None,
    synth: bool,
    page: Path | None,
    parquet: Path | None,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Price the points of a study, and show which of them nothing else beats.

    STUDY.yaml says models, schemes (for all layers, or some), bases and keys of the hardware with constraints, the
    objectives, and how to search: grid, random, nsga2 or tpe. docs/commands.md has all keys.

    A study is kept in its storage: the same command goes on where an earlier one ended, and more trials are added by a
    larger `trials`. An interruption keeps what is priced, and writes it. A study without any price is bad input, and
    is not kept. One sweep at a time uses a storage.
    Objectives are clocks, seconds (at the clock of the hardware, which is measured or assumed), energy, lut, dsp, bram
    (of recorded syntheses, or of a model that is fitted to them), accuracy (a module:function, or a file) and kept
    (the share of the weights' magnitude).
    """
    from skipbeat_arch.errors import InputError

    from ..sweeping.study_file import read_study

    if scheduler is not None and jobs != 1:
        raise InputError("--jobs: expected without --scheduler, whose workers are those that there are")
    study = read_study(study_file)

    found, status = _searched(
        study, storage or f"sqlite:///{study_file.with_suffix('.db').absolute()}", jobs, scheduler
    )
    if synth and not status:
        from ..progress import step
        from ..sweeping.confirming import confirmed

        found = confirmed(study, found, step)
    _show(found, page, parquet, csv_file, as_json)
    return status


def _searched(study: StudyFile, storage: str, jobs: int, scheduler: str | None) -> tuple[StudyResult, int]:
    """What is known of a study when its search ends or is ended, and the exit status.

    Raises:
        InputError: no point has a price, and the storage has nothing of the study; workers that there are not.
    """
    from skipbeat_arch.errors import InputError

    from ..interruption import answered
    from ..progress import step
    from ..sweeping.searching import Search
    from ..sweeping.storage import reserved
    from ..sweeping.study_run import result_of, run_study

    status = 0
    with reserved(storage) as kept:
        search = Search(study, kept)
        try:
            run_study(study, search, jobs, scheduler)
            found = result_of(study, search)
            if not found.priced:
                reason = next((point.refused for point in found.points), "there is none")
                raise InputError(f"study {found.name}: none of its points has a price; the first: {reason}")
        except KeyboardInterrupt:
            answered()
            step(f"interrupted: {search.ended} of {search.wanted} trials are kept; the same command goes on")
            found, status = result_of(study, search), 130
        except InputError:
            search.forget_unpriced()
            raise
    return found, status


def _show(result: StudyResult, page: Path | None, parquet: Path | None, csv_file: Path | None, as_json: bool) -> None:
    from skipbeat_arch.files import write_text
    from skipbeat_reports.swept import render_study, to_body, to_rows
    from skipbeat_reports.table_file import write_parquet

    from ..progress import step
    from ..results import print_result, save_table

    rows = to_rows(result)
    save_table(csv_file, rows, result.provenance)
    if parquet is not None:
        write_parquet(parquet, rows, result.provenance)
    if page is not None:
        step(f"wrote {write_text(page, render_study(result))}")
    if as_json:
        print_result("sweep", to_body(result), result.provenance)
    else:
        _print(result)


def _print(result: StudyResult) -> None:
    """The front of each model."""
    from skipbeat_reports.console import make_console, print_table
    from skipbeat_reports.numbers import printable
    from skipbeat_reports.swept import area_note

    console = make_console(None)
    points = result.priced
    refused = len(result.points) - len(points)
    console.print(f"{printable(result.name)}: {len(points):,} points priced, {refused:,} refused", soft_wrap=True)
    best = [point for point, on in zip(points, result.on_front, strict=True) if on]
    names = [name for name in dict.fromkeys(n for p in points for n in p.choice) if _varies(result, name)]
    known = best[0].facts if best else {}
    confirmed = [fact for name in result.objectives if (fact := f"{name}_synthesised") in known]
    rows = [
        [
            *(printable(str(point.choice[name])) for name in names),
            *map(_number, (*point.values, *(point.facts[name] for name in confirmed))),
        ]
        for point in best[:MOST_ROWS]
    ]
    print_table(console, [*names, *result.objectives, *confirmed], rows, texts=range(len(names)))
    more = f"; {len(best) - MOST_ROWS} more are in the table of --csv" if len(best) > MOST_ROWS else ""
    console.print(f"{len(best):,} on the front: nothing of the same model beats them{more}", soft_wrap=True)
    if (area := area_note(result)) is not None:
        console.print(area, soft_wrap=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.5g}"


def _varies(result: StudyResult, name: str) -> bool:
    return len({str(point.choice.get(name)) for point in result.priced}) > 1 or name in ("model", "scheme")
