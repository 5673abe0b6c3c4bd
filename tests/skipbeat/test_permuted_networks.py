"""Channels permuted before pruning: from the command line and from Python, as it is priced and as it runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import skipbeat
from skipbeat.cli import main
from skipbeat_arch.errors import InputError
from skipbeat_reports.estimate.data import to_json
from tests.models.sources.permuting.networks import Residual, exact, images
from tests.skipbeat.command_line import complaint, json_object

MODULE = """
from tests.models.sources.permuting.networks import Residual, exact, images


def build():
    return exact(Residual()).float(), (images(1),)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder with a model `permuted_models:build` and a scheme that permutes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "permuted_models.py").write_text(MODULE)
    (tmp_path / "scheme.yaml").write_text('default: "2:4"\npermute: true\n')
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_command_reports_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    plain = json_object(capsys, "estimate", "permuted_models:build", "--prune", "2:4")
    assert plain["total"]["kept"] is None
    report = json_object(capsys, "estimate", "permuted_models:build", "--prune", "2:4", "--permute")
    of_file = json_object(capsys, "estimate", "permuted_models:build", "--prune", "scheme.yaml")
    assert report["provenance"].pop("command") != of_file["provenance"].pop("command")
    assert report == of_file
    kept = {layer["name"]: layer["kept"] for layer in report["layers"] if layer["kept"]}
    assert set(kept) == {"inner", "back", "hidden", "logits"}
    for name in ("whole", "natural", "permuted"):
        assert report["total"]["kept"][name] == pytest.approx(sum(each[name] for each in kept.values()))
    assert report["total"]["kept"]["natural"] < report["total"]["kept"]["permuted"]
    assert main(["estimate", "permuted_models:build", "--prune", "scheme.yaml", "--html", "page.html"]) == 0
    table = capsys.readouterr().out
    total = report["total"]["kept"]
    share = f"{100 * total['permuted'] / total['whole']:.2f}\u00a0%"
    assert share in table[table.index("magnitude kept") :]
    page = Path("page.html").read_text()
    assert share in page[page.index("What pruning keeps") :]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--permute: expected with --prune"),
        (("--prune", "block:0.5"), "expected a pattern N:M by magnitude, not block:0.5"),
    ],
)
def test_without_n_m_it_is_refused(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str) -> None:
    assert words in complaint(capsys, "estimate", "permuted_models:build", "--permute", *options)


def test_a_network_without_inner_channels_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "one_layer.py").write_text(
        "import torch\ndef build():\n    return torch.nn.Linear(64, 8), (torch.zeros(2, 64),)\n"
    )
    report = json_object(capsys, "estimate", "one_layer:build", "--prune", "2:4", "--permute")
    assert any("no channels were permuted" in sentence for sentence in report["assumptions"])
    assert report["total"]["kept"]["natural"] == report["total"]["kept"]["permuted"]


def test_a_pruned_copy_costs_what_the_estimate_says_and_runs() -> None:
    model, inputs = exact(Residual()).float(), images(2)
    pruned = skipbeat.prune(model, "2:4", example_inputs=inputs, permute=True)
    found = skipbeat.estimate(model, inputs[:1], "edge-8x8", prune="2:4", permute=True, name="one")
    again = skipbeat.estimate(pruned, inputs[:1], "edge-8x8", name="one")
    assert found.cycles == again.cycles
    assert [layer.pattern for layer in found.layers] == [layer.pattern for layer in again.layers]
    assert to_json(again)["total"]["kept"] is None
    run = skipbeat.simulate(pruned, inputs, "edge-8x8")
    assert run.agrees
    assert run.timing.cycles == found.cycles


def test_wrong_arguments() -> None:
    model, inputs = Residual(), images(1)
    with pytest.raises(InputError, match="permute: expected with `prune`"):
        skipbeat.estimate(model, inputs, permute=True)
    with pytest.raises(InputError, match="permute: expected with example_inputs"):
        skipbeat.prune(model, "2:4", permute=True)
    with pytest.raises(InputError, match="permute: expected the method magnitude, not random"):
        skipbeat.prune(model, "2:4", example_inputs=inputs, permute=True, method="random")
    with torch.device("meta"):
        nothing = Residual().eval()
    found = skipbeat.estimate(nothing, inputs.to("meta"), "edge-8x8", prune="2:4", permute=True)
    assert not any(layer.kept for layer in found.layers)
