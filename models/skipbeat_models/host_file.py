"""The host's part of a network as a file of `torch.export.save`, read so that nothing in it is executed.

`torch.export.load` unpickles what a file says is pickled, looks operators up by any name, and evaluates sizes as Python
text. So a file is looked at first: only raw tensors, PyTorch's own operators and sizes that are numbers come to it.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.utils._pytree import tree_flatten

from skipbeat_arch.errors import InputError, one_line
from skipbeat_arch.files import parse_json

from .sources.tracing.exported import quiet

_OPERATORS = re.compile(r"torch\.ops\.aten\.\w+\.\w+|_operator\.\w+|math\.\w+|torch\.ops\.higher_order\.wrap_with_\w+")
_MEMBERS = re.compile(
    r"models/model\.json|data/(weights|constants)/(weight|tensor)_\d+|data/sample_inputs/model\.pt"
    r"|data/weights/model_weights_config\.json|data/constants/model_constants_config\.json"
    r"|archive_format|archive_version|byteorder|\.data/(version|serialization_id)"
)
#: Parts of a graph that PyTorch evaluates as text, or looks up as objects.
_LIVE = ("as_expr", "expr_str", "as_operator", "as_custom_obj", "as_graph_module_call")
_EMPTY = ("guards_code", "range_constraints")
_SPECIFICATIONS = ("in_spec", "out_spec")
_CONTAINERS = re.compile(r'"type": "(?!builtins\.(tuple|list|dict)")')


def pack_host(program: ExportedProgram) -> bytes:
    """A program of the host as `torch.export.save` writes it.

    Arguments and results are named by the graph. How they lie in containers is left out: a class of results that some
    package brings would be needed to read the file. So are the lines of source that called each operator: they hold
    folders of the machine that exported it, and an archive is the same whoever makes it.
    """
    content = io.BytesIO()
    for module in program.graph_module.modules():
        if isinstance(module, GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
    root = program.module_call_graph[0]
    if root.signature is not None:
        given, results = len(root.signature.inputs), len(root.signature.outputs)
        _, into = tree_flatten(((0,) * given, {}))
        _, out = tree_flatten((0,) * results)
        root.signature = replace(root.signature, in_spec=into, out_spec=out)
    with quiet():
        torch.export.save(program, content)
    return content.getvalue()


def unpack_host(content: bytes, what: str) -> ExportedProgram:
    """The program in a file's content; `what` names the file in messages.

    Raises:
        InputError: it is none, or has a part that could run code.
    """
    try:
        check_data_only(content, what)
        with quiet():
            return torch.export.load(io.BytesIO(content))
    except InputError:
        raise
    except Exception as error:  # whatever an altered file makes of torch's reader
        raise InputError(f"{what}: not an exported program: {one_line(str(error), 200)}") from None


def check_data_only(content: bytes, what: str) -> None:
    """Whether PyTorch's reader would execute nothing of a file.

    Raises:
        InputError: it has a part that is pickled, evaluated or looked up by a name that is not an operator's.
    """

    def refuse(part: str) -> InputError:
        return InputError(f"{what}: {part}, which could run code; expected what `skipbeat compile` writes")

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise InputError(f"{what}: compressed, which PyTorch's own files are not; it could ask for any memory")
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
        if len(members) < len(archive.namelist()):
            raise refuse("it has two members of one name")
    if strange := [name for name in members if not _MEMBERS.fullmatch(name)]:
        raise refuse(f"it has a member {strange[0]}")
    for kind in ("weights", "constants"):
        config = parse_json(members[f"data/{kind}/model_{kind}_config.json"], what)
        for name, entry in config["config"].items():
            if entry["use_pickle"] is not False or f"data/{kind}/{entry['path_name']}" not in members:
                raise refuse(f"its tensor {name} is pickled or missing")
    if (inputs := members.get("data/sample_inputs/model.pt")) is not None:
        torch.load(io.BytesIO(inputs), weights_only=True)  # refuses all but tensors; the reader would try it first too
    for key, value in _entries(parse_json(members["models/model.json"], what)):
        if key in _LIVE or (key in _EMPTY and value):
            raise refuse(f"its graph has {key}")
        if key == "target" and not _OPERATORS.fullmatch(str(value)):
            raise refuse(f"its graph calls {value}")
        if key in _SPECIFICATIONS and _CONTAINERS.search(json.dumps(json.loads(str(value)))):
            raise refuse("its arguments lie in containers of a package's own")


def _entries(value: object) -> Iterator[tuple[str, object]]:
    """All keys of a JSON value with what they hold, at any depth."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            yield from item.items()
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
