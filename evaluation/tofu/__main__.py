"""Measure TOFU's table: `python -m evaluation.tofu --model FOLDER --retain FOLDER [--record]`.

The two models are made by `python -m evaluation.finetuned` and the same with `--retain`. Each part is kept in build/tofu as soon
as it is measured: a run that was cut off goes on where it was, and `--fresh` begins again. `--small` asks the demo model a few
questions and writes build/small. Nothing heavy is imported before `main`: vLLM's workers import this module again (see
`server.cli.main`).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.results import add_small, results_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, print the table and write build/tofu.json; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.tofu", description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of the model that knows what is to be forgotten")
    parser.add_argument("--retain", type=Path, help="folder of the model that never saw it")
    parser.add_argument("--forget", choices=("forget01", "forget05", "forget10"), default="forget10")
    parser.add_argument("--systems", nargs="+", help="the systems beside 'none' and 'retain' (default: all)")
    parser.add_argument("--every", type=int, default=1, help="of each set, ask every manieth record")
    parser.add_argument("--tokens", type=int, default=80, help="the most tokens of an answer")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs have measured")
    parser.add_argument("--record", nargs="?", const="", help="write evaluation/tofu/record/DATE.*, or under another name")
    add_small(parser)
    options = parser.parse_args(arguments)
    from evaluation.answers.systems import NONE
    from evaluation.tofu import record
    from evaluation.tofu.policy import WAYS
    from evaluation.tofu.records import load
    from evaluation.tofu.run import RETAIN, SMALL, SYSTEMS, Effort, Run

    systems = list(dict.fromkeys([NONE, RETAIN, *(options.systems or SYSTEMS)]))
    if unknown := sorted(set(systems) - set(SYSTEMS)):
        parser.error(f"no such system: {', '.join(unknown)}; there are {', '.join(SYSTEMS)}")
    folder, effort = results_folder(options.small), Effort(options.tokens, options.every)
    if options.small:
        from evaluation.demo.served import demo_model

        options.model = options.retain = Path(demo_model())
        effort, options.forget, systems = SMALL, "forget01", systems if options.systems else [NONE, RETAIN, WAYS[0]]
    elif not options.model or not options.retain:
        parser.error("--model and --retain are needed: python -m evaluation.finetuned makes them")
    if options.fresh or options.small:
        shutil.rmtree(folder / "tofu", ignore_errors=True)
    models = {NONE: options.model.resolve(), RETAIN: options.retain.resolve()}
    records = load(options.forget, every=effort.every)
    run = Run(models, options.forget, records, effort, folder / "tofu", systems)
    asyncio.run(run.go())
    found = record.results(run)
    name = options.record or datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    counts = ", ".join(f"{len(rows)} of {key}" for key, rows in records.items())
    about = f"{options.forget}; records: {counts}; answers of at most {effort.tokens} tokens, greedy."
    print(record.table(found, name, about))
    kept = options.record is not None and not options.small
    written = record.write(found, name if kept else "tofu", about, record.FOLDER if kept else folder)
    print(f"written to {written}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
