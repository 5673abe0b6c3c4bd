"""docs/integration.md on program files: its code, which has nothing of ours, runs networks from their files."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat.cli import main
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import Place
from skipbeat_arch.program_file import FILE_VERSION, save_program
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.quantise_graph import quantise_graph
from skipbeat_sim.machine.run_machine import run_machine

PAGE = (Path(__file__).parents[2] / "docs" / "integration.md").read_text()


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(PAGE.split("```python\n")[1].split("```")[0], names)
    return names


def network(channels: int) -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 4 * 3, 5)
    return nn.Sequential(*layers)


@pytest.mark.parametrize(("channels", "images"), [(1, 3), (3, 1), (20, 2)])
@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-16x16"])
def test_a_file_is_enough_to_run_a_network(
    page: dict[str, Any], tmp_path: Path, preset: str, channels: int, images: int
) -> None:
    hardware = load_hardware(preset)
    real = torch.randn(images, channels, 8, 6)
    quantised = quantise_graph(network(channels), real)
    program = compile_network(quantised.graph, hardware, images, scales=quantised.scales)
    save_program(program, tmp_path / "n.skb")
    header, memory = page["read_program"](tmp_path / "n.skb")
    assert {place.first for place in program.tensors} == {0}  # the page's code is for one group of images
    page["write_input"](header, memory, real.numpy())
    ran = run_machine(Machine.of(hardware), memory, header["address"], header["count"], max_clocks=10**5)
    expected = run_graph(quantised.graph, quantised.quantise_images(real.numpy()))[quantised.graph.output]
    np.testing.assert_array_equal(page["read_output"](header, ran.memory), expected * quantised.logit_scale)


def test_the_command_prints_the_header(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    real = torch.randn(1, 3, 8, 6)
    quantised = quantise_graph(network(3), real)
    program = compile_network(quantised.graph, load_hardware("tiny-4x4"), scales=quantised.scales)
    save_program(program, tmp_path / "n.skb")
    assert main(["program", str(tmp_path / "n.skb"), "--json", "--image", str(tmp_path / "n.bin")]) == 0
    header = json.loads(capsys.readouterr().out)
    assert [tensor["scale"] for tensor in header["tensors"]][::-1][0] == quantised.logit_scale
    assert header["image_bytes"] == program.image.size
    assert (tmp_path / "n.bin").read_bytes() == program.image.tobytes()
    save_program(replace(program, hardware="\x1b[2J\n" + "x" * 9999), tmp_path / "n.skb")
    assert main(["program", str(tmp_path / "n.skb")]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("; for \\u001b[2J xxx")
    assert len(first) < 700
    assert others[-1].startswith("END")


def test_the_page_names_all_that_is_known_of_a_tensor() -> None:
    assert [field.name for field in fields(Place) if f"`{field.name}`" not in PAGE] == []


def test_the_page_names_the_version_of_the_file() -> None:
    assert f"| 4 | version of the file, {FILE_VERSION} |" in PAGE
