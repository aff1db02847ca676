"""Where the tests find the repository and the shared data. Tests that need the data skip where it is missing."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
TOFU = DATA / "tofu"
BOOKS = DATA / "books"
