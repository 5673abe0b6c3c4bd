"""What is drawn for the bytes of a program's output: it follows from its stochastic STOREs alone, element by element.

A STORE's draws begin anew at its seed (`rounding_draws`). Which vectors it writes is in its address and count.
"""

from __future__ import annotations

import numpy as np

from ..arrays import UInt32Array
from ..instruction import Store
from ..machine_program import MachineProgram
from .rounding import rounding_draws, store_seed


def stored_draws(program: MachineProgram, lanes: int) -> UInt32Array:
    """A draw for each element of the output of every image, uint32 [N, K, H, W]; `lanes`: of the output stage."""
    vector = program.vector
    drawn = np.zeros((program.memory_bytes // vector, vector), np.uint32)
    for each in program.instructions:
        if isinstance(each, Store) and each.stochastic:
            first = each.address // vector
            drawn[first : first + each.count] = rounding_draws(store_seed(each.seed), lanes, each.count, vector)
    found = np.zeros((program.images, *program.output.shape), np.uint32)
    for place in program.tensors:
        if place.name != program.output.name:
            continue
        channels, height, width = place.shape
        vectors = drawn[place.address // vector :]
        count = -(-channels // vector) * height * width * place.images
        split = vectors[:count].reshape(-1, height, width, place.images, vector)
        maps = split.transpose(3, 0, 4, 1, 2).reshape(place.images, -1, height, width)[:, :channels]
        order = range(channels) if place.order is None else place.order
        found[place.first : place.first + place.images, list(order)] = maps
    return found
