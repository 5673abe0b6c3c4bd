"""Files that are right, for the fuzzer to damage; each is made once."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import yaml
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import skipbeat
from skipbeat.cli import main
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.program_file import pack_program
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.load import load_source
from skipbeat_models.stored_description import to_bytes


@cache
def hardware() -> str:
    return yaml.safe_dump(load_hardware("tiny-4x4").model_dump(), sort_keys=False)


@cache
def energy_table() -> str:
    return (resources.files("skipbeat_sim.energy") / "tables" / "horowitz-45nm.yaml").read_text()


SCHEME = "default: 2:4\nmethod: magnitude\nlayers:\n  fc*: 1:4\n  head: dense\n"
STUDY = """\
name: small
models: [nowhere:build]
schemes: [dense, 2:4, s.yaml]
hardware:
  base: [tiny-4x4]
  keys:
    array.rows: [4, 8]
    memory.bytes_per_clock: {from: 2, to: 8, times: 2}
  constraints: [array.rows * array.cols <= 32]
objectives: [clocks, energy, kept]
search: {method: random, trials: 4, seed: 1}
"""
ATTENTION = "block=16,window=64,stride=32,global=4,topk=8,causal"
ROUTING = json.dumps({"experts": [1, 2, 3.5, 0], "mlp.1": [4, 4, 4, 4]})
CONFIGURATION = json.dumps(
    {"model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "vocab_size": 32}
    | {"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64, "torch_dtype": "float32"},
    indent=1,
)
INDEX = json.dumps({"metadata": {"total_size": 1024}, "weight_map": {"fc.weight": "model.safetensors"}}, indent=1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)).eval()


@cache
def tensors() -> bytes:
    return safetensors.torch.save({"fc.weight": torch.ones(4, 8), "conv.weight": torch.ones(2, 1, 3, 3)})


@cache
def pickled() -> bytes:
    content = io.BytesIO()
    torch.save(network().state_dict(), content)
    return content.getvalue()


@cache
def exported() -> bytes:
    content = io.BytesIO()
    torch.export.save(torch.export.export(network(), (torch.zeros(1, 1, 4, 4),)), content)
    return content.getvalue()


@cache
def onnx_file() -> bytes:
    weight = numpy_helper.from_array(np.ones((4, 1, 3, 3), np.float32), "w")
    fc = numpy_helper.from_array(np.ones((16, 2), np.float32), "fc")
    shape = numpy_helper.from_array(np.array([1, 16], np.int64), "shape")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[0, 0, 0, 0], strides=[1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Reshape", ["r", "shape"], ["f"]),
        helper.make_node("MatMul", ["f", "fc"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])
    found = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])
    graph = helper.make_graph(nodes, "g", [given], [found], [weight, fc, shape])
    content: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return content


@cache
def program() -> bytes:
    return pack_program(skipbeat.compile(network(), torch.zeros(1, 1, 4, 4), "tiny-4x4"))


@cache
def arrays() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, archive.open("0.npy", "w") as member:
        np.save(member, np.zeros((1, 1, 4, 4), np.float32))
    return content.getvalue()


@cache
def masks() -> bytes:
    content = io.BytesIO()
    np.savez(content, attention=np.tril(np.ones((4, 4), np.bool_)))
    return content.getvalue()


@cache
def description() -> bytes:
    """A model's description as the cache keeps it."""
    content = to_bytes(load_source("zoo:tiny-resnet", scheme=Scheme(default=Pattern.parse("2:4"))))
    assert content is not None
    return content


OWN = """
import torch
from torch import nn

class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return torch.softmax(self.fc(x), -1)

def attention():
    torch.manual_seed(0)
    return Attention(), (torch.randn(2, 8),)
"""


@cache
def archive() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fuzzed_network.py").write_text(OWN)
        file = Path(folder) / "own.skb"
        quiet = (contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()))
        with contextlib.chdir(folder), quiet[0], quiet[1]:
            assert main(["compile", "fuzzed_network:attention", "--hw", "tiny-4x4", "-o", str(file)]) == 0
        return file.read_bytes()


@cache
def result() -> str:
    made = skipbeat.estimate(network(), torch.zeros(1, 1, 4, 4), "tiny-4x4")
    return json.dumps(skipbeat.to_json(made))
