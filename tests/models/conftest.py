"""Hypothesis without a deadline: torch's first calls load libraries, and their time says nothing."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("torch", settings(), deadline=None)
settings.load_profile("torch")
