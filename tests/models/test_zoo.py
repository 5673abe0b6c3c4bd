"""The registry of models: what it imports, what it builds, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.utils._pytree import tree_leaves

from skipbeat_arch.errors import InputError
from skipbeat_models import zoo
from skipbeat_models.prepare import prepare

IMAGES = [name for name in zoo.names() if zoo.find(name).input_shape]
ALL = [
    "bert-base",
    "deit-s",
    "digits-cnn",
    "gpt-2",
    "gpt-2-decode",
    "llama-2-7b",
    "llama-2-7b-decode",
    "llama-tiny",
    "mobilenet-v2",
    "resnet-18",
    "resnet-18-tiny",
    "resnet-50",
    "resnet-9",
    "tiny-resnet",
    "vgg-16",
    "vgg-19",
    "vgg-19-cifar",
    "vit-b-16",
    "vit-cifar",
    "vit-tiny",
]


def test_names() -> None:
    assert zoo.names() == [f"zoo:{name}" for name in ALL]


@pytest.mark.parametrize("name", ["zoo:digits-cnn", "zoo:tiny-resnet", "zoo:resnet-9", "zoo:mobilenet-v2"])
def test_sources_run(name: str) -> None:
    module, inputs, options = zoo.find(name).source(3)
    assert not module.training
    with torch.no_grad():
        assert module(*inputs, **options).shape == (1, 1000 if "mobile" in name else 10)
    seeds = [torch.cat([p.flatten() for p in zoo.find(name).source(seed)[0].parameters()]) for seed in (3, 4)]
    assert torch.equal(seeds[0], torch.cat([p.flatten() for p in module.parameters()]))
    assert not torch.equal(seeds[0], seeds[1])


@pytest.mark.parametrize("name", [name for name in zoo.names() if zoo.find(name).shapes_only])
def test_large_sources_hold_no_numbers(name: str) -> None:
    module, inputs, options = zoo.find(name).source()
    tensors = [*module.parameters(), *inputs, *tree_leaves(options)]
    assert all(tensor.device.type == "meta" for tensor in tensors)


def test_sequences_have_the_length_that_is_asked_for() -> None:
    gpt = zoo.find("zoo:gpt-2")
    assert [leaf.shape for leaf in tree_leaves(gpt.source(tokens=3)[2])] == [(1, 3)]
    assert [leaf.shape for leaf in tree_leaves(gpt.source()[2])] == [(1, 512)]
    module, _, options = zoo.find("zoo:gpt-2-decode").source(tokens=8)
    assert [leaf.shape for leaf in tree_leaves(options)] == [(1, 1), *[(1, 12, 7, 64)] * 24]
    assert module(**options).shape == (1, 1, 50_257)
    with pytest.raises(InputError, match=r"zoo:gpt-2-decode: expected at least 2 token\(s\), not 1"):
        zoo.find("zoo:gpt-2-decode").source(tokens=1)
    with pytest.raises(InputError, match=r"zoo:gpt-2: expected at least 1 token\(s\), not 0"):
        gpt.source(tokens=0)
    with pytest.raises(InputError, match="zoo:vgg-16: expected no number of tokens, it reads images, not 4"):
        zoo.find("zoo:vgg-16").source(tokens=4)


@pytest.mark.parametrize("name", ["zoo:lenet", "digits-cnn", "zoo:", "", "zoo:zoo:digits-cnn"])
def test_unknown_names_list_the_known(name: str) -> None:
    with pytest.raises(InputError, match=f"^model {name}: .*zoo:digits-cnn, .*zoo:resnet-18, .*zoo:vit-tiny$"):
        zoo.find(name)


def test_image_networks_do_without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    zoo.find("zoo:digits-cnn").source()
    with pytest.raises(InputError, match=r"expected for zoo:bert-base .*skipbeat\[transformers\]"):
        zoo.find("zoo:bert-base").source()


def test_the_list_imports_no_torch() -> None:
    code = "import sys; from skipbeat_models import zoo; zoo.find('zoo:vgg-16'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_image_networks_are_quantised() -> None:
    with pytest.raises(InputError, match="zoo:gpt-2: expected a network of images"):
        prepare("zoo:gpt-2", "2:4")
