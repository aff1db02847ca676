"""Ask about what must be forgotten, and measure the answers: `python -m evaluation.answers [--only known|people] [--record]`.

It prints the tables and writes build/answers.json, with the figures of SmolLM2 by system and those of the demo model under
"people". Each part is kept in build/answers/ as soon as it is measured: a run that was cut off goes on where it was, and
`--fresh` begins again. `--small` asks a few short questions of the demo model and writes build/small, record and all. Nothing
heavy is imported before `main`: vLLM's workers import this module again (see `server.cli.main`).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import shutil
import sys
from dataclasses import asdict, replace

from evaluation.results import add_small, results_folder


def main() -> int:
    """Run what is missing, and write the figures; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.answers", description=__doc__)
    parser.add_argument("--only", choices=("known", "people"), help="one model alone (default: both)")
    parser.add_argument("--systems", nargs="+", help="the systems to compare, 'none' among them (default: all)")
    parser.add_argument("--samples", type=int, help="samples of each question at temperature 1; 0 leaves out what takes longest")
    parser.add_argument("--sampled", type=int, help="the most questions of which there are samples")
    parser.add_argument(
        "--beam-every", type=int, help="every how manieth question the beam search answers, which takes it seconds"
    )
    parser.add_argument("--judged", type=int, help="the most questions whose answers' likelihood is computed")
    parser.add_argument("--tokens", type=int, help="the most tokens of an answer")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs have measured")
    parser.add_argument("--record", nargs="?", const="", help="write evaluation/answers/record/DATE.*, or under another name")
    add_small(parser)
    options = parser.parse_args()
    from classifiers.answering import SAY
    from evaluation.answers import record
    from evaluation.answers.figures import figures
    from evaluation.answers.fluency import Likelihood
    from evaluation.answers.run import FULL, SMALL, Run, Subject, check
    from evaluation.answers.systems import BEAM, DEFAULT, FILTER, NONE, PROMPT, names
    from evaluation.demo.served import DEMOS

    systems = options.systems or ((NONE, PROMPT, FILTER, BEAM, DEFAULT) if options.small else names())
    try:
        check(systems)
    except ValueError as error:
        parser.error(str(error))
    numbers = ("samples", "sampled", "beam_every", "judged", "tokens")
    given = {name: value for name in numbers if (value := getattr(options, name)) is not None}
    effort = replace(SMALL if options.small else FULL, **given)
    folder = results_folder(options.small)
    if options.fresh or options.small:
        shutil.rmtree(folder / "answers", ignore_errors=True)
    results: dict[str, object] = {"effort": asdict(effort)}
    for subject in [options.only] if options.only else ["people"] if options.small else ["known", "people"]:
        run = Run(Subject.of(subject, effort), effort, folder / "answers" / subject, systems)
        asyncio.run(run.go())
        run.judge_likelihood(Likelihood(DEMOS[subject].model()), [SAY])
        results[subject] = figures(run, [SAY])
    written = {**results.get("known", {}), **{key: found for key, found in results.items() if key != "known"}}  # type: ignore[dict-item]
    (folder / "answers.json").write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    name = options.record or datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    print(record.table(results, name))
    # The small form always writes a record, into a folder for trials.
    if options.record is not None or options.small:
        print(f"written to {record.write(results, name, folder if options.small else record.FOLDER)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
