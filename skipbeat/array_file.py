"""Arrays in a file that NumPy reads."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import regular_file, write_bytes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

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


def densities(path: Path) -> dict[str, float]:
    """The share of each array of an .npz file that is not zero.

    Raises:
        InputError: it cannot be read, has objects or nothing in it, or unpacks to more than a file may hold.
    """
    import numpy

    what = f"activations {path}"
    try:
        with ZipFile(regular_file(path, what)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise InputError(f"{what}: unpacks to more than {_MOST_BYTES:,} bytes")
        with numpy.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
            if strange := [name for name, array in found.items() if not isinstance(array, numpy.ndarray)]:
                raise InputError(f"{what}: {strange[0]} is no array")
            sizes = {name: array.size for name, array in found.items()}
            counts = {name: int(numpy.count_nonzero(array)) for name, array in found.items()}
    except InputError:
        raise
    except ZIP_ERRORS as error:
        raise InputError(f"{what}: cannot be read as .npz: {described(error)}") from None
    if not sizes or not all(sizes.values()):
        raise InputError(f"{what}: expected an array with the activations of each layer, by its name")
    return {name: counts[name] / size for name, size in sizes.items()}


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
