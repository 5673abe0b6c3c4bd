"""Arrays in a file that NumPy reads."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from skipbeat_arch.files import write_bytes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def save_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Writes named arrays to an .npz file.

    Raises:
        InputError: it cannot be written.
    """
    write_bytes(path, packed_arrays(arrays))


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
