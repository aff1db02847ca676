"""Fuzz the decode-time core against its slow reference: `python -m evaluation.soundness.fuzz --minutes 60`.

Each round draws phrases, a vocabulary and a walk of tokens from one seed, and at every step compares what a batch bans with what
the strings alone say. Three rounds in four have a small vocabulary and check every token; the fourth has Mistral's 131,072 tokens
and checks a sample of the banned ones and of all. A disagreement stops the run and prints the seed: make a test of the case.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.data import tekken_file
from evaluation.tekken import vocabulary_of_tekken
from guard import Batch, Edits, Masks, Phrase, Restriction, Row, Vocabulary, reference
from guard.errors import PhraseError
from guard.excepted import Excepted
from guard.form import Form

ALPHABETS = (
    "abA é ß-",
    "ab哈利 ",
    "aä\u0308.\u200b ",
    "ไทaย ",
    "한국a\u1112 ",
    "क\u093f1٣ \u0301",
    "ﬁ①Ａa ",
    "a\U0001f44d_\ud7ff ",
    "abs. .",
    "abøαа. ",
)
WALK = 12
SAMPLE = 60


def phrases(rng: random.Random, texts: Sequence[str]) -> list[Phrase]:
    """Draw one to eight phrases made of `texts`, of every scope, match, penalty and beta, forms among them."""
    drawn: list[Phrase] = []
    while not drawn:
        for _ in range(rng.randint(1, 8)):
            text = "".join(rng.choice(texts) for _ in range(rng.choice((1, 1, 2, 3, 8))))
            kind = rng.choice(("word", "word", "prefix", "substring"))
            penalty, beta = rng.choice((math.inf, math.inf, 2.5, 7.0)), rng.choice((1.0, 1.0, 1.0, 0.6, 0.2))
            flags = {"ending": rng.random() < 0.5, "gap": rng.random() < 0.5}
            try:
                if kind == "word" and rng.random() < 0.3:
                    drawn.append(Form(text[:60], rng.choice(("always", "gated")), penalty=penalty, force=True, **flags))
                    continue
                drawn.append(Phrase(text[:60], rng.choice(("always", "gated")), kind, penalty, beta, force=True))  # type: ignore[arg-type]
            except PhraseError:
                continue
    return drawn


def exceptions(rng: random.Random, texts: Sequence[str], drawn: Sequence[Phrase]) -> list[Excepted]:
    """Draw no exceptions in half of the rounds, else one to three, in which there are phrases as a rule."""
    found: list[Excepted] = []
    for _ in range(rng.choice((0, 0, 0, 1, 2, 3))):
        before, behind = ("".join(rng.choice(texts) for _ in range(rng.randint(0, 3))) for _ in range(2))
        text = (before + " " * rng.randint(0, 1) + rng.choice(drawn).text + " " * rng.randint(0, 1) + behind)[:100]
        allowed = None if rng.random() < 0.7 else frozenset(phrase.pattern for phrase in drawn if rng.random() < 0.5)
        try:
            found.append(Excepted(text, allowed))
        except PhraseError:
            continue
    return found


def small_vocabulary(rng: random.Random) -> tuple[Vocabulary, list[str]]:
    """Draw a vocabulary of single bytes and of pieces cut anywhere, and texts for phrases."""
    alphabet = rng.choice(ALPHABETS)
    text = "".join(rng.choice(alphabet) for _ in range(60))
    data = text.encode()
    pieces = [data[at : at + rng.randint(1, 9)] for at in (rng.randrange(len(data)) for _ in range(40))]
    tokens = [None, *(bytes([b]) for b in sorted({*data, 0xFF, 0xC3, 0x20})), *pieces, b"", None]
    return Vocabulary.of(tokens, len(tokens) + 2), list(alphabet) * 3 + [text[at : at + 4] for at in range(0, 56, 3)]


def banned(edits: Edits) -> dict[int, float]:
    """Return the penalty of each token that must not be sampled now in the only row, by token id."""
    found = dict(zip(edits.soft[1].tolist(), edits.penalties.tolist(), strict=True))
    return found | dict.fromkeys(edits.banned[1].tolist(), math.inf)


def round_of(seed: int, large: Vocabulary | None) -> int:
    """Play one round on the vocabulary `large`, or on a small one if it is None; return the number of tokens compared.

    Raises:
        AssertionError: batch and strings disagree; the message holds the seed and the case.
    """
    rng = random.Random(seed)  # noqa: S311
    if large is None:
        vocabulary, texts = small_vocabulary(rng)
    else:
        vocabulary = large
        texts = [t for t in (vocabulary.raw[rng.randrange(len(vocabulary))].decode("utf-8", "ignore") for _ in range(30)) if t]
    drawn = phrases(rng, texts)
    excepted = exceptions(rng, texts, drawn)
    masks = Masks.of(Restriction.compile(drawn, exceptions=excepted), vocabulary, capacity=rng.choice((30, 1 << 20)))
    prompt = [rng.randrange(len(vocabulary)) for _ in range(rng.choice((0, 0, 3, 30)))]
    output: list[int] = []
    batch = Batch({0: Row([masks], prompt, output)})
    special = max((at for at, token in enumerate(prompt) if token in vocabulary.special), default=-1)
    said = [vocabulary.raw[token] for token in prompt[special + 1 :]]
    compared = 0
    for step in range(WALK):
        if rng.random() < 0.1:
            batch.changed()
        found = banned(batch.edits())
        asked: Sequence[int] = range(len(vocabulary))
        if large is not None:
            some = sorted(found)
            asked = [*rng.sample(some, min(len(some), SAMPLE)), *(rng.randrange(len(vocabulary)) for _ in range(SAMPLE))]
        for token in asked:
            raw = vocabulary.raw[token]
            if not raw and excepted:
                continue  # an answer must not end within an exception, of which the strings know nothing
            expected = reference.penalty(drawn, said, raw, excepted) if raw else 0.0
            got = found.get(token, 0.0)
            assert math.isclose(got, expected, rel_tol=1e-6), (
                f"seed {seed} step {step} token {token} {raw!r} after {said!r}: {got}, expected {expected}; {drawn} {excepted}"
            )
        compared += len(asked)
        # Says a banned token now and then, so that walks get deep into phrases.
        token = rng.choice(sorted(found)) if found and rng.random() < 0.2 else _next(rng, vocabulary, drawn)
        output.append(token)
        said.append(vocabulary.raw[token])
    return compared


def _next(rng: random.Random, vocabulary: Vocabulary, drawn: Sequence[Phrase]) -> int:
    if rng.random() < 0.5:
        begin = rng.choice(drawn).text[: rng.randint(1, 4)].encode()
        near = [rng.randrange(len(vocabulary)) for _ in range(200)]
        return next((t for t in near if vocabulary.raw[t] and begin.startswith(vocabulary.raw[t].strip()[:2] or b"\0")), near[0])
    return rng.randrange(len(vocabulary))


def tekken() -> Vocabulary:
    """Return Mistral's vocabulary of 131,072 tokens, which `mistral_common` ships."""
    return vocabulary_of_tekken(tekken_file().read_text(encoding="utf-8"))


def main() -> None:
    """Fuzz for the given minutes and print the figures as JSON; also write them to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to fuzz")
    parser.add_argument("--seed", type=int, default=0, help="the first round's seed; rounds count up from it")
    parser.add_argument("--out", type=Path, help="file for the figures")
    options = parser.parse_args()
    large = tekken()
    figures: dict[str, Any] = {"rounds": {"small": 0, "tekken": 0}, "tokens_compared": {"small": 0, "tekken": 0}, "findings": 0}
    started = time.monotonic()
    seed = options.seed
    with tqdm(total=round(options.minutes * 60), unit="s", file=sys.stderr) as progress:
        while (passed := time.monotonic() - started) < options.minutes * 60:
            kind = "tekken" if seed % 4 == 0 else "small"
            figures["tokens_compared"][kind] += round_of(seed, large if kind == "tekken" else None)
            figures["rounds"][kind] += 1
            seed += 1
            progress.update(min(round(passed), progress.total) - progress.n)
    figures |= {"seconds": round(time.monotonic() - started), "seeds": [options.seed, seed - 1]}
    print(json.dumps(figures))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
