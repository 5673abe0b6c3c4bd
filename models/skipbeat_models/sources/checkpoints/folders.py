"""Which files of a folder hold the model: an index decides, then the usual names, and nothing is counted twice.

| in the folder | what is read |
|---|---|
| `model.safetensors.index.json`, or one other `*.safetensors.index.json` | the files that it names |
| `model.safetensors` | that file alone; `consolidated.safetensors` beside it is the same model in another form |
| `pytorch_model.bin.index.json` | the files that it names |
| `pytorch_model.bin` | that file alone |
| other `.safetensors` files | all of them, without a `consolidated` twin; numbered ones must be complete |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from skipbeat_arch.errors import InputError
from skipbeat_arch.files import parse_json, read_text

#: Ends the name of a file that says in which file each tensor is.
INDEX = ".index.json"
_MOST_INDEX_BYTES = 256 << 20
_NUMBERED = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.(?:safetensors|bin)")
#: What a folder may hold instead of a model, and what to do about it.
_OTHER_FORMS = (
    ("adapter_model.*", "an adapter (LoRA) without its model: merge them (peft: merge_and_unload) and save the result"),
    ("model_index.json", "a pipeline (diffusers): give one of its folders"),
    ("*.gguf", "a GGUF file: give the model's .safetensors, or module:function that loads it"),
    ("*.onnx", "an .onnx file: give that file"),
    ("*.pt2", "a .pt2 file: give that file"),
    ("*.ckpt", "a .ckpt file: give it as the --checkpoint of a module:function"),
    ("*.pt*", "a .pt or .pth file: give it as the --checkpoint of a module:function"),
    ("*.msgpack", "Flax weights: save them from PyTorch as .safetensors"),
    ("*.h5", "TensorFlow weights: save them from PyTorch as .safetensors"),
)

#: Files with the names of the tensors that are read from each; None: all.
Parts = dict[Path, frozenset[str] | None]


def parts_of(folder: Path) -> Parts:
    """The files that hold a folder's model.

    Raises:
        InputError: the folder holds no model or several, or a file of it is missing.
    """
    indexes = sorted(folder.glob(f"*.safetensors{INDEX}"))
    usual = folder / f"model.safetensors{INDEX}"
    if usual in indexes or len(indexes) == 1:
        return indexed_parts(usual if usual in indexes else indexes[0])
    if indexes:
        raise InputError(f"folder {folder}: expected one index of a model, found {', '.join(i.name for i in indexes)}")
    whole = folder / "model.safetensors"
    if whole.exists():
        return {whole: None}
    pickled = folder / "pytorch_model.bin"
    if (index := folder / f"{pickled.name}{INDEX}").exists():
        return indexed_parts(index)
    if pickled.exists():
        return {pickled: None}
    files = sorted(folder.glob("*.safetensors"))
    files = [file for file in files if not file.name.startswith("adapter_model")]
    parts = [file for file in files if not file.name.startswith("consolidated")] or files
    _check_numbers(folder, parts)
    if not parts:
        raise InputError(f"folder {folder}: expected .safetensors files or pytorch_model.bin in it{_other(folder)}")
    return dict.fromkeys(parts)


def indexed_parts(index: Path) -> Parts:
    """The files that an index names, which lie beside it.

    Raises:
        InputError: it is no index, or a file is missing.
    """
    content = parse_json(read_text(index, f"index {index}", _MOST_INDEX_BYTES), f"index {index}")
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places:
        raise InputError(f"index {index}: expected a weight_map of tensors with their files")
    return _grouped(index, places)


def _grouped(index: Path, places: Mapping[str, object]) -> Parts:
    found: dict[str, set[str]] = {}
    for name, place in places.items():
        if not isinstance(place, str) or not place or place != Path(place).name:
            raise InputError(f"index {index}: expected for {name} the name of a file beside it, not {place!r}")
        found.setdefault(place, set()).add(name)
    missing = [place for place in found if not (index.parent / place).is_file()]
    if missing:
        raise InputError(
            f"index {index}: {len(missing)} of {len(found)} files are missing: {', '.join(sorted(missing)[:4])}"
        )
    return {index.parent / place: frozenset(names) for place, names in found.items()}


def _check_numbers(folder: Path, files: list[Path]) -> None:
    """Files `X-00001-of-00003` without an index: all three have to be there."""
    there: dict[tuple[str, int], set[int]] = {}
    for file in files:
        if match := _NUMBERED.fullmatch(file.name):
            there.setdefault((match[1], int(match[3])), set()).add(int(match[2]))
    for (name, count), numbers in there.items():
        missing = sorted(set(range(1, count + 1)) - numbers)
        if missing:
            raise InputError(
                f"folder {folder}: {len(missing)} of {count} files are missing: {name}-{missing[0]:05}-of-{count:05}"
                f"{', ...' if len(missing) > 1 else ''}"
            )


def _other(folder: Path) -> str:
    found = next((said for pattern, said in _OTHER_FORMS if any(folder.glob(pattern))), None)
    return f"; it holds {found}" if found else ""
