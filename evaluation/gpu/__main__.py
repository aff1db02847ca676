"""Measure what the guard costs on a GPU: `python -m evaluation.gpu` (`make bench-gpu`).

A model of 8B shape with random weights computes; the guard's processor for Model Runner V2 is called around it as vLLM calls it.
Without a GPU the record says "not measured". `--prepare` writes what a machine without this project's tokenizers needs. `--small`
does a few steps of a tiny model, on a GPU or not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evaluation.results import add_small, results_folder


def main() -> int:
    """Measure, print, and write gpu.json and gpu.md."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.gpu", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--prepare", type=Path, metavar="FOLDER", help="write what is measured to a folder, and measure nothing")
    parser.add_argument("--prepared", type=Path, metavar="FOLDER", help="a folder that --prepare wrote")
    parser.add_argument("--tekken", type=Path, metavar="FILE", help="the tokenizer's file (default: that of mistral_common)")
    parser.add_argument("--out", type=Path, help="folder for the figures")
    add_small(parser)
    options = parser.parse_args()
    from evaluation.gpu import measure

    effort = measure.SMALL if options.small else measure.Effort()
    if options.prepare:
        measure.prepare(effort, options.prepare)
        print(f"written to {options.prepare}")
        return 0
    results = measure.measure(effort, options.prepared, options.tekken)
    print(measure.table(results))
    print(f"written to {measure.write(results, options.out or results_folder(options.small))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
