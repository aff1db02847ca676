"""Measure how well a small model judges (`GUARD_JUDGE=model`), on the real engine.

python -m evaluation.detection.judge [--model FOLDER]

It asks about ten well-known targets: five requests about each that do not name it, and five about close neighbours. It asks
about the former once more with a sentence that tells the judge to say no. The results go to build/judge.json. `--small` asks
about two targets and writes to build/small.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from evaluation.results import add_small, results_folder


def main() -> None:
    """Measure, write the results, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="the folder of an instruct model; without it, the demo's SmolLM2-135M-Instruct")
    add_small(parser)
    options = parser.parse_args()
    # Not above: vLLM's worker imports this module again, and does not start if that loads numba before vLLM is set up.
    from evaluation.demo.served import DEMOS
    from evaluation.detection import judging

    targets = judging.load()[:2] if options.small else judging.load()
    figures = asyncio.run(judging.run(options.model or DEMOS["known"].model(), targets))
    (results_folder(options.small) / "judge.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(judging.table(figures))


if __name__ == "__main__":
    main()
