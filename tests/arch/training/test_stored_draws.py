"""Draws of a program's output: each element's is that of its STORE, by the number of its vector there and its lane."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.instruction import INSTRUCTION_BYTES, End, Store
from skipbeat_arch.machine_program import MachineProgram, Place
from skipbeat_arch.training.lfsr import advance, generators
from skipbeat_arch.training.rounding import STORE_SEED_BITS, seed_at, store_seed
from skipbeat_arch.training.stored_draws import stored_draws

VECTOR, LANES, AT = 4, 2, 256


def store(first: int, count: int, seed: int | None) -> Store:
    """A STORE of vectors; without a seed it is not stochastic."""
    kind = {"low": 0, "high": 9} if seed is None else {"stochastic": 1, "seed": seed, "low": -127, "high": 127}
    return Store.of_values({"address": AT + VECTOR * first, "count": count, "pool": 1, "memory": 1, **kind})


def test_every_element_by_hand() -> None:
    """Two blocks of channels, of which the second is not full, two pixels, three images in groups of two."""
    written = [(4, 4, 5), (0, 3, 6), (8, 4, 7), (3, 1, None)]
    stores = [store(*each) for each in written]
    code = b"".join(each.to_word().to_bytes(INSTRUCTION_BYTES, "little") for each in (*stores, End()))
    order = (1, 0, 2, 3, 5, 4)
    places = [
        Place(name="y", address=AT, shape=(6, 1, 2), first=0, images=2, order=order),
        Place(name="y", address=AT + 8 * VECTOR, shape=(6, 1, 2), first=2, images=1, order=order),
    ]
    program = MachineProgram(
        hardware="none",
        fingerprint=0,
        vector=VECTOR,
        image=np.frombuffer(code, np.uint8),
        memory_bytes=AT + 12 * VECTOR,
        address=0,
        count=len(stores) + 1,
        tensors=tuple(places),
        nodes=(),
    )
    found = stored_draws(program, LANES)
    assert found.shape == (3, 6, 1, 2)
    for image, channel, x in np.ndindex(3, 6, 2):
        column = order.index(channel)
        block, group, side = column // VECTOR, image // 2, (2, 1)[image // 2]
        number = 8 * group + (block * 2 + x) * side + image % 2
        first, seed = next((at, seed) for at, count, seed in written if at <= number < at + count)
        if seed is None:
            assert found[image, channel, 0, x] == 0, "no STORE rounds it"
            continue
        draws = generators(store_seed(seed), LANES)
        for _ in range((number - first) * VECTOR // LANES + column % VECTOR // LANES):
            draws = advance(draws)
        assert found[image, channel, 0, x] == draws[column % LANES]


def test_seeds_of_all_places_differ() -> None:
    seeds = [seed_at(11, place) for place in range(0, 1 << STORE_SEED_BITS, 997)]
    assert len(set(seeds)) == len(seeds)
    assert seeds[0] == 11
    assert all(0 <= seed < 1 << STORE_SEED_BITS for seed in seeds)
    assert seed_at(seed_at(11, 300), 45) == seed_at(11, 345), "a part of a tensor goes on where another one ends"
