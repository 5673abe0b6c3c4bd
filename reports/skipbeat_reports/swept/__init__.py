"""What a study found: its table, its Pareto front, and a page to look at it."""

from .front import front
from .study_page import render_study
from .study_result import StudyPoint, StudyResult, area_note, to_body, to_rows

__all__ = ["StudyPoint", "StudyResult", "area_note", "front", "render_study", "to_body", "to_rows"]
