"""The operators of a `.pt2` file of torch.export.save, read as data.

`torch.export.load` unpickles weights, constants and example inputs, and evaluates sizes as Python text, so a file
could run code of its own. Here the graph is read from its JSON and weights from their raw bytes; sizes that are
formulas count with the value that they had when the model was exported. What only pickle could read is refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import parse_json, regular_file

from ..graphs.folding import MULTIPLYING
from ..graphs.graph import Argument, Graph, Operator, Value, names_of
from ..graphs.operators import ATTENTIONS, BILINEAR, RECURRENT

#: Numbers of torch's `ScalarType` in its schema of exported programs.
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
    28: torch.uint16,
    29: torch.float8_e4m3fn,
    30: torch.float8_e5m2,
    31: torch.float8_e4m3fnuz,
    32: torch.float8_e5m2fnuz,
}
_SWITCHES = ("torch.ops.higher_order.wrap_with_set_grad_enabled", "torch.ops.higher_order.wrap_with_autocast")
_MODELS, _WEIGHTS, _CONSTANTS = "models/", "data/weights/", "data/constants/"

#: What is not priced under a vmap, where operands have an axis less than in the file's inputs, and why.
_PRODUCTS = MULTIPLYING | ATTENTIONS | BILINEAR | RECURRENT.keys()
_MAPPED = "a product under vmap; save the program after run_decompositions()"

Json = Mapping[str, object]


def load_pt2(path: Path) -> Graph:
    """The operators of an exported model; weights are read when they are asked for.

    Raises:
        InputError: the file is missing, cut short, not of torch.export.save, or holds something that would have to be
            unpickled.
    """
    try:
        archive = _Archive(path)
        return _Reader(archive).read()
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"model {path}: cannot be read as a .pt2 file: {described(error)}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"model {path}: its graph is not as torch.export.save writes it: {described(error)}") from None


class _Archive:
    """The members of the file below its one folder, read without decompression: torch does not compress."""

    def __init__(self, path: Path) -> None:
        self.path = regular_file(path, f"model {path}")
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise InputError(f"model {path}: a .pt2 file of torch.export.save is not compressed")
        self._members = {entry.filename.partition("/")[2]: entry.filename for entry in entries}

    def names(self, folder: str) -> list[str]:
        return [name for name in self._members if name.startswith(folder)]

    def read(self, name: str) -> bytes:
        if name not in self._members:
            raise InputError(
                f"model {self.path}: expected a member {name}; was it made by torch.export.save of torch 2.8 or newer?"
            )
        with zipfile.ZipFile(self.path) as file:
            return file.read(self._members[name])

    def json(self, name: str) -> Json:
        return _mapping(parse_json(self.read(name), f"model {self.path}: {name}"))


class _Reader:
    def __init__(self, archive: _Archive) -> None:
        self._archive = archive
        models = archive.names(_MODELS)
        self._name = models[0].removeprefix(_MODELS).removesuffix(".json") if len(models) == 1 else ""
        if not self._name:
            raise InputError(f"model {archive.path}: expected one exported model in the file, not {len(models)}")
        self._operators: list[Operator] = []
        self._inlined = self._mapped = 0
        self._dynamic = False

    def read(self) -> Graph:
        program = _mapping(self._archive.json(f"{_MODELS}{self._name}.json")["graph_module"])
        stored = {
            **self._tensors(_WEIGHTS, f"{self._name}_weights_config.json"),
            **self._tensors(_CONSTANTS, f"{self._name}_constants_config.json"),
        }
        graph = _mapping(program["graph"])
        returned = self._run(graph, {}, "")
        weights, inputs = {}, []
        for spec in _list(_mapping(program["signature"])["input_specs"]):
            kind, content = next(iter(_mapping(spec).items()))
            if kind in ("parameter", "buffer", "tensor_constant"):
                entry = _mapping(content)
                weights[str(_mapping(entry["arg"])["name"])] = str(entry[f"{kind}_name"])
            elif kind == "user_input" and "as_tensor" in (given := _mapping(_mapping(content)["arg"])):
                meta = _mapping(_mapping(graph["tensor_values"])[_name(given)])
                inputs.append(tuple(self._size(size) for size in _list(meta["sizes"])))
        notes = ("sizes that the exported model leaves open are those of its example inputs",) if self._dynamic else ()

        def tensor(name: str) -> torch.Tensor:
            if name not in stored:
                raise InputError(f"model {self._archive.path}: its weight {name} is missing")
            folder, payload = stored[name]
            try:
                return self._tensor(name, folder, payload)
            except (KeyError, TypeError, ValueError, RuntimeError, OSError, zipfile.BadZipFile) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"model {self._archive.path}: weight {name}: {described(error)}") from None

        return Graph(
            tuple(self._operators), weights, tensor, frozenset(stored), notes, tuple(inputs), names_of(returned)
        )

    def _tensors(self, folder: str, config: str) -> dict[str, tuple[str, Json]]:
        """Where each stored tensor lies."""
        found = {}
        for name, content in _mapping(self._archive.json(folder + config)["config"]).items():
            payload = _mapping(content)
            if payload["use_pickle"] or payload["tensor_meta"] is None:
                raise InputError(
                    f"model {self._archive.path}: {name} is stored as a pickle, which could run code when "
                    "it is read; export a model whose weights are plain tensors"
                )
            found[name] = (folder, payload)
        return found

    def _tensor(self, name: str, folder: str, payload: Json) -> torch.Tensor:
        meta = _mapping(payload["tensor_meta"])
        dtype = _DTYPES.get(_integer(meta["dtype"]))
        if dtype is None:
            raise InputError(f"model {self._archive.path}: weight {name} has a number format that is not supported")
        sizes, strides = ([self._size(item) for item in _list(meta[key])] for key in ("sizes", "strides"))
        data = bytearray(self._archive.read(folder + str(payload["path_name"])))
        flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        offset = self._size(meta["storage_offset"])
        last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        if 0 not in sizes and not (0 <= offset <= last < len(flat) and min(strides, default=0) >= 0):
            raise InputError(f"model {self._archive.path}: weight {name} is cut short: {len(flat)} elements stored")
        return flat.as_strided(sizes, strides, offset)

    def _size(self, item: object) -> int:
        """A size as a number; of a formula its value in the example."""
        size = _mapping(item)
        if "as_int" in size:
            return _integer(size["as_int"])
        hint = _mapping(size["as_expr"]).get("hint")
        if hint is None:
            raise InputError(f"model {self._archive.path}: a size depends on data; export it with fixed sizes")
        self._dynamic = True
        return _integer(_mapping(hint)["as_int"])

    def _run(self, graph: Json, given: Mapping[str, Argument], prefix: str) -> list[Argument]:
        values: dict[str, Argument] = {
            name: Value(
                prefix + name,
                tuple(self._size(size) for size in _list(_mapping(meta)["sizes"])),
                _DTYPES.get(_integer(_mapping(meta)["dtype"])),
            )
            for name, meta in _mapping(graph["tensor_values"]).items()
        }
        for name, size in _mapping(graph["sym_int_values"]).items():
            values[name] = self._size(size)
        values.update(given)
        for item in _list(graph["nodes"]):
            self._add(_mapping(item), values)
        return [_argument(_mapping(output), values) for output in _list(graph["outputs"])]

    def _add(self, node: Json, values: dict[str, Argument]) -> None:
        target = str(node["target"])
        inputs = [_mapping(item) for item in _list(node["inputs"])]
        outputs = [_mapping(output) for output in _list(node["outputs"])]
        parts = [i for i, item in enumerate(inputs) if "as_graph" in _mapping(item["arg"])]
        if parts:
            if target not in _SWITCHES or len(parts) != 1:
                raise InputError(
                    f"model {self._archive.path}: operator {target}: control flow that depends on data "
                    "has no one cost; export the branch that is to be priced"
                )
            self._inline(inputs, parts[0], outputs, values)
            return
        args = {str(item["name"]): _argument(_mapping(item["arg"]), values) for item in inputs}
        flat: list[Argument] = []
        for output in outputs:
            result = _argument(output, values)
            flat += result if isinstance(result, list) else [result]
        results = tuple(result for result in flat if isinstance(result, Value))
        metadata = node.get("metadata")
        stack = str(_mapping(metadata).get("nn_module_stack", "")) if metadata else ""
        name = stack.rpartition(";")[2].split(",")[1:2]
        made = Operator(target.removeprefix("torch.ops."), args, results, name[0] if name else "")
        self._mapped += target.endswith("._vmap_increment_nesting") - target.endswith("._vmap_decrement_nesting")
        self._operators.append(replace(made, left=_MAPPED) if self._mapped and made.base in _PRODUCTS else made)

    def _inline(self, inputs: list[Json], part: int, outputs: list[Json], values: dict[str, Argument]) -> None:
        """Runs a part of the graph that stands under a switch, such as one for gradients."""
        inner = _mapping(_mapping(_mapping(inputs[part]["arg"])["as_graph"])["graph"])
        names = [_name(_mapping(item)) for item in _list(inner["inputs"])]
        given = [_argument(_mapping(item["arg"]), values) for item in inputs[part + 1 :]]
        self._inlined += 1
        results = self._run(inner, dict(zip(names, given, strict=True)), f"part{self._inlined}.")
        made: list[str] = []
        for output in outputs:
            made += [_name({"as_tensor": item}) for item in _list(output.get("as_tensors", []))] or [_name(output)]
        values.update(zip(made, results, strict=True))


def _argument(item: Json, values: Mapping[str, Argument]) -> Argument:
    kind, content = next(iter(item.items()))
    if kind == "as_tensor":
        return values.get(_name(item))
    if kind in ("as_tensors", "as_optional_tensors"):
        entries = [_mapping(entry) for entry in _list(content)]
        return [_argument(entry if "name" not in entry else {"as_tensor": entry}, values) for entry in entries]
    if kind in ("as_optional_tensor", "as_sym_int", "as_sym_bool", "as_sym_float"):
        return _argument(_mapping(content), values)
    if kind == "as_sym_ints":
        return [_argument(_mapping(entry), values) for entry in _list(content)]
    if kind == "as_name":
        return values.get(str(content))
    if kind in ("as_int", "as_float", "as_bool", "as_string") and isinstance(content, bool | int | float | str):
        return content
    if kind == "as_scalar_type":
        return _DTYPES.get(_integer(content))
    if kind in ("as_ints", "as_floats", "as_bools", "as_strings"):
        return [entry for entry in _list(content) if isinstance(entry, bool | int | float | str)]
    return None


def _name(item: Json) -> str:
    content = next(iter(item.values()))
    return str(_mapping(content)["name"]) if isinstance(content, dict) and "name" in content else str(content)


def _mapping(item: object) -> Json:
    if not isinstance(item, dict):
        raise TypeError(f"expected an object, not {type(item).__name__}")
    return item


def _list(item: object) -> list[object]:
    if not isinstance(item, list):
        raise TypeError(f"expected a list, not {type(item).__name__}")
    return item


def _integer(item: object) -> int:
    if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < 1 << 48:
        raise TypeError(f"expected a size, not {item!r}")
    return item
