"""Archives of networks that machine and host run together: what was written runs, and nothing else does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
import torch
from torch import nn

import skipbeat
from skipbeat.cli import main
from skipbeat.network_file import compile_mixed, load_manifest, load_network, save_network
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_models.mixed_listing import HostStep
from skipbeat_models.networks.seeded import seeded
from skipbeat_models.prepared import PreparedMixed
from skipbeat_models.quantise_mixed import quantise_mixed
from skipbeat_models.scheme import Scheme
from skipbeat_verify.machine_simulation import predicted
from skipbeat_verify.mixed_simulation import MixedSimulation
from tests.skipbeat.command_line import complaint

Members = dict[str, bytes]


class Decoder(nn.Module):
    """A block as GPT-2 has it, with a causal mask and a switch that is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.norm, self.qkv = nn.Embedding(20, 16), nn.LayerNorm(16), nn.Linear(16, 48)
        self.out, self.up, self.down = nn.Linear(16, 16), nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, tokens: torch.Tensor, twice: bool = False, bias: torch.Tensor | None = None) -> torch.Tensor:
        x = self.words(tokens)
        query, key, value = (part.unflatten(-1, (2, 8)).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, -1))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        result: torch.Tensor = x + self.down(nn.functional.gelu(self.up(x)))
        return 2 * result if twice else result


@pytest.fixture(scope="module")
def prepared() -> PreparedMixed:
    torch.manual_seed(0)
    quantised = quantise_mixed(Decoder().eval(), (torch.arange(7)[None], True), {"bias": None})
    inputs = (quantised.inputs, (torch.arange(7, 14)[None], *quantised.inputs[1:]))
    return PreparedMixed(source="mine:build", scheme=Scheme.of("dense"), quantised=quantised, inputs=inputs)


@pytest.fixture(scope="module")
def archive(prepared: PreparedMixed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "mine.zip"
    size = save_network(compile_mixed(prepared, load_hardware("tiny-4x4"), "dense"), path)
    assert size == path.stat().st_size
    return path


def test_steps_of_a_recurrent_layer_are_one_program_of_the_archive(tmp_path: Path) -> None:
    with seeded(0):
        quantised = quantise_mixed(nn.GRU(4, 4).eval(), (torch.randn(3, 1, 4),))
    prepared = PreparedMixed(
        source="mine:build", scheme=Scheme.of("dense"), quantised=quantised, inputs=(quantised.inputs,)
    )
    save_network(compile_mixed(prepared, load_hardware("tiny-4x4"), "dense"), tmp_path / "gru.zip")
    found = skipbeat.load_network(tmp_path / "gru.zip")
    assert [step.name for step in found.network.steps] == ["weight_ih_l0", *["weight_hh_l0"] * 3]
    assert found.programs.keys() == {"weight_ih_l0", "weight_hh_l0"}
    np.testing.assert_array_equal(found.run(), found.result)


def test_what_was_written_runs_to_the_same_logits_and_clocks(prepared: PreparedMixed, archive: Path) -> None:
    found = skipbeat.load_network(archive)
    for inputs in prepared.inputs:
        expected = prepared.quantised.network.run(inputs, prepared.quantised.on_oracle)
        np.testing.assert_array_equal(found.run(inputs), expected)
    np.testing.assert_array_equal(found.run(), found.result)
    hardware = load_hardware("tiny-4x4")
    simulation = MixedSimulation(quantised=prepared.quantised, hardware=hardware, rtl=None, cycle_model=True)
    simulation.run(prepared.inputs[0])
    assert all(run.agrees for run in simulation.runs)
    machine = Machine.of(hardware)
    clocks = sum(predicted(found.programs[name], machine).cycles for name in simulation.ran)
    assert clocks == sum(run.timing.cycles for run in simulation.runs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_arguments_of_any_floats_are_kept(tmp_path: Path, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 3)).to(dtype).eval(), torch.randn(2, 8).to(dtype)
    quantised = quantise_mixed(model, (x,))
    inputs = (quantised.inputs,)
    prepared = PreparedMixed(source="m:f", scheme=Scheme.of("dense"), quantised=quantised, inputs=inputs)
    save_network(compile_mixed(prepared, load_hardware("tiny-4x4"), "dense"), tmp_path / "m.zip")
    found = load_network(tmp_path / "m.zip")
    np.testing.assert_array_equal(found.run(), found.result)
    np.testing.assert_array_equal(found.run((x,)), found.result)


class Result(NamedTuple):
    """A container of results that a reader of the archive need not know."""

    logits: torch.Tensor


class Contained(nn.Module):
    """A layer whose results and arguments lie in containers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, both: dict[str, torch.Tensor]) -> Result:
        return Result(self.layer(nn.functional.gelu(both["x"] + both["y"])))


def test_containers_of_arguments_and_results_are_left_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    quantised = quantise_mixed(Contained().eval(), ({"x": torch.randn(2, 8), "y": torch.randn(2, 8)},))
    inputs = (quantised.inputs,)
    prepared = PreparedMixed(source="m:f", scheme=Scheme.of("dense"), quantised=quantised, inputs=inputs)
    save_network(compile_mixed(prepared, load_hardware("tiny-4x4"), "dense"), tmp_path / "m.zip")
    with ZipFile(io.BytesIO(members_of(tmp_path / "m.zip")["host.pt2"])) as host:
        name = next(name for name in host.namelist() if name.endswith("models/model.json"))
        calls = json.loads(host.read(name))["graph_module"]["module_call_graph"]
    assert "Result" not in json.dumps(calls)
    found = load_network(tmp_path / "m.zip")
    np.testing.assert_array_equal(found.run(), found.result)


def test_the_manifest_is_complete(prepared: PreparedMixed, archive: Path) -> None:
    manifest = load_manifest(archive)
    names = {argument.name for argument in manifest.arguments}
    signature = prepared.quantised.network.program.graph_signature
    names |= {spec.arg.name for spec in signature.input_specs}
    with ZipFile(archive) as file:
        members = set(file.namelist())
    for entry in manifest.steps:
        if isinstance(entry.step, HostStep):
            assert set(values(entry.step.arguments)) <= names
            names.add(entry.step.makes)
        else:
            assert entry.by == "machine"
            assert entry.program in members
            assert getattr(entry.step, "reads", entry.step.makes) in names | {entry.step.makes}
            names.add(entry.step.makes)
    assert {spec.arg.name for spec in signature.output_specs} <= names
    assert [argument.value for argument in manifest.arguments] == [None, True, None]


def values(item: Any) -> list[str]:
    """Names of the values in the arguments of a host's step."""
    if isinstance(item, dict):
        return (
            [item["value"]] if item.keys() == {"value"} else [name for each in item.values() for name in values(each)]
        )
    return [name for each in item for name in values(each)] if isinstance(item, list) else []


def test_equal_networks_are_equal_files_but_for_what_pytorch_writes(
    prepared: PreparedMixed, archive: Path, tmp_path: Path
) -> None:
    save_network(compile_mixed(prepared, load_hardware("tiny-4x4"), "dense"), tmp_path / "again.zip")
    first, second = members_of(archive), members_of(tmp_path / "again.zip")
    assert {name: data for name, data in first.items() if name != "host.pt2"} == {
        name: data for name, data in second.items() if name != "host.pt2"
    }


def members_of(path: Path) -> Members:
    with ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def without(name: str) -> Callable[[Members], Members]:
    return lambda members: {key: data for key, data in members.items() if not key.startswith(name)}


def instead(name: str, data: bytes) -> Callable[[Members], Members]:
    return lambda members: members | {name: data}


def manifest(**changes: Any) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        fields = json.loads(members["manifest.json"]) | changes
        return members | {"manifest.json": json.dumps(fields).encode()}

    return change


def other_count(members: Members) -> Members:
    return members | {"manifest.json": members["manifest.json"].replace(b'"products": 2', b'"products": 3')}


def other_value(members: Members) -> Members:
    return members | {"manifest.json": members["manifest.json"].replace(b'"makes": "linear"', b'"makes": "nobody"')}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("manifest"), "manifest.json is missing"),
        (without("host"), "host.pt2 is missing"),
        (without("programs/000"), "programs/000-qkv.skb is missing"),
        (instead("manifest.json", b"{"), "cannot be read as JSON"),
        (instead("manifest.json", b"[]"), "version None, expected 2"),
        (manifest(version=9), "version 9, expected 2"),
        (manifest(steps=[{"by": "machine"}]), r"manifest.json: steps.0.machine.program: missing"),
        (manifest(hardware=load_hardware("edge-8x8").model_dump()), "qkv is for other hardware than the manifest's"),
        (manifest(surprise=1), "surprise: unknown key"),
        (other_count, r"the program of query-key is for 2 maps, not 3"),
        (other_value, "layer qkv: the host's program has no value nobody"),
        (instead("host.pt2", b"x"), "host.pt2: not an exported program"),
        (instead("programs/000-qkv.skb", b"x"), "not a skipbeat program"),
        (instead("example.npz", b"x"), "example.npz: "),
        (instead("example.npz", b"PK\x05\x06" + bytes(18)), "example.npz: x0 is missing"),
    ],
)
def test_what_is_altered_is_refused(
    archive: Path, tmp_path: Path, change: Callable[[Members], Members], message: str
) -> None:
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_STORED) as file:
        for name, data in change(members_of(archive)).items():
            file.writestr(name, data)
    (tmp_path / "x.zip").write_bytes(content.getvalue())
    with pytest.raises(InputError, match=message):
        load_network(tmp_path / "x.zip")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_what_is_cut_short_is_refused(archive: Path, tmp_path: Path, share: float) -> None:
    data = archive.read_bytes()
    (tmp_path / "x.zip").write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"^network .*x\.zip: "):
        load_network(tmp_path / "x.zip")
    with pytest.raises(InputError, match="cannot be read"):
        load_network(tmp_path / "none.zip")


def test_the_commands_write_and_print_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "zoo:llama-tiny", "--hw", "edge-8x8", "-o", "llama.zip"]) == 0
    assert capsys.readouterr().out.startswith("llama.zip: 19 programs, 19 runs for an input, ")
    assert main(["program", "llama.zip"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "; zoo:llama-tiny, 2:4, for edge-8x8"
    assert any(line.startswith("machine  linear: programs/") for line in lines)
    assert any(line == "host     softmax: aten.softmax.int" or "aten.rms_norm" in line for line in lines)
    assert main(["program", "llama.zip", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "zoo:llama-tiny"
    assert "expected one of them" in complaint(capsys, "program", "llama.zip", "--image", "x.bin")
    assert main(["compile", "zoo:llama-tiny", "--images", "2", "-o", "x.zip"]) == 2
    assert "--images: zoo:llama-tiny runs as many programs" in capsys.readouterr().err


def test_a_program_of_an_archive_is_a_program(archive: Path) -> None:
    programs = load_network(archive).programs
    assert [name for name, program in programs.items() if program.operand is not None] == ["query-key", "score-value"]
    for program in programs.values():
        assert isinstance(program, MachineProgram)
        assert all(place.scale is not None for place in (program.input, program.output))


def test_members_that_ask_for_too_much_are_not_unpacked(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skipbeat.network_file.MOST_FILE_BYTES", archive.stat().st_size)
    with pytest.raises(InputError, match="its members are larger than"):
        load_network(archive)
