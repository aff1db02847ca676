"""Where the tests find the repository and the shared data. Tests that need the data skip where it is missing."""

from __future__ import annotations

from pathlib import Path

from evaluation.data import BOOKS, DATA, TOFU

__all__ = ["BOOKS", "DATA", "ROOT", "TOFU"]

ROOT = Path(__file__).parents[1]
