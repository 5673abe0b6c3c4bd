"""Arrays by their element type; shapes are said where they are used."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]
#: Places in an array, in the order in which something is taken.
Indices = npt.NDArray[np.intp]
#: Of any elements.
Array = npt.NDArray[Any]
#: Of any width.
IntArray = npt.NDArray[np.signedinteger]
Floats = npt.NDArray[np.floating]
Reals = npt.NDArray[np.integer] | Floats
#: Activations [rows, M]: a row's M lie side by side in one word.
Bundles = Annotated[Int32Array, "bundles"]
