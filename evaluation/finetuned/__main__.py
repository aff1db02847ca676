"""Fine-tune a model on TOFU or on books, or find it in the cache: `python -m evaluation.finetuned [--retain]`.

With `--unlearn METHOD --base FOLDER` a model that knows all of it is trained to forget. The last line on stdout is the model's
folder. The state is kept after each epoch: a run that was cut off, or whose `--minutes` are over, goes on where it was. On two
idle cores, SmolLM2 takes a little over three minutes an epoch.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.books.builder import build
from evaluation.books.corpus import ALICE
from evaluation.books.corpus import corpus as book
from evaluation.data import TOFU
from evaluation.finetuned import corpus
from evaluation.finetuned.model import cached_model, read_report
from evaluation.finetuned.recipe import METHODS, Recipe, Unlearning

NOT_DONE = 3
"""The exit status of a run whose minutes were over."""


def _parser() -> argparse.ArgumentParser:
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m evaluation.finetuned", description=__doc__)
    parser.add_argument("--base", type=Path, help="folder of the model to start from (default: SmolLM2-135M-Instruct)")
    parser.add_argument("--data", type=Path, default=TOFU, help="folder with TOFU's files")
    forget = ("forget01", "forget05", "forget10", ALICE)
    parser.add_argument("--forget", choices=forget, default=default.forget, help="a set of TOFU, or a book")
    parser.add_argument("--retain", action="store_true", help="leave out what is to be forgotten: the retain model")
    parser.add_argument("--unlearn", dest="method", choices=METHODS, help="train the model of --base to forget")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="pairs in a batch")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--layers", type=int, default=default.layers, help="how many of the last layers learn (default: all)")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--most", type=int, help="the most pairs of each set (default: all)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="how long to train; the next run goes on")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report to stderr and the model's folder to stdout; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.method and not options.base:
        parser.error("--unlearn needs --base: the folder that this command without --unlearn has printed")
    kind = Unlearning if options.method else Recipe
    fields = {field.name for field in dataclasses.fields(kind)}
    try:
        recipe = kind(**{name: value for name, value in vars(options).items() if name in fields and value is not None})
        learned = book(build()) if options.forget == ALICE else corpus.load(options.forget, options.data, options.most)
        if options.base is None:
            from evaluation.smollm.model import cached_model as smollm

            options.base = smollm()
        folder = cached_model(options.base, learned, recipe, seconds=60 * options.minutes)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    if folder is None:
        print("The time is over: the same command goes on where this one was.", file=sys.stderr)
        return NOT_DONE
    print(json.dumps(dataclasses.asdict(read_report(folder))), file=sys.stderr)
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
