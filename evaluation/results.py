"""Where measurements write their figures, and the small form in which CI runs them."""

from __future__ import annotations

import argparse
from pathlib import Path

BUILD = Path("build")


def add_small(parser: argparse.ArgumentParser) -> None:
    """Add the option for the small form: every step of a measurement, on so little data that the figures mean nothing."""
    parser.add_argument("--small", action="store_true", help="take seconds, to show that it runs; figures go to build/small")


def results_folder(small: bool = False) -> Path:
    """Return the folder for figures, and make it if it is missing: `build`, or `build/small` for figures of small runs."""
    folder = BUILD / "small" if small else BUILD
    folder.mkdir(parents=True, exist_ok=True)
    return folder
