"""Arguments of the Python API that are wrong: each is an InputError of one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import skipbeat as sb
from skipbeat_arch.errors import MOST_CHARACTERS

#: The functions without their types: what is given is wrong on purpose.
_API: Any = sb
NET = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)).eval()
X = torch.zeros(1, 1, 4, 4)
HW = "tiny-4x4"

_estimate = partial(_API.estimate, NET, X, HW)
_compile = partial(_API.compile, NET, X, HW)
_simulate = partial(_API.simulate, NET, X, HW)
_train_estimate = partial(_API.train_estimate, NET, X, HW)
_prune = partial(_API.prune, NET, "2:4")

WRONG: dict[str, Callable[[], object]] = {
    "model: None": lambda: _API.estimate(None, X, HW),
    "model: class": lambda: _API.estimate(nn.Linear, X, HW),
    "model: function": lambda: _API.estimate(lambda x: x, X, HW),
    "model: weights": lambda: _API.estimate(NET.state_dict(), X, HW),
    "inputs: None": lambda: _API.estimate(NET, None, HW),
    "inputs: number": lambda: _API.estimate(NET, 3, HW),
    "inputs: sizes": lambda: _API.estimate(NET, (1, 1, 4, 4), HW),
    "inputs: array": lambda: _API.estimate(NET, np.zeros((1, 1, 4, 4), np.float32), HW),
    "inputs: channels": lambda: _API.estimate(NET, torch.zeros(1, 2, 4, 4), HW),
    "inputs: text": lambda: _API.estimate(NET, "images", HW),
    "inputs: mapping": lambda: _API.estimate(NET, {"x": X}, HW),
    "hardware: None": lambda: _API.estimate(NET, X, None),
    "hardware: mapping": lambda: _API.estimate(NET, X, {"array": {"rows": 4}}),
    "hardware: name": lambda: _API.estimate(NET, X, "edge-17x17"),
    "kwargs: list": lambda: _estimate(kwargs=[1]),
    "kwargs: unknown": lambda: _estimate(kwargs={"mask": X}),
    "kwargs: number": lambda: _estimate(kwargs={1: X}),
    "prune: number": lambda: _estimate(prune=2.5),
    "prune: reversed": lambda: _estimate(prune="4:2"),
    "prune: tuple": lambda: _estimate(prune=(2, 4)),
    "permute: text": lambda: _estimate(prune="2:4", permute="yes"),
    "permute: alone": lambda: _estimate(permute=True),
    "table: name": lambda: _estimate(table="no-table"),
    "table: None": lambda: _estimate(table=None),
    "seed: negative": lambda: _estimate(seed=-1),
    "seed: text": lambda: _estimate(seed="0"),
    "name: number": lambda: _estimate(name=5),
    "prune model: None": lambda: _API.prune(None, "2:4"),
    "pattern: None": lambda: _API.prune(NET, None),
    "method: unknown": lambda: _prune(method="best"),
    "calibration: number": lambda: _prune(method="wanda", calibration=5),
    "calibration: none": lambda: _prune(method="wanda"),
    "prune seed: text": lambda: _prune(method="random", seed="a"),
    "prune inputs: number": lambda: _prune(example_inputs=7),
    "compile model: None": lambda: _API.compile(None, X, HW),
    "compile: None": lambda: _API.compile(NET, None, HW),
    "compile: array": lambda: _API.compile(NET, X.numpy(), HW),
    "compile: two": lambda: _API.compile(NET, (X, X), HW),
    "compile: one image": lambda: _API.compile(NET, X[0], HW),
    "compile: integers": lambda: _API.compile(NET, X.int(), HW),
    "compile: empty": lambda: _API.compile(NET, X[:0], HW),
    "compile: not finite": lambda: _API.compile(NET, X * float("nan"), HW),
    "images: none": lambda: _compile(images=0),
    "images: negative": lambda: _compile(images=-1),
    "images: text": lambda: _compile(images="2"),
    "images: fraction": lambda: _compile(images=1.5),
    "images: truth": lambda: _compile(images=True),
    "simulate: sizes": lambda: _simulate(images=torch.zeros(1, 1, 5, 5)),
    "simulate: array": lambda: _simulate(images=X.numpy()),
    "simulate: empty": lambda: _simulate(images=X[:0]),
    "simulate: not finite": lambda: _simulate(images=X + float("inf")),
    "load_hardware: number": lambda: _API.load_hardware(5),
    "load_hardware: text": lambda: _API.load_hardware(HW, "array.rows=4"),
    "load_hardware: numbers": lambda: _API.load_hardware(HW, [5]),
    "load_program: number": lambda: _API.load_program(5),
    "load_program: None": lambda: _API.load_program(None),
    "load_network: None": lambda: _API.load_network(None),
    "save_program: other": lambda: _API.save_program(X, "x.skb"),
    "Pattern.parse: None": lambda: _API.Pattern.parse(None),
    "Scheme.of: number": lambda: _API.Scheme.of(3),
    "Gemm: text": lambda: _API.Gemm(p="1", c=2, k=3),
    "Gemm: fraction": lambda: _API.Gemm(p=1.5, c=2, k=3),
    "Convolution: kernel": lambda: _API.Convolution(batch=1, c_in=1, c_out=1, height=4, width=4, kernel=3),
    "train_estimate: model": lambda: _API.train_estimate(None, X, HW),
    "train_estimate: inputs": lambda: _API.train_estimate(NET, 3, HW),
    "train_estimate: hardware": lambda: _API.train_estimate(NET, X, "edge-17x17"),
    "train_estimate: forward": lambda: _train_estimate(forward=2.5),
    "train_estimate: backward": lambda: _train_estimate(backward="9:8"),
    "train_estimate: update": lambda: _train_estimate(update="2:4"),
    "train_estimate: schedule": lambda: _train_estimate(schedule=5),
    "train_estimate: batch": lambda: _train_estimate(batch=0),
    "train_estimate: table": lambda: _train_estimate(table="no-table"),
    "print_estimate: None": lambda: _API.print_estimate(None),
    "to_json: None": lambda: _API.to_json(None),
    "write_page: None": lambda: _API.write_page(None, "page.html"),
    "write_trace: mapping": lambda: _API.write_trace({}, "trace.json"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_argument_is_an_input_error(what: str) -> None:
    with pytest.raises(sb.InputError) as caught:
        WRONG[what]()
    said = str(caught.value)
    assert 0 < len(said) <= MOST_CHARACTERS
    assert "\n" not in said


def test_compile_takes_the_inputs_that_estimate_takes() -> None:
    alone, in_tuple = (_API.compile(NET, inputs, HW) for inputs in (X, (X,)))
    assert np.array_equal(alone.image, in_tuple.image)


def test_a_path_that_is_none_is_told() -> None:
    with pytest.raises(sb.InputError, match=r"^program file to be written: expected a path, not None"):
        _API.save_program(_compile(), None)
