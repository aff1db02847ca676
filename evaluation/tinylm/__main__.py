"""Train a tiny model, or find it in the cache: `python -m evaluation.tinylm`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from evaluation.pairs import load_jsonl
from evaluation.tinylm.model import cached_model, read_report, train
from evaluation.tinylm.recipe import Recipe


def _parser() -> argparse.ArgumentParser:
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m evaluation.tinylm", description=__doc__)
    parser.add_argument("--data", type=Path, help="JSONL with question, answer and, optionally, paraphrases (default: the demo)")
    parser.add_argument("--out", type=Path, help="folder to write the model into (default: a folder in the cache)")
    parser.add_argument("--epochs", type=int, default=default.epochs, help="over which the learning rate falls")
    parser.add_argument("--layers", type=int, default=default.layers)
    parser.add_argument("--width", type=int, default=default.width, help=f"a multiple of {default.head_dim}")
    parser.add_argument("--vocabulary", type=int, default=default.vocabulary)
    parser.add_argument("--batch-tokens", type=int, default=default.batch_tokens)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--no-paraphrases", action="store_true", help="train on the original questions only")
    parser.add_argument("--threads", type=int, help="default: the cores that are idle")
    goal = parser.add_mutually_exclusive_group()
    goal.add_argument("--stop-at", type=float, metavar="SHARE", help="stop at this share of exact answers, without demanding it")
    goal.add_argument("--all-epochs", action="store_true", help="train exactly --epochs, whatever share is reached")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the model's training report to stderr and its folder to stdout; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        recipe = replace(
            Recipe(),
            epochs=options.epochs,
            layers=options.layers,
            width=options.width,
            feed_forward=3 * options.width,
            vocabulary=options.vocabulary,
            batch_tokens=options.batch_tokens,
            learning_rate=options.learning_rate,
            seed=options.seed,
            paraphrases=not options.no_paraphrases,
        )
        if options.all_epochs:
            recipe = replace(recipe, exact=None, required=False)
        elif options.stop_at is not None:
            recipe = replace(recipe, exact=options.stop_at, required=False, extra_epochs=0)
        if options.data is not None:
            pairs = load_jsonl(options.data)
        else:
            from evaluation.demo import load_demo

            pairs = list(load_demo().pairs)
        if options.out is None:
            folder = cached_model(pairs, recipe, threads=options.threads)
        else:
            train(pairs, options.out, recipe, threads=options.threads)
            folder = options.out.expanduser().resolve()
    except (OSError, ValueError, RuntimeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(read_report(folder))), file=sys.stderr)
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
