"""A model by the name of its source, as layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from os.path import isdir, isfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils._pytree import tree_map

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription
from skipbeat_arch.pattern import Pattern

from .. import zoo
from ..scheme import Scheme
from .build import describe
from .checkpoints.files import open_checkpoint
from .checkpoints.folders import INDEX
from .checkpoints.loading import load_into
from .checkpoints.pickled import PICKLED
from .data_rules import DataRules
from .module import Trace, from_module
from .nodes.fewer_rows import with_active_rows
from .source_arguments import SourceArguments
from .tracing.python import FUNCTION, build_model
from .tracing.recorded import record_module

if TYPE_CHECKING:
    from ..trained import Trained

EXPECTED = (
    "expected zoo:NAME, module:function, or a file that ends in .pt2, .safetensors or .onnx, or a folder with a "
    "model's weights and its config.json"
)


def load_source(
    source: str,
    *,
    scheme: Scheme | None = None,
    seed: int = 0,
    tokens: int | None = None,
    batch: int | None = None,
    checkpoint: Path | None = None,
    stated: Pattern | None = None,
    rules: DataRules | None = None,
    sizes: Mapping[str, tuple[int, ...]] | None = None,
) -> ModelDescription:
    """The layers of a model with the zeros of their weights.

    Args:
        source: `zoo:NAME`; a `.pt2`, `.safetensors` or `.onnx` file; a folder of weights, or its index, perhaps with
            `config.json`; or `module:function`, found from the current folder, whose code is run.
        scheme: what to prune a copy to; None prices the weights as they are.
        seed: of weights and zeros that are made.
        tokens: length of the sequences of a language model; of the zoo, or of a checkpoint, which needs it.
        batch: how many examples at a time; None: as the source has it.
        checkpoint: weights for a zoo model or for a module; only there.
        stated: the pattern that the weights are said to have; layers that break it are noted.
        sizes: of inputs, by name; only of an .onnx file.
        rules: what depends on data; None: experts take turns, and attention computes every score.

    Raises:
        InputError: the source is none of these, cannot be read, or does not fit to the other arguments.
    """
    given = SourceArguments(
        source=source,
        scheme=scheme,
        seed=seed,
        tokens=tokens,
        batch=batch,
        checkpoint=checkpoint,
        stated=stated,
        rules=rules,
        sizes=sizes,
    )
    return read_source(given)


def read_source(given: SourceArguments) -> ModelDescription:
    """The same, with all that is given in one.

    Raises:
        InputError: as for `load_source`.
    """
    found, rules, source = _load(given), given.rules, given.source
    if rules is not None and rules.active is not None:
        found = with_active_rows(found, rules.active)
    blocks = None if rules is None else rules.attention
    kept = [layer.density for layer in found.layers if layer.whole is not None and not layer.stored]
    if blocks is None:
        return found
    if not kept:
        raise InputError(f"attention {blocks.name}: model {source} has no attention of which it leaves out a block")
    note = (
        f"attention computes the blocks of {blocks.name}, on average {sum(kept) / len(kept):.1%} of a layer's scores: "
        "a block of keys meets all queries that keep it, a block of queries sums up the values that it keeps"
    )
    return replace(found, notes=(*found.notes, note))


def _load(given: SourceArguments) -> ModelDescription:
    source, scheme, path = given.source, given.scheme, Path(given.source)
    if not source:  # as a path it would be the current folder
        raise InputError(f"model: {EXPECTED}, not an empty text")
    is_checkpoint = _is_checkpoint(path)
    is_file = is_checkpoint or path.suffix in (".pt2", ".onnx")
    if is_file and scheme is not None and scheme.method != "magnitude":
        raise InputError(f"model {source}: pruning by {scheme.method} needs the module; a file is pruned by magnitude")
    if given.sizes and path.suffix != ".onnx":
        raise InputError(f"model {source}: sizes of inputs are stated for an .onnx file; others have example inputs")
    if given.tokens is not None and not is_checkpoint and not source.startswith(zoo.PREFIX):
        raise InputError(f"model {source}: a number of tokens belongs to a zoo model or a checkpoint of .safetensors")
    if is_file and given.checkpoint is not None:
        raise InputError(f"model {source}: has weights of its own; a checkpoint belongs to zoo:NAME or module:function")
    if is_checkpoint:
        from .weights_alone import load_weights

        return load_weights(path, scheme, given.seed, given.stated, given.tokens, given.batch or 1, given.rules)
    if is_file:
        return _from_graph(given, path)
    if path.suffix in PICKLED:
        raise InputError(
            f"model {source}: a state dict has no layers; give it as the --checkpoint of a module:function, or put its "
            "config.json beside it"
        )
    return _from_code(given)


def _is_checkpoint(path: Path) -> bool:
    """Whether it is the weights of a model, without its code: a folder, an index, or a file."""
    if isdir(path) or path.suffix == ".safetensors" or path.name.endswith(INDEX):  # of any name: `Path` may raise
        return True
    return path.suffix in PICKLED and isfile(path) and isfile(path.parent / "config.json")


def _from_code(given: SourceArguments) -> ModelDescription:
    """A model of the zoo, or one that the user's function builds."""
    model: nn.Module
    inputs: tuple[object, ...]
    kwargs: Mapping[str, object]
    trained: Trained | None = None
    trace: Trace | None = None
    source, scheme, seed, checkpoint = given.source, given.scheme, given.seed, given.checkpoint
    if source.startswith(zoo.PREFIX):
        entry = zoo.find(source)
        model, inputs, kwargs = entry.source(seed, given.tokens)
        trace = record_module
        if entry.recipe is not None and checkpoint is None:
            tuned = scheme if scheme is not None and scheme.method == "magnitude" else None
            trained = _trained(source, tuned or Scheme.of("dense"), seed)
            model, scheme = trained.model, None if tuned else scheme
    elif FUNCTION.fullmatch(source):
        model, inputs, kwargs = build_model(source)
    else:
        raise InputError(f"model {source}: {EXPECTED}")
    if checkpoint is not None:
        load_into(model, open_checkpoint(checkpoint), f"checkpoint {checkpoint}")
    if given.batch is not None:
        inputs, kwargs = _batched(source, given.batch, inputs, kwargs)
    found = from_module(
        *(model, inputs, kwargs),
        name=source,
        scheme=scheme,
        seed=seed,
        stated=given.stated,
        rules=given.rules,
        trace=trace,
    )
    if trained is None:
        return found
    return replace(found, layers=tuple(replace(each, kept=trained.kept.get(each.name)) for each in found.layers))


@lru_cache(maxsize=4)
def _trained(source: str, scheme: Scheme, seed: int) -> Trained:
    """A network that the zoo has a recipe for: it is priced as it is simulated, trained."""
    from ..trained import train_network

    return train_network(source, scheme, seed)


def _from_graph(given: SourceArguments, path: Path) -> ModelDescription:
    if given.batch is not None:
        raise InputError(f"model {path}: its batch is fixed in the file; export it with another one")
    if path.suffix == ".onnx":
        from .onnx_files.onnx import load_onnx

        graph = load_onnx(path, given.sizes)
    else:
        from .tracing.pt2 import load_pt2

        graph = load_pt2(path)
    try:
        return describe(
            graph, name=str(path), scheme=given.scheme, seed=given.seed, stated=given.stated, rules=given.rules
        )
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, RuntimeError, MemoryError) as error:
        line = " ".join(str(error).split())[:200]
        raise InputError(f"model {path}: its graph contradicts itself: {type(error).__name__}: {line}") from error


def _batched(
    source: str, batch: int, inputs: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[tuple[object, ...], dict[str, object]]:
    """The example inputs with another first size."""

    def sized(item: object) -> object:
        if not isinstance(item, torch.Tensor) or item.dim() == 0:
            return item
        return item[:1].expand(batch, *item.shape[1:]).clone()

    tensors = [item for item in (*inputs, *kwargs.values()) if isinstance(item, torch.Tensor) and item.dim() > 0]
    if len({len(tensor) for tensor in tensors}) != 1:
        raise InputError(f"model {source}: its example inputs have no common batch, so it cannot be changed to {batch}")
    return tree_map(sized, inputs), tree_map(sized, dict(kwargs))
