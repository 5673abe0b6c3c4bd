"""`skipbeat cache`: what was computed once and is kept."""

from __future__ import annotations

import click

from ..options import json_option


@click.command("cache", short_help="Show or empty what is kept of earlier work.")
@click.option("--clear", "clearing", is_flag=True, help="Remove all of it; it is made again when it is needed.")
@json_option
def command(clearing: bool, as_json: bool) -> None:
    """Show where compiled RTL, netlists, proofs, models and prices are kept, and how much they take.

    The folder is `skipbeat` in the user's cache folder, or where the environment variable SKIPBEAT_CACHE says. What is
    in it belongs to exactly one content and version of the code, is checked when it is read, and goes when there is too
    much of it. With --json, the object has `folder`, `bytes`, `most_bytes` and `kinds`: a list of `kind`, `entries` and
    `bytes`; and `removed_bytes`, null without --clear.
    """
    from skipbeat_arch.cache import cache_root, clear, contents
    from skipbeat_arch.cache.trimming import MOST_BYTES

    from ..results import print_result, provenance

    removed = clear() if clearing else None
    kinds, root = contents(), cache_root()
    total = sum(each.bytes for each in kinds)
    if as_json:
        found = {
            "folder": str(root),
            "bytes": total,
            "most_bytes": MOST_BYTES,
            "kinds": [{"kind": each.kind, "entries": each.entries, "bytes": each.bytes} for each in kinds],
        }
        print_result("cache", {**found, "removed_bytes": removed}, provenance())
        return
    if removed is not None:
        click.echo(f"removed {removed / 1e6:,.1f} MB from {root}")
        return
    from skipbeat_reports.console import make_console, print_table

    lines = [(each.kind, f"{each.entries:,}", f"{each.bytes / 1e6:,.1f}") for each in kinds]
    lines.append(("all", f"{sum(each.entries for each in kinds):,}", f"{total / 1e6:,.1f}"))
    print_table(make_console(None), ("kind", "entries", "MB"), lines)
    click.echo(f"in {root}, which may have {MOST_BYTES / 1e6:,.0f} MB")
