"""Measure what the field measures: `guard-eval`, or `make eval`.

It runs TOFU's table for every system and the probes beside it, for each seed whose models are trained or for the models of
`--model` and `--retain`, and writes build/eval.json ([scenario][system][metric] = mean, spread, seeds), build/eval.md and
build/eval.html. Parts are kept in build/eval as soon as they are measured: a run that was cut off goes on where it was. With
`--base-url` it asks any server that speaks the OpenAI API instead, and prints the figures that need nothing but answers.
`--small` asks the demo model a few questions and writes build/small.
"""

from __future__ import annotations

# Nothing heavy is imported before `main`: vLLM's workers import this module again (see `server.cli.main`).
import argparse
import datetime
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.data import TOFU, from_hub
from evaluation.results import add_small, results_folder

if TYPE_CHECKING:
    from evaluation.evidence.models import Models


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, and write the report; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if bool(options.base_url) != bool(options.name):
        parser.error("--base-url and --name belong together: the server, and the model's name there")
    if bool(options.model) != bool(options.retain) or (options.trained and not options.model):
        parser.error("--model and --retain belong together, and --trained to them: the models that are compared")
    try:
        if options.hub:
            options.data = from_hub()
        return _remote(options) if options.base_url else _local(parser, options)
    except OSError as error:  # what the hub raises is one
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guard-eval", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="the seeds of the models (default: 0)")
    parser.add_argument("--model", type=Path, help="folder of a model that knows what is to be forgotten, in place of the seeds'")
    parser.add_argument("--retain", type=Path, help="folder of the model that never saw it, with --model")
    parser.add_argument("--trained", nargs="+", default=[], metavar="NAME=FOLDER", help="models that were trained to forget, too")
    parser.add_argument("--train", action="store_true", help="train models that are missing: hours without a GPU")
    parser.add_argument("--base", type=Path, help="folder of the model that they start from (default: SmolLM2-135M-Instruct)")
    parser.add_argument("--data", type=Path, default=TOFU, help="folder with TOFU's files")
    parser.add_argument("--hub", action="store_true", help="take TOFU's files from the Hugging Face hub (locuslab/TOFU)")
    parser.add_argument("--scenarios", nargs="+", help="what is asked (default: all)")
    parser.add_argument("--systems", nargs="*", help="the systems beside no guard and the retain model (default: all)")
    parser.add_argument("--tokens", type=int, default=80, help="the most tokens of an answer")
    parser.add_argument("--every", type=int, default=1, help="of each set, ask every manieth record")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs have measured")
    parser.add_argument("--record", nargs="?", const="", help="write evaluation/evidence/record/DATE.*, or under another name")
    parser.add_argument("--base-url", help="ask this server, such as http://localhost:8000/v1; $OPENAI_API_KEY is its key")
    parser.add_argument("--name", help="the model's name at that server")
    add_small(parser)
    return parser


def _remote(options: argparse.Namespace) -> int:
    from evaluation.evidence import remote
    from evaluation.tofu.records import load

    try:
        found = remote.measured(options.base_url, options.name, load(folder=options.data, every=options.every), options.tokens)
    except remote.NoAnswer as error:
        print(f"guard-eval: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1))
    return 0


def _local(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from evaluation.evidence.measuring import SCENARIOS, Asked, measure
    from evaluation.evidence.models import NoModel
    from evaluation.evidence.report import FOLDER, write
    from evaluation.evidence.summary import summary
    from evaluation.scenarios.probes import Sample
    from evaluation.tofu.policy import WAYS
    from evaluation.tofu.run import SMALL, SYSTEMS, Effort

    systems = SYSTEMS[2:] if options.systems is None else options.systems
    scenarios = options.scenarios or SCENARIOS
    for given, known in ((systems, SYSTEMS), (scenarios, SCENARIOS)):
        if unknown := sorted(set(given) - set(known)):
            parser.error(f"no such name: {', '.join(unknown)}; there are {', '.join(known)}")
    asked = Asked(scenarios, systems, Effort(options.tokens, options.every), Sample(data=options.data), options.data)
    if options.small:
        few = Sample("forget01", every=7, kept=80, steps=(1,), samples=2, data=options.data)
        asked = Asked(options.scenarios or ("forget01", "probes"), options.systems or WAYS[:1], SMALL, few, options.data)
    folder = results_folder(options.small)
    if options.fresh or options.small:
        shutil.rmtree(folder / "eval", ignore_errors=True)
    try:
        seeds = [_models(seed, options) for seed in options.seeds]
    except NoModel as error:
        print(f"guard-eval: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        parser.error(str(error))
    table = summary([measure(one, asked, folder) for one in seeds])
    date = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    where = f"the model {options.model}" if options.model else f"models of seed {', '.join(map(str, options.seeds))}"
    some = f"; one of {asked.effort.every} records of each set" if asked.effort.every > 1 else ""
    about = f"TOFU, {where}{some}; answers of at most {asked.effort.tokens} tokens, greedy; {date}."
    page = write(table, about, folder, "eval")
    if options.record is not None and not options.small:
        page = write(table, about, FOLDER, options.record or date)
    print(page.with_suffix(".md").read_text(encoding="utf-8"))
    print(f"written to {page}")
    return 0


def _models(seed: int, options: argparse.Namespace) -> Models:
    from evaluation.evidence.models import Models, models

    if options.small:
        from evaluation.demo.served import demo_model

        return Models(Path(demo_model()), Path(demo_model()))
    if options.model:
        return Models(options.model.resolve(), options.retain.resolve(), dict(map(_named, options.trained)))
    return models(seed, train=options.train, base=options.base, data=options.data)


def _named(given: str) -> tuple[str, Path]:
    from evaluation.tofu.run import SYSTEMS

    name, _, folder = given.partition("=")
    if not folder or name in SYSTEMS:
        raise ValueError(f"--trained {given}: give NAME=FOLDER, with a name that is none of {', '.join(SYSTEMS)}")
    return name, Path(folder).resolve()


if __name__ == "__main__":
    sys.exit(main())
