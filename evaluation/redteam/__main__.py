"""Attack a server in every way that this suite knows: `python -m evaluation.redteam [--only known|people] [--record]`.

Without `--url` it starts the demo servers itself and attacks them: the demo model with its invented people, and SmolLM2. With
`--url http://127.0.0.1:8000 --policy policy.yaml` it attacks a server that runs, with the examples and phrases of its policy:
attack your own server, for a request under attack costs as much as any other. It prints the tables and writes build/redteam.json.
Each kind of attack is kept in build/redteam/ as soon as it is measured: a run that was cut off goes on where it was, and
`--fresh` begins again. `--small` sends every fourth kind once to the demo model and writes build/small, record and all. Nothing
heavy is imported before `main`: vLLM's workers import this module again (see `server.cli.main`).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.results import add_small, results_folder

if TYPE_CHECKING:
    from evaluation.redteam.attack import Around, Kind
    from evaluation.redteam.case import Subject
    from evaluation.redteam.run import Effort, Run

EVERY_IN_SMALL = 4
"""Every how manieth kind the small form sends: all of them are in the tests, too, without an engine."""
NOT_DONE = 3
"""The exit status of a run that `--seconds` ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack, and write the figures; return the exit status: 0, or 3 if the time was over before all kinds were tried."""
    options = _parser().parse_args(arguments)
    from evaluation.redteam import record
    from evaluation.redteam.kinds import KINDS
    from evaluation.redteam.page import corrected

    if unknown := sorted(set(options.kinds or ()) - set(KINDS)):
        _parser().error(f"no such kind of attack: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    kinds = [KINDS[name] for name in options.kinds or list(KINDS)[:: EVERY_IN_SMALL if options.small else 1]]
    if options.url and not options.policy:
        _parser().error("--url needs --policy: the file with the targets, whose examples are asked about")
    folder = results_folder(options.small)
    if options.fresh or options.small:
        shutil.rmtree(folder / "redteam", ignore_errors=True)
    path = folder / "redteam.json"
    results: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() and not options.small else {}
    status = 0
    for name in _subjects(options):
        run = asyncio.run(_at_url(options, kinds, folder) if options.url else _demo(name, options, kinds, folder))
        results[name] = run.figures()
        if not run.complete:
            status = NOT_DONE
        if options.show:
            _show(run)
    order = [name for name in ("people", "known", "policy") if name in results]
    results = {name: results[name] for name in order}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    date = options.record or datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    print(record.table(results, date))
    if status:
        print("The time is over: the same command goes on where this one was.", file=sys.stderr)
    # The small form always writes a record, into a folder for trials.
    if options.record is not None or options.small:
        print(f"written to {record.write(results, date, folder if options.small else record.FOLDER)}")
    if options.record is not None and not options.url and not options.small:
        page = record.FOLDER.parents[2] / "docs" / "threats.md"
        page.write_text(corrected(page.read_text("utf-8"), results, date), encoding="utf-8")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.redteam", description=__doc__)
    parser.add_argument("--only", choices=("known", "people"), help="one demo alone (default: both)")
    parser.add_argument("--url", help="a server to attack, such as http://127.0.0.1:8000")
    parser.add_argument("--policy", type=Path, help="the policy file of that server")
    parser.add_argument("--twins", type=Path, help="questions with answers that it must answer, as JSON Lines")
    parser.add_argument("--key", default="", help="the key with which to call it")
    parser.add_argument("--model", default="demo", help="the name of its model (default: %(default)s)")
    parser.add_argument("--tokenizer", type=Path, help="the folder of its tokenizer; without it no token ids are sent")
    parser.add_argument("--kinds", nargs="+", help="these kinds of attack alone (default: all)")
    parser.add_argument("--attacks", type=int, help="the most attacks of each kind")
    parser.add_argument("--twin-count", dest="twin_count", type=int, help="the most innocent twins of each kind")
    parser.add_argument("--samples", type=int, help="samples of each sampled attack; 0 for none")
    parser.add_argument("--sampled", type=int, help="the attacks of each kind of which there are samples")
    parser.add_argument("--tokens", type=int, help="the most tokens of an answer")
    parser.add_argument("--seconds", type=float, help="how long to attack each server; the next run goes on")
    parser.add_argument("--show", action="store_true", help="print attacks that got something out, and twins not answered")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs have measured")
    parser.add_argument(
        "--record",
        nargs="?",
        const="",
        help="write evaluation/redteam/record/DATE.* (or another name) and the rates of docs/threats.md",
    )
    add_small(parser)
    return parser


def _subjects(options: argparse.Namespace) -> list[str]:
    if options.url:
        return ["policy"]
    return [options.only] if options.only else ["people"] if options.small else ["people", "known"]


def _effort(options: argparse.Namespace, name: str) -> Effort:
    from evaluation.redteam.run import FULL, SMALL

    given = {"attacks": options.attacks, "twins": options.twin_count, "samples": options.samples}
    given |= {"sampled": options.sampled, "tokens": options.tokens}
    return replace(SMALL if options.small else FULL[name], **{key: value for key, value in given.items() if value is not None})


async def _demo(name: str, options: argparse.Namespace, kinds: Sequence[Kind], folder: Path) -> Run:
    """Start a demo server, and attack it beside its own engine, which tells what the model says without the guard."""
    import yaml

    from evaluation.answers.partial import fingerprint
    from evaluation.demo.served import DEMOS
    from evaluation.demo.server import demo_server
    from evaluation.redteam.asking import Server
    from evaluation.redteam.case import SUBJECTS
    from evaluation.redteam.run import Run

    subject, effort, demo = SUBJECTS[name](), _effort(options, name), DEMOS[name]
    model = demo.model()
    around = _around(subject, effort, "demo", Path(model))
    run = Run(subject, effort, folder / "redteam" / name, kinds, around, fingerprint(), alone=not options.small)
    if run.complete:
        return run
    with tempfile.TemporaryDirectory(prefix="redteam-") as made:
        policy = Path(made) / "policy.yaml"
        policy.write_text(yaml.safe_dump(subject.policy, allow_unicode=True), encoding="utf-8")
        async with demo_server(model, policy, demo.engine) as app:
            await run.go(Server(app=app), Server(app=app.state.service.running.engine.app), options.seconds)
    return run


async def _at_url(options: argparse.Namespace, kinds: Sequence[Kind], folder: Path) -> Run:
    from evaluation.pairs import load_jsonl
    from evaluation.redteam.asking import Server
    from evaluation.redteam.case import of_policy
    from evaluation.redteam.run import Run

    text = options.policy.read_text("utf-8")
    subject = of_policy(text, load_jsonl(options.twins) if options.twins else ())
    effort = _effort(options, "policy")
    around = _around(subject, effort, options.model, options.tokenizer)
    # Nobody knows how the server has changed since: `--fresh` asks everything again.
    run = Run(subject, effort, folder / "redteam" / "policy", kinds, around, f"{options.url} {options.model} {text}", alone=False)
    await run.go(Server(options.url, options.key), None, options.seconds)
    return run


def _show(run: Run) -> None:
    """Print the attacks that got something out, and the innocent requests that were not answered."""
    for title, found in (("got something out", run.leaking()), ("an innocent twin", run.stopped())):
        for kind, sent, said in found:
            print(f"{title}: {kind}\n  {sent[:1500]}\n  -> {said[:600]!r}", file=sys.stderr)


def _around(subject: Subject, effort: Effort, model: str, folder: Path | None) -> Around:
    """Return what an attacker knows; with a tokenizer's folder, token ids and the chat template, too."""
    from evaluation.redteam.attack import Around

    if folder is None:
        return Around(model, effort.tokens, subject.specials)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(text: str) -> list[int]:
        return [int(token) for token in tokenizer.encode(text, add_special_tokens=False)]

    def render(messages: Any) -> str:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))

    return Around(model, effort.tokens, subject.specials, encode, render)


if __name__ == "__main__":
    sys.exit(main())
