"""What was read is kept under all that it follows from, and nothing is kept of what cannot be looked at."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipbeat_arch.model import ModelDescription
from skipbeat_arch.pattern import Pattern
from skipbeat_models import kept_descriptions
from skipbeat_models.kept_descriptions import KeptDescription
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.data_rules import DataRules
from skipbeat_models.sources.layers.routing import Routing
from skipbeat_models.sources.load import read_source
from skipbeat_models.sources.source_arguments import SourceArguments

pytestmark = pytest.mark.usefixtures("empty_cache")

ZOO = SourceArguments(source="zoo:llama-tiny", scheme=Scheme.of("2:4"))


def known(arguments: SourceArguments) -> bool:
    return KeptDescription(arguments).find() is not None


def keep(arguments: SourceArguments) -> ModelDescription:
    place, description = KeptDescription(arguments), read_source(arguments)
    assert place.find() is None
    place.keep(description)
    return description


def test_other_arguments_and_other_code_have_other_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(ZOO)
    assert known(ZOO)
    others: list[SourceArguments] = [
        replace(ZOO, source="zoo:vit-tiny"),
        replace(ZOO, scheme=None),
        replace(ZOO, scheme=Scheme.of("1:4")),
        replace(ZOO, seed=1),
        replace(ZOO, tokens=8),
        replace(ZOO, batch=2),
        replace(ZOO, stated=Pattern.parse("2:4")),
        replace(ZOO, rules=DataRules(routing=Routing(name="file", everywhere=(1.0, 2.0)))),
        replace(ZOO, rules=DataRules(routing=Routing(layers={"a": (1.0,)}))),
        replace(ZOO, rules=DataRules.read("uniform", "causal")),
        replace(ZOO, rules=DataRules.read("uniform", "causal,window=4")),
        replace(ZOO, sizes={"x": (1, 2)}),
    ]
    assert not any(map(known, others))
    for name in ("version", "source_fingerprint"):
        with monkeypatch.context() as patch:
            patch.setattr(kept_descriptions, name, lambda *packages: "another")
            assert not known(ZOO)
        assert known(ZOO)


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    def save(scale: float) -> None:
        program = torch.export.export(nn.Sequential(nn.Linear(8, 4, bias=False)), (torch.ones(2, 8) * scale,))
        program.state_dict["0.weight"].data.fill_(scale)
        torch.export.save(program, tmp_path / "model.pt2")

    arguments = SourceArguments(source=str(tmp_path / "model.pt2"))
    save(1)
    keep(arguments)
    os.utime(tmp_path / "model.pt2", (1, 1))
    assert known(arguments)
    save(2)
    assert not known(arguments)


def test_a_folder_is_known_by_its_weights_and_configurations(tmp_path: Path) -> None:
    save_file({"model.layers.0.mlp.up_proj.weight": torch.ones(8, 8)}, tmp_path / "model.safetensors")
    for arguments in (
        SourceArguments(source=str(tmp_path), tokens=4),
        SourceArguments(source=str(tmp_path / "model.safetensors"), tokens=4),
    ):
        keep(arguments)
        assert known(arguments)
        (tmp_path / "config.json").write_text("{}")
        assert not known(arguments)
        (tmp_path / "config.json").unlink()


def test_what_changes_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    save_file({"a.weight": torch.ones(8, 8)}, tmp_path / "a.safetensors")
    arguments = SourceArguments(source=str(tmp_path / "a.safetensors"), tokens=4)
    place, description = KeptDescription(arguments), read_source(arguments)
    save_file({"a.weight": torch.zeros(8, 8)}, tmp_path / "a.safetensors")
    place.keep(description)
    assert not known(arguments)
    assert place.find() is None


def test_code_of_the_user_and_what_is_large_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    description = read_source(ZOO)
    (tmp_path / "a.onnx").write_bytes(b"... location ...")
    for arguments in (
        SourceArguments(source="mine:build"),
        SourceArguments(source=str(tmp_path / "a.onnx")),
        SourceArguments(source=str(tmp_path / "nothing.pt2")),
        SourceArguments(source=str(tmp_path)),
        replace(ZOO, checkpoint=tmp_path),
    ):
        KeptDescription(arguments).keep(description)
        assert not known(arguments)
    monkeypatch.setattr(kept_descriptions, "_MOST_KEPT_BYTES", 10)
    KeptDescription(ZOO).keep(description)
    assert not known(ZOO)
