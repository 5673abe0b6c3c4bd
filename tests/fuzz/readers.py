"""Every reader with the kinds of input that reach it: damaged ones, which now and then are right by chance."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from tests.fuzz import hostile, seeds
from tests.fuzz.trial import Trial

#: A source that there is not: options are read before it is looked for, and nothing is priced.
_NOWHERE = "nowhere.pt2"
_TINY = ("--hw", "tiny-4x4")
#: Commands whose results nobody compares.
_OTHERS = ("simulate", "sweep", "zoo", "nosuch")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _hardware(random: Random) -> Trial:
    return Trial(words=("hardware", "--hw", "h.yaml"), files={"h.yaml": _utf8(hostile.text(seeds.hardware(), random))})


def _hardware_values(random: Random) -> Trial:
    """One key of a description has another value, by `--set`."""
    keys = "array.rows array.cols array.group weights.decode_lanes weights.buffer_kib activations.buffer_kib name "
    keys += "accumulators.depth memory.bytes_per_clock memory.latency_clocks memory.port_bytes memory.address_bits "
    keys += "outputs.lanes host.elements_per_clock clock_mhz numbers.weight_bits array nosuch"
    key = hostile.text(random.choice(keys.split()), random) if random.random() < 0.2 else random.choice(keys.split())
    value = hostile.number(random)
    command = random.choice((("hardware",), ("estimate", _NOWHERE), ("compile", _NOWHERE, "-o", "x.skb")))
    return Trial(words=(*command, "--set", f"{key}={value}"))


def _scheme(random: Random) -> Trial:
    content = _utf8(hostile.text(seeds.SCHEME, random))
    return Trial(words=("estimate", _NOWHERE, "--prune", "s.yaml"), files={"s.yaml": content})


def _table(random: Random) -> Trial:
    content = _utf8(hostile.text(seeds.energy_table(), random))
    return Trial(words=("estimate", _NOWHERE, "--table", "t.yaml"), files={"t.yaml": content})


def _routing(random: Random) -> Trial:
    content = _utf8(hostile.text(seeds.ROUTING, random))
    return Trial(words=("estimate", _NOWHERE, "--routing", "r.json"), files={"r.json": content})


def _options(random: Random) -> Trial:
    """Sizes, patterns, seeds, names and paths on the command line."""
    core = ("--gemm", "--pattern", "--seed", "--limit", "--dump")
    name = random.choice((*core, "--prune", "--stated", "--tokens", "--batch", "--input-size", "--explain", "--html"))
    right = {"--gemm": "4,8,4", "--input-size": "x=1x3x8x8", "--html": "page.html", "--dump": "d.npz"}.get(name, "2:4")
    drawn = hostile.text(right, random) if random.random() < 0.5 else hostile.number(random)
    value = hostile.argument(drawn)
    command = ("cosim", "--machine", "--simulator", "icarus") if name in core else ("estimate", _NOWHERE)
    return Trial(words=(*command, f"{name}={value}"))


def _names(random: Random) -> Trial:
    """A model, a command or a file that there is not, or is no file."""
    right = random.choice(("zoo:resnet-81", "mine:build", "model.safetensors", "model.onnx", "folder", "a.pt2"))
    drawn = hostile.argument(hostile.text(right, random))
    command = random.choice(("estimate", "program", "compile -o x.skb", "simulate", "compare a", "")).split()
    return Trial(words=(*command, "--", drawn)) if command else Trial(words=(drawn,))


def _attention(random: Random) -> Trial:
    """A rule of the blocks that attention computes, or masks in a file."""
    if random.random() < 0.5:
        rule = hostile.argument(hostile.text(seeds.ATTENTION, random))
        return Trial(words=("estimate", _NOWHERE, f"--attention={rule}"))
    damage = _members if random.random() < 0.5 else hostile.data
    return Trial(words=("estimate", _NOWHERE, "--attention", "a.npz"), files={"a.npz": damage(seeds.masks(), random)})


def _study(random: Random) -> Trial:
    words = ("sweep", "s.yaml", "--storage", "sqlite:///:memory:")
    return Trial(words=words, files={"s.yaml": _utf8(hostile.text(seeds.STUDY, random))})


def _kept(random: Random) -> Trial:
    """A description in the cache whose checksum is right: its text or its bits are not."""
    right = seeds.description()
    size = int.from_bytes(right[:8], "little")
    content = hostile.data(right, random)
    if random.random() < 0.7:
        text = zlib.compress(_utf8(hostile.text(zlib.decompress(right[8 : 8 + size]).decode(), random)), 1)
        content = len(text).to_bytes(8, "little") + text + right[8 + size :]
    return Trial(words=("kept description", "d"), files={"d": content})


def _program(random: Random) -> Trial:
    content = hostile.data(seeds.program(), random)
    if random.random() < 0.7:  # with a checksum that is right, so that what is behind it is read
        content = _signed(seeds.program(), random)
    return Trial(words=("program", "p.skb"), files={"p.skb": content})


def _signed(content: bytes, random: Random) -> bytes:
    head, size = content[:20], struct.unpack("<I", content[16:20])[0]
    header, image = content[52 : 52 + size], content[52 + size :]
    if random.random() < 0.6:
        header = _utf8(hostile.text(header.decode(), random))
    else:
        image = hostile.data(image, random)
    head = head[:16] + struct.pack("<I", len(header))
    return head + hashlib.sha256(head + header + image).digest() + header + image


def _archive(random: Random) -> Trial:
    content = seeds.archive()
    if random.random() < 0.3:
        return Trial(words=("load_network", "n.skb"), files={"n.skb": hostile.data(content, random)})
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        names = old.namelist()
        chosen = random.choice(names)
        for name in names:
            member = old.read(name)
            if name == chosen:
                if random.random() < 0.1:
                    continue
                member = _member(name, member, random)
            new.writestr(name, member)
    return Trial(words=("load_network", "n.skb"), files={"n.skb": changed.getvalue()})


def _safetensors(random: Random) -> Trial:
    right = seeds.tensors()
    size = struct.unpack("<Q", right[:8])[0]
    header, values = right[8 : 8 + size], right[8 + size :]
    if random.random() < 0.3:
        content = hostile.data(right, random)
    else:
        header = _utf8(hostile.text(header.decode(), random))
        content = struct.pack("<Q", len(header)) + header + values
    return Trial(words=("estimate", "m.safetensors", "--tokens", "4", *_TINY), files={"m.safetensors": content})


def _onnx(random: Random) -> Trial:
    content = hostile.data(seeds.onnx_file(), random)
    return Trial(words=("estimate", "m.onnx", *_TINY), files={"m.onnx": content})


def _exported(random: Random) -> Trial:
    content = _members(seeds.exported(), random) if random.random() < 0.7 else hostile.data(seeds.exported(), random)
    return Trial(words=("estimate", "m.pt2", *_TINY), files={"m.pt2": content})


def _members(content: bytes, random: Random) -> bytes:
    """A ZIP archive of which one member is damaged."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        names = old.namelist()
        chosen = random.choice([name for name in names if name.endswith(".json")] or names)
        for name in names:
            member = old.read(name)
            if name == chosen:
                member = _member(name, member, random)
            new.writestr(name, member)
    return changed.getvalue()


def _member(name: str, content: bytes, random: Random) -> bytes:
    if name.endswith(".json"):
        return _utf8(hostile.text(content.decode(), random))
    return hostile.data(content, random)


def _checkpoint(random: Random) -> Trial:
    damage = _members if random.random() < 0.5 else hostile.data
    files = {"c.pth": damage(seeds.pickled(), random), "fuzzed_own.py": _utf8(seeds.OWN)}
    return Trial(words=("estimate", "zoo:tiny-resnet", "--checkpoint", "c.pth", *_TINY), files=files)


def _configuration(random: Random) -> Trial:
    content = hostile.text(seeds.CONFIGURATION, random)
    files = {"m/config.json": _utf8(content), "m/model.safetensors": seeds.tensors()}
    return Trial(words=("estimate", "m", "--tokens", "4", *_TINY), files=files)


def _index(random: Random) -> Trial:
    content = hostile.text(seeds.INDEX, random)
    files = {"m/model.safetensors.index.json": _utf8(content), "m/model.safetensors": seeds.tensors()}
    return Trial(words=("estimate", "m", "--tokens", "4", *_TINY), files=files)


def _activations(random: Random) -> Trial:
    damage = _members if random.random() < 0.5 else hostile.data
    return Trial(
        words=("estimate", _NOWHERE, "--activations", "a.npz"), files={"a.npz": damage(seeds.arrays(), random)}
    )


def _results(random: Random) -> Trial:
    """One of two results is damaged, or of another command."""
    damaged = hostile.text(seeds.result(), random)
    if random.random() < 0.1:
        damaged = seeds.result().replace(
            '"schema": "skipbeat/estimate', f'"schema": "skipbeat/{random.choice(_OTHERS)}'
        )
    first, second = random.sample(("a.json", "b.json"), 2)
    files = {first: _utf8(seeds.result()), second: _utf8(damaged)}
    return Trial(words=("compare", "a.json", "b.json"), files=files)


KINDS: dict[str, Callable[[Random], Trial]] = {
    "hardware file": _hardware,
    "hardware `--set`": _hardware_values,
    "scheme": _scheme,
    "energy table": _table,
    "routing": _routing,
    "options": _options,
    "names and paths": _names,
    "results to compare": _results,
    "program file": _program,
    "archive of a network": _archive,
    "safetensors": _safetensors,
    "ONNX": _onnx,
    "exported program": _exported,
    "checkpoint": _checkpoint,
    "configuration": _configuration,
    "index of weights": _index,
    "activations": _activations,
    "attention": _attention,
    "study": _study,
    "description in the cache": _kept,
}
