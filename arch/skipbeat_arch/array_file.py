"""Arrays in a file that NumPy reads."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo, is_zipfile

from .errors import InputError, described
from .files import regular_file, write_bytes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Of the arrays of a file, all together.
_MOST_BYTES = 4 << 30

#: How NumPy and zipfile refuse a file; a header of an array may even fail as a program text.
ZIP_ERRORS = (
    *(OSError, ValueError, BadZipFile, EOFError, KeyError, NotImplementedError, MemoryError),
    *(SyntaxError, TokenError, zlib.error, RuntimeError),
)


def save_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Writes named arrays to an .npz file.

    Raises:
        InputError: it cannot be written.
    """
    write_bytes(path, packed_arrays(arrays))


def read_arrays(path: Path, what: str) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by their names, or the one of an .npy file under the name ""; `what` names the file.

    Raises:
        InputError: it cannot be read, has something else than arrays in it, or unpacks to more than a file may hold.
    """
    import numpy

    try:
        with open(regular_file(path, what), "rb") as file:
            packed = is_zipfile(file)
            if packed and sum(member.file_size for member in ZipFile(file).infolist()) > _MOST_BYTES:
                raise InputError(f"{what}: unpacks to more than {_MOST_BYTES:,} bytes")
            file.seek(0)
            found = numpy.load(file, allow_pickle=False)
            arrays = {name: found[name] for name in found.files} if packed else {"": found}
    except InputError:
        raise
    except ZIP_ERRORS as error:
        raise InputError(f"{what}: cannot be read as .npz or .npy: {described(error)}") from None
    if strange := [name for name, array in arrays.items() if not isinstance(array, numpy.ndarray)]:
        raise InputError(f"{what}: {strange[0]} is no array")
    return arrays


def densities(path: Path) -> dict[str, float]:
    """The share of each array of an .npz file that is not zero.

    Raises:
        InputError: as `read_arrays`, or there is nothing in it.
    """
    import numpy

    what = f"activations {path}"
    arrays = read_arrays(path, what)
    if not arrays or "" in arrays or not all(array.size for array in arrays.values()):
        raise InputError(f"{what}: expected an array with the activations of each layer, by its name (.npz)")
    return {name: int(numpy.count_nonzero(array)) / array.size for name, array in arrays.items()}


def packed_arrays(arrays: Mapping[str, ArrayLike]) -> bytes:
    """The content of an .npz file."""
    import numpy

    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            numpy.save(member, numpy.asarray(array), allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy"), member.getvalue(), ZIP_DEFLATED)
    return content.getvalue()
