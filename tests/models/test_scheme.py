"""Schemes: which layer gets which pattern, and files that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_models.scheme import Scheme

FILE = """
default: "2:4"
layers:
  "layer1.*": {n: 1, m: 4}
  layer1.fc: dense
  stem: "unstructured:0.5"
  dw1: 1:4x
"""


def write(folder: Path, text: str) -> str:
    path = folder / "scheme.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("text", ["2:4", "unstructured:0.5", "block:0.25"])
def test_one_pattern_leaves_the_first_convolution_and_depthwise_ones(text: str) -> None:
    scheme = Scheme.parse(text)
    pattern = Pattern.parse(text)
    for kind in LayerKind:
        assert scheme.pattern("x", kind, first=False) == (None if kind == LayerKind.DEPTHWISE else pattern)
    assert scheme.pattern("x", LayerKind.CONVOLUTION, first=True) is None
    assert scheme.pattern("x", LayerKind.LINEAR, first=True) == pattern
    assert scheme.unused(["x"]) == ()


def test_dense_leaves_all_as_it_is() -> None:
    assert all(Scheme.parse("dense").pattern("x", kind, first=False) is None for kind in LayerKind)


def test_the_last_glob_that_matches_counts(tmp_path: Path) -> None:
    scheme = Scheme.parse(write(tmp_path, FILE.replace("1:4x", "'1:4'")))
    assert scheme.pattern("layer1.conv", LayerKind.CONVOLUTION, first=False) == Pattern.parse("1:4")
    assert scheme.pattern("layer1.fc", LayerKind.LINEAR, first=False) is None
    assert scheme.pattern("stem", LayerKind.CONVOLUTION, first=True) == Pattern.parse("unstructured:0.5")
    assert scheme.pattern("dw1", LayerKind.DEPTHWISE, first=False) == Pattern.parse("1:4")
    assert scheme.pattern("layer2", LayerKind.LINEAR, first=False) == Pattern.parse("2:4")
    assert scheme.method == "magnitude"


def test_globs_that_match_nothing_are_named(tmp_path: Path) -> None:
    scheme = Scheme.parse(write(tmp_path, FILE.replace("1:4x", "dense")))
    assert scheme.unused(["layer1.fc", "stem"]) == ("dw1",)
    scheme.check(["layer1.fc", "stem", "dw1"])
    with pytest.raises(InputError, match=r"no layer is called 'dw1'; expected a glob of layer1.fc, stem"):
        scheme.check(["layer1.fc", "stem"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default: 2:400", r"default: pattern 2:400: M must be in 2\.\.128, not 400"),
        ("default: 124", "default: pattern 124: expected"),
        ("layers: {a: 5:4x}", r"layers\.a: pattern '5:4x'"),
        ("layers: {a: {n: 5, m: 4}}", r"layers\.a: pattern 5:4: N must be in 1..4"),
        ("layers: [a]", "layers: input should be a valid dictionary"),
        ("method: guess", "method: input should be 'magnitude'"),
        ("permute: 1", "permute: input should be a valid boolean"),
        ("defaults: dense", "defaults: unknown key"),
        ("layers: {a: dense, a: dense}", "the key a stands twice"),
        ("- 1", "expected a mapping of keys"),
        ("a: [", "not valid YAML"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^scheme .*scheme.yaml: .*{message}"):
        Scheme.parse(write(tmp_path, text))


def test_a_scheme_that_permutes(tmp_path: Path) -> None:
    scheme = Scheme.parse(write(tmp_path, "default: '2:4'\npermute: true\n"))
    assert scheme == Scheme.parse("2:4").permuted()
    assert (scheme.permute, str(scheme)) == (True, "2:4, channels permuted")
    for text in ("default: '2:4'\nmethod: wanda\npermute: true", "default: dense\npermute: true"):
        with pytest.raises(InputError, match="expected a pattern N:M by magnitude"):
            Scheme.parse(write(tmp_path, text))


def test_wrong_texts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.yaml: cannot be read: No such file"):
        Scheme.parse(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(InputError, match="pattern '2/4': expected dense, N:M"):
        Scheme.parse("2/4")
