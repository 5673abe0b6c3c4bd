"""Files of torch.save: state dicts, alone or inside of what a training script saved. Nothing in them is executed."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import begins_with, regular_file

from ...alone import without_warnings

#: Endings of files of torch.save.
PICKLED = (".pt", ".pth", ".bin", ".ckpt")
#: How a ZIP file begins, which torch.save writes, and what is said of one without its end.
_ZIP, _CUT = b"PK\x03\x04", "cannot be read: it is cut short, or damaged; expected all that torch.save wrote"
#: Under which name training scripts keep the state dict, the first that is there.
_INSIDE = ("state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params")


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state dict; the file stays on disk (mmap) where its format allows it.

    Raises:
        InputError: it cannot be read, would run code, or holds no state dict or several.
    """
    what = f"checkpoint {path}"
    try:
        regular_file(path, what)
        zipped = zipfile.is_zipfile(path)
        if not zipped and begins_with(path, _ZIP):
            raise InputError(f"{what}: {_CUT}")
        with without_warnings():  # of its own deprecated storages
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if "truncated" in str(error):
            raise InputError(f"{what}: {_CUT}") from None
        raise InputError(
            f"{what}: holds more than tensors, and reading it could run code; save model.state_dict(), or use "
            ".safetensors"
        ) from None
    except InputError:
        raise
    except Exception as error:  # whatever torch's reader meets in a damaged file
        cut = isinstance(error, EOFError | IndexError) or "unexpected EOF" in str(error)
        raise InputError(f"{what}: {_CUT if cut else f'cannot be read: {described(error)}'}") from None
    return _state_dict(loaded, what)


def _state_dict(loaded: object, what: str) -> dict[str, torch.Tensor]:
    """Tensors by name, without the numbers and texts that may stand beside them."""
    for _ in range(2):  # such as {"model": {"state_dict": ...}}
        inside = next((name for name in _INSIDE if _is_state(loaded, name)), None)
        loaded = loaded[inside] if inside is not None and isinstance(loaded, Mapping) else loaded
    tensors = _tensors(loaded)
    if not tensors:
        raise InputError(f"{what}: expected a state dict, names with their tensors{_held(loaded)}")
    return tensors


def _is_state(loaded: object, name: str) -> bool:
    return isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping) and not _tensors(loaded)


def _tensors(loaded: object) -> dict[str, torch.Tensor]:
    """None if anything but tensors, numbers and texts stands there."""
    if not isinstance(loaded, Mapping):
        return {}
    tensors = {str(name): value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    plain = (torch.Tensor, bool, int, float, str, type(None))
    return tensors if all(isinstance(value, plain) for value in loaded.values()) else {}


def _held(loaded: object) -> str:
    if not isinstance(loaded, Mapping):
        return ""
    names = [str(name) for name, value in loaded.items() if isinstance(value, Mapping)]
    return f"; it holds {', '.join(names[:6])}: save one of them alone" if names else ""
