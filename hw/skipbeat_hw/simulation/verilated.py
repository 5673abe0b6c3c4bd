"""Compiles a Verilog module and a C++ harness into a shared object, once for each content.

Verilator's `-O3` does the optimisation that matters: behind it `c++ -O1` runs a 16×16 core as fast as `-O2` does, at
400,000 clocks per second of processor time, and builds it in 20 s of processor time instead of 52 s. Verilator's
own run-time and its headers, most of a small build, are compiled once for each toolchain. Files are compiled in
parallel.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path

from skipbeat_arch.cache import content_key, kept_folder
from skipbeat_arch.errors import ToolError

from .toolchain import Toolchain, find_verilator

#: Environment variable that names a folder: all that is built then writes there what of it was reached.
COVERAGE_FOLDER = "SKIPBEAT_COVERAGE"
#: What the cache calls Verilator's run-time.
RUNTIME_KIND = "verilator"
#: Class that Verilator generates, whatever the module is called.
MODEL_CLASS = "Vtop"
_VERILATE = (
    "--cc",
    "--no-timing",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--no-assert",
    "-Wno-fatal",
    "--prefix",
    MODEL_CLASS,
)
_COMPILE = ("-std=gnu++20", "-fPIC", "-w", "-DVM_COVERAGE=0")
_FAST, _SLOW = "-O1", "-O0"
#: A unit of compilation that holds more generated text than this takes no further file. A design with less is one
#: unit: its cold code is optimised sooner than the headers are read again.
_UNIT_BYTES = 400_000
_LIBRARY, _VERILOG = "model.so", "top.v"
#: Of Verilator and the compiler, in whatever thread.
_running: list[subprocess.Popen[str]] = []
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
#: What every unit includes first, precompiled beside the run-time for those that are optimised.
_HEADER, _INCLUDES = "first.h", '#include "verilated.h"\n#include <cstdint>\n#include <cstring>\n'


class Trace(StrEnum):
    """What a build can write of the nets' values: nothing, or the changes of all of them, or how often each changes.

    Or, with the lines of the Verilog, which of them were ever reached.
    """

    NONE = ""
    VCD = "vcd"
    SAIF = "saif"
    COVERAGE = "coverage"

    @property
    def verilate(self) -> tuple[str, ...]:
        """Options of Verilator."""
        if self == Trace.COVERAGE:
            return ("--coverage-line", "--coverage-toggle")
        return (f"--trace-{self}", "--trace-structs", "--trace-underscore") if self else ()

    @property
    def defines(self) -> tuple[str, ...]:
        """Options of the compiler."""
        if self == Trace.COVERAGE:
            return ("-UVM_COVERAGE", "-DVM_COVERAGE=1", "-DVM_TRACE=0")
        return (f"-DVM_TRACE={int(bool(self))}", *((f"-DVM_TRACE_{self.upper()}=1",) if self else ()))

    @property
    def runtime(self) -> tuple[str, ...]:
        """Files of Verilator's run-time."""
        if self == Trace.COVERAGE:
            return (*_RUNTIME, "verilated_cov.cpp")
        return (*_RUNTIME, *((f"verilated_{self}_c.cpp",) if self else ()))


def mangled(name: str) -> str:
    """The C++ name of a port in Verilator's class."""
    return name.replace("__", "___05F")


def harness_text(*names: str, prologue: str = "") -> str:
    """C++ of a harness, in files of this package, behind the functions that it needs to move words."""
    folder = Path(__file__).parent
    return "\n".join([(folder / "words.hpp").read_text(), prologue, *((folder / name).read_text() for name in names)])


def shared_object(verilog: str, top: str, harness: str, trace: Trace = Trace.NONE) -> Path:
    """The shared object of module `top` and of `harness`, C++ text that includes "Vtop.h".

    With `trace` it is another one, a few times slower. Without, and where `COVERAGE_FOLDER` is set, each model writes
    its coverage when it is deleted, into a file whose name begins with the key of the build.

    It is kept in the cache by the hash of both texts and of the tools.

    Raises:
        InputError: a tool is missing.
        ToolError: Verilator or the compiler fails; the message holds the end of its output.
    """
    tools = find_verilator()
    if trace == Trace.NONE and os.environ.get(COVERAGE_FOLDER):
        trace = Trace.COVERAGE
        harness = f"{(Path(__file__).parent / 'covered_top.hpp').read_text()}\n{harness}\n#undef Vtop\n"
    kept = (_LIBRARY, _VERILOG) if trace == Trace.COVERAGE else (_LIBRARY,)
    options = (*_VERILATE, *trace.verilate, *_COMPILE, *trace.defines, _FAST, _SLOW)
    key = content_key(verilog, top, harness, tools.fingerprint, " ".join(options))

    def build(folder: Path) -> None:
        runtime = _runtime(tools, trace)
        (folder / _VERILOG).write_text(verilog)
        (folder / "harness.cpp").write_text(harness)
        verilate = [str(tools.bin / "verilator"), *_VERILATE, *trace.verilate, "--top-module", top]
        verilate += ["--Mdir", "cpp", _VERILOG]
        _run(verilate, folder, tools)
        objects = _compile(_units(folder), folder, tools, runtime / _HEADER, trace)
        objects += [str(path) for path in runtime.glob("*.o")]
        _run([*tools.compiler, "-shared", "-o", _LIBRARY, *objects, "-lpthread"], folder, tools)

    return kept_folder("rtl", key, build, only=kept) / _LIBRARY


def _units(folder: Path) -> list[str]:
    """Sources that include the harness and Verilator's output; of a large design, cold code apart from hot code.

    Verilator's headers take a second to compile and would do so for each of its files; a large design is still
    divided, to be compiled in parallel.
    """
    sources = sorted(folder.glob("cpp/*.cpp"))
    small = sum(path.stat().st_size for path in sources) < _UNIT_BYTES
    cold = [path for path in sources if "__Slow" in path.name and not small]
    units: list[str] = []
    for name, members in (("Hot", [folder / "harness.cpp", *(p for p in sources if p not in cold)]), ("__Slow", cold)):
        size = 0
        for path in members:
            if not units or name not in units[-1] or size > _UNIT_BYTES:
                units.append(f"unit{len(units)}{name}.cpp")
                size = 0
            size += path.stat().st_size
            with open(folder / units[-1], "a") as unit:
                unit.write(f'#include "{path.relative_to(folder)}"\n')
    return units


def _runtime(tools: Toolchain, trace: Trace = Trace.NONE) -> Path:
    """Folder with the object files of Verilator's run-time, and its precompiled headers."""
    key = content_key(tools.fingerprint, _INCLUDES, " ".join((*_COMPILE, *trace.defines, _FAST)))

    def build(folder: Path) -> None:
        (folder / _HEADER).write_text(_INCLUDES)
        if _precompiles(tools):
            _run([*tools.compiler, *_options(_FAST, tools, trace), "-x", "c++-header", _HEADER], folder, tools)
        _compile([str(tools.include / name) for name in trace.runtime], folder, tools, folder / _HEADER, trace)

    return kept_folder(RUNTIME_KIND, key, build)


def _precompiles(tools: Toolchain) -> bool:
    """Whether precompiled headers help: behind a compiler cache they do not, and Clang's may not be moved."""
    return len(tools.compiler) == 1 and "clang" not in tools.fingerprint


def _options(level: str, tools: Toolchain, trace: Trace) -> list[str]:
    """Of the compiler; a precompiled header is good for those that it was made with, and no others."""
    return [*_COMPILE, *trace.defines, level, "-I.", "-Icpp", f"-I{tools.include}", f"-I{tools.include / 'vltstd'}"]


def _compile(
    sources: Sequence[str], folder: Path, tools: Toolchain, header: Path, trace: Trace = Trace.NONE
) -> list[str]:
    """Object files of `sources`, by names relative to `folder` so that a compiler cache can recognise them.

    Args:
        header: includes what most of them do.
    """
    objects = [f"{Path(source).stem}.o" for source in sources]

    def one(source: str, output: str) -> None:
        cold = "__Slow" in source
        first = ["-include", str(header)] if _precompiles(tools) and not cold else []
        options = [*first, *_options(_SLOW if cold else _FAST, tools, trace)]
        _run([*tools.compiler, *options, "-c", source, "-o", output], folder, tools)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            list(pool.map(one, sources, objects))
        except BaseException:  # an interruption too: the pool would wait for those that run
            for process in list(_running):
                process.terminate()
            raise
    return objects


def _run(command: Sequence[str], folder: Path, tools: Toolchain) -> None:
    with subprocess.Popen(
        command,
        cwd=folder,
        env=tools.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        _running.append(process)
        try:
            output, _ = process.communicate()
        except BaseException:
            process.terminate()
            raise
        finally:
            _running.remove(process)
    if process.returncode:
        tail = "\n".join(output.splitlines()[-30:])
        raise ToolError(f"{Path(command[0]).name} failed with exit status {process.returncode}:\n{tail}")
