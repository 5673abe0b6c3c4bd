"""Arguments of the Python API: what they may be, and one clear line for what they may not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skipbeat_arch.arguments import expect, expect_whole
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_models.torch_types import Module, Tensor

#: The name of a preset, the path of a .yaml file, or a description.
HardwareLike = Hardware | str | Path


def check_model(model: object, permute: object = False, seed: object = 0) -> None:
    """Complain of a model, a `permute` or a seed that is none.

    Raises:
        InputError: one of them is.
    """
    expect("model", model, Module, "a torch.nn.Module")
    expect("permute", permute, bool, "True or False")
    expect_whole("seed", seed, 0, "a whole number of at least 0")


def positional(example_inputs: Tensor | Sequence[object]) -> tuple[object, ...]:
    """All positional arguments of a forward.

    Raises:
        InputError: they are no tensor, tuple or list.
    """
    if isinstance(example_inputs, Tensor):
        return (example_inputs,)
    what = "example_inputs"
    expect(what, example_inputs, (tuple, list), "a tensor, or a tuple of all positional arguments")
    return tuple(example_inputs)


def float_images(what: str, given: Tensor | Sequence[Tensor]) -> Tensor:
    """Images, or the only element of a sequence; floating point.

    Raises:
        InputError: they are no such tensor.
    """
    tensor: object = given[0] if isinstance(given, tuple | list) and len(given) == 1 else given
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        kind = f"tensor of {tensor.dtype}" if isinstance(tensor, Tensor) else type(tensor).__name__
        raise InputError(f"{what}: expected a tensor of floats [N, C, H, W], not a {kind}")
    return tensor.detach()


def effort_of(effort: str) -> Effort:
    """An effort by its name.

    Raises:
        InputError: there is none of this name.
    """
    try:
        return Effort(effort)
    except ValueError:
        raise InputError(f"effort {effort!r}: expected {', '.join(Effort)}") from None


def hardware_of(hardware: HardwareLike) -> Hardware:
    """A description, or that of a preset or a file.

    Raises:
        InputError: it is none, or cannot be read.
    """
    if isinstance(hardware, Hardware):
        return hardware
    if isinstance(hardware, str | Path):
        return load_hardware(hardware)
    raise InputError(f"hardware {hardware!r}: expected a preset's name, the path of a .yaml file, or a Hardware")
