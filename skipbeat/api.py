"""The Python API: price, prune, compile and run a model of your own.

Everything here works on a `torch.nn.Module` in memory, in any script; nothing depends on what the script's own
packages are called. Models are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, TypeVar

from skipbeat_arch.arguments import expect, expect_whole
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import DEFAULT_PRESET
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.provenance import source_of
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.estimate import estimate_model, shared_prices
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.pruners.one_shot import prune_model
from skipbeat_models.quantise_graph import quantise_graph
from skipbeat_models.scheme import Method, Plan, Scheme
from skipbeat_models.sources import from_module
from skipbeat_models.sources.module import flattened_maps
from skipbeat_models.sources.permuting.permuted_module import permuted_module
from skipbeat_models.torch_types import Module, Tensor
from skipbeat_reports.estimate import Estimate
from skipbeat_sim.energy.load_table import DEFAULT_TABLE

from .api_arguments import HardwareLike, check_model, effort_of, float_images, hardware_of, positional
from .results import provenance

if TYPE_CHECKING:
    from skipbeat_models.pruners.wanda import Calibration
    from skipbeat_verify.machine_simulation import ProgramRun

Model = TypeVar("Model", bound=Module)


def estimate(
    model: Module,
    example_inputs: Tensor | Sequence[object],
    hardware: HardwareLike = DEFAULT_PRESET,
    *,
    kwargs: Mapping[str, object] | None = None,
    prune: Plan | None = None,
    permute: bool = False,
    table: str | Path = DEFAULT_TABLE,
    effort: str = Effort.NORMAL,
    seed: int = 0,
    name: str | None = None,
) -> Estimate:
    """What a model costs on the hardware: cycles and energy, layer by layer, each from memory to memory.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16))
    >>> found = estimate(model, torch.zeros(128, 64), "edge-8x8", prune="2:4")
    >>> [layer.pattern for layer in found.layers], found.batch
    (['2:4', '2:4'], 128)
    >>> found.cycles < found.cycles_dense, found.speedup < found.speedup_limit
    (True, True)

    Args:
        model: in evaluation mode it is exported by torch.export; it may lie on the meta device.
        example_inputs: what the forward is called with: one tensor, or all positional arguments. Only shapes count.
            The first size that all tensors share is the estimate's batch.
        hardware: a preset's name, the path of a .yaml file, or a `Hardware`.
        kwargs: arguments by name.
        prune: prices a copy that is pruned so: `2:4`, `unstructured:0.5`, `block:0.25`, the path of a scheme's .yaml
            file, a `Pattern` or a `Scheme`. None: the model as it is; its patterns are measured from the zeros.
        permute: with N:M in `prune`: channels inside the network are permuted first, so that more of the weights is
            kept; `layers[].kept` tells how much (see `skipbeat.prune`).
        table: name of an energy table, or a .yaml file.
        effort: how many mappings are tried: `quick`, `normal` or `best`; clocks are exact for any.
        seed: of the zeros of weights without values (meta device).
        name: of the model in reports; None: its class.

    Returns:
        Cycles are clocks of the hardware, energies pJ of a layer and µJ of the model. `speedup`, `speedup_limit` and
        `latency_ms` are its figures; `to_dataframe`, `to_csv`, `to_json` and `plot` give it on, and `print_estimate`,
        `write_page` and `write_trace` show it.

    Raises:
        InputError: the model does not export, a weight is not finite, a layer does not fit the hardware, or another
            argument is wrong.
    """
    check_model(model, permute, seed)
    expect("name", name, (str, NoneType), "text, or None")
    described, scheme = hardware_of(hardware), None if prune is None else _scheme(prune, permute)
    if permute and scheme is None:
        raise InputError("permute: expected with `prune`, a pattern N:M or a scheme")
    title = name or type(model).__name__
    described_model = from_module(model, positional(example_inputs), kwargs, name=title, scheme=scheme, seed=seed)
    found = estimate_model(described_model, described, table_name=table, kept=shared_prices(), effort=effort_of(effort))
    source = source_of(title, described_model)
    made = provenance(seed=seed, hardware=described, scheme=scheme, source=source)
    return Estimate.of(replace(found, provenance=made))


def prune(
    model: Model,
    pattern: Plan,
    *,
    example_inputs: Tensor | Sequence[object] | None = None,
    method: Method | None = None,
    calibration: Calibration | None = None,
    permute: bool = False,
    seed: int = 0,
) -> Model:
    """A pruned copy of a model, one-shot: no weight is trained.

    >>> from torch import nn
    >>> prune(nn.Linear(8, 2, bias=False), "1:4").weight.count_nonzero()
    tensor(4)

    Args:
        pattern: as for `estimate`; the first convolution and depthwise ones are left alone unless a scheme names them.
        example_inputs: as for `estimate`; with them, linear layers behind a flattened map are pruned along its
            channels, as the hardware groups them.
        method: `magnitude`, `constant-fan-in`, `wanda` or `random`; None: the scheme's own, `magnitude` unless it
            says otherwise.
        calibration: for `wanda`, inputs of the model: tensors, or tuples of positional arguments.
        permute: with N:M by magnitude, and `example_inputs`: channels of tensors inside the network are permuted first,
            so that more of the weights is kept (Pool and Yu, NeurIPS 2021). The copy has its channels in that order; it
            computes what the model pruned with these masks in its own order computes.
        seed: of `random`.

    Raises:
        InputError: a wrong pattern or method, nothing to prune, missing calibration data, or weights that are not
            finite.
    """
    check_model(model, permute, seed)
    expect("calibration", calibration, (Iterable, NoneType), "inputs of the model")
    scheme = _scheme(pattern, permute)
    flattened = None
    if example_inputs is not None:
        inputs = positional(example_inputs)
        model = permuted_module(model, inputs, scheme)
        flattened = flattened_maps(model, inputs)
    elif scheme.permute:
        raise InputError("permute: expected with example_inputs, which tell which layers share channels")
    if scheme.permute and method not in (None, "magnitude"):
        raise InputError(f"permute: expected the method magnitude, not {method}")
    return prune_model(model, scheme, method=method, calibration=calibration, seed=seed, flattened=flattened)


def compile(
    model: Module,
    calibration: Tensor | Sequence[Tensor],
    hardware: HardwareLike = DEFAULT_PRESET,
    *,
    images: int = 1,
    effort: str = Effort.NORMAL,
) -> MachineProgram:
    """The program of a whole network, quantised to int8, weights included; `save_program` writes it to a file.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4))
    >>> program = compile(model, torch.randn(2, 3, 8, 8), "tiny-4x4")
    >>> [node.name for node in program.nodes]
    ['0', '3']

    Args:
        model: a network of Conv2d, BatchNorm2d, ReLU, additions, pooling and Linear, with a Conv2d or Linear at the
            end.
        calibration: float [N, C, H, W], images that are representative of what the network will see; or a sequence of
            that one tensor, as `estimate` takes it.
        hardware: as for `estimate`.
        images: int8 images [C, H, W] that one run of the program takes.
        effort: as for `estimate`.

    Raises:
        InputError: a layer that cannot be quantised or does not fit the hardware, or calibration data of another
            shape.
    """
    check_model(model)
    expect_whole("images", images, 1, "a whole number of at least 1")
    described = hardware_of(hardware)
    quantised = quantise_graph(model, float_images("calibration", calibration))
    return compile_network(quantised.graph, described, images, effort=effort_of(effort), scales=quantised.scales)


def simulate(
    model: Module,
    calibration: Tensor | Sequence[Tensor],
    hardware: HardwareLike = DEFAULT_PRESET,
    *,
    images: Tensor | None = None,
    rtl: bool = False,
    cycle_model: bool = True,
    effort: str = Effort.NORMAL,
) -> ProgramRun:
    """Run a network by its program, all images in one run, and compare bits and clocks at all levels.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> run = simulate(model, torch.randn(1, 1, 4, 4), "tiny-4x4")
    >>> run.agrees, run.model.cycles == run.timing.cycles
    (True, True)

    Args:
        model, calibration, hardware, effort: as for `compile`.
        images: float [N, C, H, W] to run as one batch; None: the first one of the calibration data.
        rtl: also run the RTL, which Verilator compiles first (about a minute).
        cycle_model: run the cycle model, about 10,000 clocks per second; the timing model always predicts.

    Returns:
        `agrees` says whether every level gave the integer oracle's bits, and all levels the same cycles and performance
        counters (None if nothing ran but the timing model); `timing`, `model` and `rtl` have them.

    Raises:
        InputError: as for `compile`, or images of another shape.
    """
    from skipbeat_verify.machine_simulation import machine_rtl, run_images

    check_model(model)
    known = float_images("calibration", calibration)
    given = known[:1] if images is None else float_images("images", images)
    described = hardware_of(hardware)
    machine = Machine.of(described)
    quantised = quantise_graph(model, known)
    inputs = quantised.quantise_images(given.numpy())
    program = compile_network(
        quantised.graph, described, len(inputs), effort=effort_of(effort), scales=quantised.scales
    )
    simulator = machine_rtl(described) if rtl else None
    expected = run_graph(quantised.graph, inputs)[quantised.graph.output]
    return run_images(program, machine, inputs, expected, simulator, cycle_model=cycle_model)


def _scheme(plan: Plan, permute: bool) -> Scheme:
    scheme = Scheme.of(plan)
    return scheme.permuted() if permute else scheme
