from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.command import Command
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.stream import CoreStimulus
from skipbeat_arch.workload import Convolution, Gemm
from skipbeat_mapper.core_compiler.compile import CompileOptions, compile_dense, compile_layer
from skipbeat_mapper.core_compiler.schedule import Loop
from skipbeat_mapper.core_compiler.stimulus import collect, stimulus
from skipbeat_mapper.gather import block_diagonal, gather
from skipbeat_sim.timing.core_timing import core_cycles

MakeHw = Callable[..., Hardware]
Core = Callable[[CoreStimulus, Hardware], np.ndarray]


def pruned(rng: np.random.Generator, c: int, k: int, kind: str, density: float) -> np.ndarray:
    """Random int8 weights [c, k] with zeros of some kind; extreme values are frequent."""
    weight = rng.choice(np.array([-128, -127, -1, 1, 2, 126, 127], np.int8), (c, k))
    if kind == "nm":
        score = rng.random((-(-c // 4) * 4, k)).reshape(-1, 4, k)
        weight[(score.argsort(axis=1).argsort(axis=1) >= 2).reshape(-1, k)[:c]] = 0
    elif kind == "unstructured":
        weight[rng.random((c, k)) >= density] = 0
    elif kind == "block":
        weight[np.repeat(np.repeat(rng.random((-(-c // 8), -(-k // 4))) >= density, 8, 0), 4, 1)[:c, :k]] = 0
    elif kind == "zero":
        weight[:] = 0
    return weight


@settings(max_examples=150, deadline=None)
@given(
    p=st.integers(1, 40),
    c=st.integers(1, 80),
    k=st.integers(1, 20),
    rows=st.integers(1, 6),
    cols=st.integers(1, 6),
    group=st.sampled_from((4, 8, 16)),
    depth=st.sampled_from((1, 7, 64)),
    density=st.floats(0, 1),
    kind=st.sampled_from(("dense", "nm", "unstructured", "block", "zero")),
    seed=st.integers(0, 2**32 - 1),
    regroup=st.booleans(),
    permute=st.booleans(),
    loop=st.sampled_from(("columns", "blocks")),
)
def test_a_core_that_runs_the_program_computes_the_gemm(
    make_hw: MakeHw,
    core: Core,
    p: int,
    c: int,
    k: int,
    rows: int,
    cols: int,
    group: int,
    depth: int,
    density: float,
    kind: str,
    seed: int,
    regroup: bool,
    permute: bool,
    loop: Loop,
) -> None:
    hw = make_hw(rows, cols, group, depth)
    rng = np.random.default_rng(seed)
    weight = pruned(rng, c, k, kind, density)
    x = rng.choice(np.array([-128, -1, 0, 1, 127], np.int8), (p, c))
    options = CompileOptions(regroup=regroup, permute=permute, loops=(loop,))
    program = compile_layer((weight, Gemm(p=p, c=c, k=k)), hw, options=options)
    assert all((q.command.beat == 0) == (q.tile is None) for q in program.passes)
    y = collect(program, core(stimulus(program, x), hw))
    np.testing.assert_array_equal(y, x.astype(np.int64) @ weight.astype(np.int64))


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_a_convolution_and_its_channel_groups(make_hw: MakeHw, core: Core, order: str, groups: int) -> None:
    conv = Convolution(
        batch=2,
        c_in=6,
        c_out=12,
        height=6,
        width=5,
        kernel=(3, 2),
        stride=(1, 2),
        padding=(1, 0),
        groups=groups,
        order="kh,kw,cin" if order == "kh,kw,cin" else "cin,kh,kw",
    )
    hw, rng = make_hw(4, 4, 4, 16), np.random.default_rng(groups)
    x = rng.integers(-128, 128, (2, 6, 6, 5), np.int8)
    weight = rng.integers(-128, 128, (groups, conv.gemm.c, conv.gemm.k), np.int8)
    program = compile_layer((weight if groups > 1 else weight[0], conv), hw)
    y = collect(program, core(stimulus(program, gather(x, conv)), hw))
    apart = [gather(x, conv, g).astype(np.int64) @ weight[g].astype(np.int64) for g in range(groups)]
    np.testing.assert_array_equal(y, np.concatenate(apart, axis=1))


def steps_of_a_pixel(commands: Sequence[Command], pixels: int) -> int:
    return sum(c.pixels * c.beat for c in commands) // pixels


@pytest.mark.parametrize(("c_in", "steps"), [(1, 1), (3, 2)])
def test_a_first_convolution_does_not_waste_the_rows(c_in: int, steps: int) -> None:
    hw = load_hardware("edge-16x16")
    conv = Convolution(batch=1, c_in=c_in, c_out=16, height=8, width=8, kernel=(3, 3), padding=(1, 1))
    weight = np.ones((9 * c_in, 16), np.int8)
    assert steps_of_a_pixel(compile_layer((weight, conv), hw).commands, 64) == steps
    assert steps_of_a_pixel(compile_dense((weight, conv), hw).commands, 64) == steps


def test_depthwise_channels_share_the_array() -> None:
    hw = load_hardware("edge-16x16")
    conv = Convolution(batch=1, c_in=16, c_out=16, height=8, width=8, kernel=(3, 3), padding=(1, 1), groups=16)
    program = compile_layer((np.ones((16, 9, 1), np.int8), conv), hw)
    assert steps_of_a_pixel(program.commands, 64) == 3  # 36 groups with b = 1 on 16 rows, not 16 times one


def test_outputs_are_permuted_only_where_it_pays() -> None:
    hw, rng = load_hardware("tiny-4x4"), np.random.default_rng(1)
    weight = np.zeros((32, 16), np.int8)
    weight[:16, ::2] = weight[16:, 1::2] = 3
    mixed = compile_layer((weight, Gemm(p=64, c=32, k=16)), hw)
    fixed = compile_layer((weight, Gemm(p=64, c=32, k=16)), hw, options=CompileOptions(permute=False))
    assert mixed.cycles < 0.6 * fixed.cycles
    dense = rng.integers(1, 100, (32, 16)).astype(np.int8)
    program = compile_layer((dense, Gemm(p=64, c=32, k=16)), hw)
    np.testing.assert_array_equal(np.concatenate([column.outputs for column in program.columns]), np.arange(16))


@settings(max_examples=40, deadline=None)
@given(p=st.integers(1, 60), c=st.integers(1, 60), k=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_search_never_loses_to_the_plain_program(make_hw: MakeHw, p: int, c: int, k: int, seed: int) -> None:
    hw, rng = make_hw(4, 4, 4, 32), np.random.default_rng(seed)
    layer = pruned(rng, c, k, "unstructured", float(rng.random())), Gemm(p=p, c=c, k=k)
    plain = CompileOptions(regroup=False, permute=False, loops=("columns",))
    best = compile_layer(layer, hw)
    assert best.cycles <= compile_layer(layer, hw, options=plain).cycles
    assert best.cycles == core_cycles(best.commands, best.tiles, hw) >= best.cycles_limit


def test_the_dense_machine_does_not_look_at_the_weights() -> None:
    hw, gemm = load_hardware("tiny-4x4"), Gemm(p=10, c=50, k=7)
    zero = compile_dense((np.zeros((50, 7), np.int8), gemm), hw)
    full = compile_dense((np.full((50, 7), -128, np.int8), gemm), hw)
    assert zero.commands == full.commands
    assert zero.cycles == full.cycles
    assert zero.macs == gemm.macs
    assert steps_of_a_pixel(full.commands, 10) == 2 * -(-50 // 4)
    sparse = np.zeros((50, 7), np.int8)
    sparse[::4] = 1
    program = compile_layer((sparse, gemm), hw)
    assert program.macs == 10 * 13 * 7
    assert program.cycles < full.cycles
    assert program.utilisation == program.macs / (program.cycles * 16)


def layer_of(weight: np.ndarray, gemm: Gemm) -> IntegerLayer:
    return IntegerLayer(name="fc", workload=gemm, weight=weight, bias=np.zeros(gemm.k, np.int32))


def test_a_layer_s_errors_name_it() -> None:
    gemm = Gemm(p=1, c=4, k=2)
    weight = np.full((4, 2), -128, np.int8)
    narrow = load_hardware("tiny-4x4", ["numbers.weight_bits=4"])
    with pytest.raises(InputError, match=r"fc: weights must be in -8\.\.7"):
        compile_layer(layer_of(weight, gemm), narrow)
    small = load_hardware("tiny-4x4", ["numbers.accumulator_bits=19"])
    with pytest.raises(InputError, match="fc: sums can reach 819200"):
        compile_layer(layer_of(np.full((50, 2), -128, np.int8), Gemm(p=1, c=50, k=2)), small)
    for pixels in (0, 5000):
        with pytest.raises(InputError, match="block_pixels must be in"):
            compile_layer(layer_of(weight, gemm), load_hardware(), options=CompileOptions(block_pixels=pixels))
    with pytest.raises(InputError, match="at least one loop"):
        compile_layer(layer_of(weight, gemm), load_hardware(), options=CompileOptions(loops=()))
    with pytest.raises(InputError, match=r"weight: expected int8 \[4, 2\]"):
        compile_layer(layer_of(weight.T, gemm), load_hardware())


def test_block_diagonal_zeros_are_not_weights() -> None:
    conv = Convolution(batch=1, c_in=4, c_out=4, height=4, width=4, kernel=(1, 1), groups=4)
    weight = np.ones((4, 1, 1), np.int8)
    program = compile_dense((weight, conv), load_hardware("tiny-4x4"))
    assert program.macs == conv.macs
    np.testing.assert_array_equal(program.weight, block_diagonal(weight, conv))


def test_the_price_decides_among_schedules() -> None:
    hw, gemm = load_hardware("tiny-4x4", ["accumulators.depth=8"]), Gemm(p=16, c=32, k=8)
    weight = np.ones((32, 8), np.int8)
    by_clock = compile_layer((weight, gemm), hw)
    loads_dear = compile_layer((weight, gemm), hw, price=lambda commands, tiles, _: 10**6 + len(tiles))
    loads_cheap = compile_layer((weight, gemm), hw, price=lambda commands, tiles, _: 10**6 - len(tiles))
    assert len(loads_dear.shapes) == 6
    assert len(loads_cheap.shapes) == 7
    assert by_clock.cycles == by_clock.timing.cycles == core_cycles(by_clock.commands, by_clock.tiles, hw)


@pytest.mark.parametrize(
    ("size", "group", "pattern", "gain"),
    [
        ((784, 1152, 128), 4, 2, 1.98),
        ((100, 576, 64), 4, 2, 1.95),
        ((784, 1152, 128), 8, 2, 3.9),
        ((784, 1152, 128), 8, 1, 7.5),
    ],
)
def test_sparse_gemms_are_as_much_faster_as_promised(
    size: tuple[int, int, int], group: int, pattern: int, gain: float
) -> None:
    p, c, k = size
    hw, rng = load_hardware("edge-16x16" if group == 4 else "edge-16x16-m8"), np.random.default_rng(3)
    weight = np.where(rng.random((c // group, group, k)).argsort(axis=1) < pattern, 5, 0).astype(np.int8)
    layer = weight.reshape(c, k), Gemm(p=p, c=c, k=k)
    dense = compile_dense(layer, hw)
    assert dense.utilisation >= 0.97
    assert dense.cycles >= gain * compile_layer(layer, hw).cycles
