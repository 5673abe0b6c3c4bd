"""Names of code in a text, and whether the tree has them. Sources are read, not imported: torch stays out of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel

import skipbeat
from skipbeat_arch.hardware import Hardware

ROOT = Path(__file__).parents[2]
#: Where a part's package lies.
PARTS = {"skipbeat": ROOT} | {
    f"skipbeat_{part}": ROOT / part for part in ("arch", "hw", "mapper", "models", "reports", "sim", "verify")
}
#: Files of the reader, in examples, of other tools, and written by ours; a variable of PyTorch.
OTHERS = {
    *("mine.py", "network.py", "scalesim/compute/systolic_compute_ws.py"),
    *("accelerator.rdl", "skipbeat.h", "layers.csv"),
    "TORCHINDUCTOR_CACHE_DIR",
}
QUOTED = re.compile(r"`([\w/]+(?:\.\w+)*)(?:\([^`]*\))?`")


def unknown_names(text: str) -> list[str]:
    """Names in backticks that look like code of ours and are not in the tree."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [name for name in QUOTED.findall(prose) if not _is_known(name)]


def _is_known(name: str) -> bool:
    first, *rest = name.split(".")
    if name in OTHERS:
        return True
    if first in PARTS:
        return not rest or _resolves(first, rest)
    if name.endswith(".py"):
        return "NAME" in name or any(f"/{path}".endswith(f"/{name}") for path in _paths())
    if "/" in name:
        return True  # a path, which another test looks up
    if not rest:
        return not _is_of_code(name) or name in _identifiers()
    if len(rest) > 1:
        return True
    return _is_member(first, rest[0])


def _is_of_code(name: str) -> bool:
    """Constants of four letters and more, and classes of two words: what a sentence would not have otherwise."""
    return bool(re.fullmatch(r"[A-Z][A-Z0-9_]{3,}|(?:[A-Z][a-z]+){2,}", name))


def _is_member(owner: str, name: str) -> bool:
    """`Class.name` and `module.name`; others, such as a port's field, are not ours to know."""
    if owner in _classes():
        return name in _classes()[owner]
    modules = [path for path in _paths() if path.endswith(f"/{owner}.py")]
    if not modules or name in ("v", "md", "yaml", "svg", "json", "pt2", "xdc", "sdc"):
        return True
    return name in _keys(owner) or any(name in _names(ROOT / path) for path in modules)


def _keys(section: str) -> set[str]:
    """Keys of a section of the hardware description."""
    field = Hardware.model_fields.get(section)
    kind = None if field is None else field.annotation
    return set(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else set()


def _resolves(part: str, rest: list[str]) -> bool:
    """`skipbeat_part.package.module.Class.member`."""
    if part == "skipbeat" and rest[0] in skipbeat.__all__:
        return True
    at = PARTS[part] / part
    while rest and (at / rest[0]).is_dir():
        at /= rest.pop(0)
    if rest and (at / f"{rest[0]}.py").exists():
        at = at / f"{rest.pop(0)}.py"
    else:
        at /= "__init__.py"
    if not rest:
        return True
    return rest[0] in _names(at) and (len(rest) == 1 or rest[1] in _classes().get(rest[0], set()))


@cache
def _paths() -> tuple[str, ...]:
    folders = ("arch", "benchmarks", "docs", "hw", "mapper", "models", "reports", "sim", "skipbeat", "tests", "verify")
    return tuple(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _identifiers() -> frozenset[str]:
    """All words of the sources; this folder's tests are about words that there are not."""
    sources = [ROOT / path for path in _paths() if not path.startswith("tests/skipbeat/")]
    return frozenset(name for path in sources for name in re.findall(r"\w+", path.read_text()))


@cache
def _names(path: Path) -> frozenset[str]:
    return frozenset(_bound(_tree(path).body))


@cache
def _classes() -> dict[str, set[str]]:
    """Names in the body of each class and of its bases; classes of the same name are taken together."""
    own: dict[str, set[str]] = {}
    bases: dict[str, set[str]] = {}
    for path in _paths():
        for node in ast.walk(_tree(ROOT / path)):
            if isinstance(node, ast.ClassDef):
                own.setdefault(node.name, set()).update(_bound(node.body))
                bases.setdefault(node.name, set()).update(base.id for base in node.bases if isinstance(base, ast.Name))
    for name in own:
        above = list(bases[name])
        for base in above:
            own[name] |= own.get(base, set())
            above += [further for further in bases.get(base, ()) if further not in above]
    return own


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements define or import, and attributes that methods set."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
            if isinstance(node, ast.FunctionDef):
                yield from _own_attributes(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.If | ast.Try):
            yield from _bound(node.body)


def _own_attributes(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield node.attr
