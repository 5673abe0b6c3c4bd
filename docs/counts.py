"""Writes docs/counts.md: what is priced of many models, beside the products that PyTorch's own counter sees.

.venv/bin/python docs/counts.py               every row anew
.venv/bin/python docs/counts.py --part 2/8    an eighth of them; other rows stay as docs/counts.json has them
.venv/bin/python docs/counts.py --part 0/1    none: the page alone
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from tests.models.sources.architectures import ARCHITECTURES
from tests.models.sources.counts import Counts, count_architecture, count_module
from tests.skipbeat.ordinary_branches import NETWORKS

HERE = Path(__file__).parent
KEPT, PAGE = HERE / "counts.json", HERE / "counts.md"
HEAD = """# Products of many models, counted twice

Multiply-accumulates that `skipbeat estimate` prices, beside those that PyTorch's `FlopCounterMode` sees when the model
runs: {architectures} architectures of transformers as small folders (prefill of {tokens} tokens, and decode of one),
and {families} convolutional families of [ordinary networks](../tests/skipbeat/ordinary_networks.py).
`python docs/counts.py` writes this page; with `--part 1/8` it counts an eighth of the rows anew.

| verdict | rows |
|---|---|
"""
TABLE = """
| model | phase | priced | counted | verdict | named as unpriced |
|---|---|---|---|---|---|
"""

#: A row as the file has it.
Row = dict[str, Any]


def convolutional() -> dict[str, Callable[[], tuple[nn.Module, Any]]]:
    """The ordinary networks that have a convolution."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)
    return {
        name: build
        for name, build in sorted(NETWORKS.items())
        if any(isinstance(module, kinds) for module in build()[0].modules())
    }


def counted(name: str, families: Mapping[str, Callable[[], tuple[nn.Module, Any]]]) -> dict[str, Row]:
    """The rows of a model by their phases."""
    try:
        if name in families:
            torch.manual_seed(0)
            found = {"": count_module(*families[name](), name)}
        else:
            with tempfile.TemporaryDirectory() as folder:
                found = count_architecture(name, Path(folder))
    except InputError as error:
        return {"": {"refused": str(error)}}
    return {phase: _row(counts) for phase, counts in found.items()}


def _row(counts: Counts) -> Row:
    return dataclasses.asdict(counts) | {"verdict": counts.verdict}


def page(kept: Mapping[str, Mapping[str, Row]]) -> str:
    """The page of all rows."""
    rows = [(name, phase, row) for name, phases in kept.items() for phase, row in phases.items()]
    verdicts = Counter(row.get("verdict", "refused") for *_, row in rows)
    architectures = sum(name in ARCHITECTURES for name in kept)
    head = HEAD.format(architectures=architectures, families=len(kept) - architectures, tokens=16)
    lines = [f"| {verdict} | {count} |" for verdict, count in sorted(verdicts.items())]
    return head + "\n".join(lines) + "\n" + TABLE + "\n".join(_line(*row) for row in rows) + "\n"


def _line(name: str, phase: str, row: Row) -> str:
    if "refused" in row:
        return f"| {name} | {phase} | | | refused | {row['refused']} |"
    unpriced = ", ".join(row["unpriced"])
    return f"| {name} | {phase} | {row['priced']:,} | {row['counted']:,} | {row['verdict']} | {unpriced} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Counts a part of the rows, and writes the page of all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--part", default="1/1", help="which part, of how many")
    part, parts = map(int, parser.parse_args(arguments).part.split("/"))
    families = convolutional()
    names = [*ARCHITECTURES, *families]
    kept: dict[str, dict[str, Row]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in names[part - 1 :: parts] if part else ():
        sys.stderr.write(f"{name}\n")
        kept[name] = counted(name, families)
    kept = {name: kept[name] for name in names if name in kept}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    PAGE.write_text(page(kept))


if __name__ == "__main__":
    main()
