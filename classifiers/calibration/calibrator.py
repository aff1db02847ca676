"""The calibrator: computes calibrations, anew whenever the targets change, without doing again what has not changed."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from classifiers.calibration.limits import (
    DEFAULT_LIMIT,
    Calibration,
    GroupCalibration,
    conformal_limit,
    observed_miss_rate,
    texts_needed,
)
from classifiers.calibration.paraphrases import paraphrases
from classifiers.meaning.background import Background, prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.nearest import Thresholds, slack
from classifiers.naming.alias import AliasClassifier
from classifiers.protocol import Screened
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget, check_ids

ALPHA = 0.01
DEFAULT_GROUP = "all"
TEXTS_PER_TARGET = 120

# Texts encoded at a time. The encoder serves one call after the other, and a request must not wait for a whole target.
_BATCH = 32
_PAUSE = 0.001
# Taken off a limit: the classifier sums the same products in another order, and the text that set the limit must be found.
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class _Scores:
    """Slacks of a target's texts, infinite where the name is found: float32 [texts]; its reach: float32 [background windows],
    the best cosine of each background window with one of its examples."""

    asked: Vectors
    paraphrases: Vectors
    held_out: Vectors
    reach: Vectors


class Calibrator:
    """Computes calibrations and remembers what it computed for each target, never a text.

    A target is encoded again only when itself, the encoder or the background changed; a new target beside 10,000 costs its own
    texts. Meant for a thread beside serving: `update` works on its own state, encodes in small batches, and returns an
    immutable `Calibration`, from which a new classifier is built and swapped in. Two updates at once are done one after the
    other.

    Give it the encoder itself, not a `CachedEncoder` that requests use: the texts here are read once and would only push
    others out.
    """

    def __init__(
        self,
        encoder: Encoder,
        alpha: float = ALPHA,
        thresholds: Thresholds | None = None,
        texts_per_target: int = TEXTS_PER_TARGET,
        names: bool = True,
    ) -> None:
        """`alpha` is the miss rate, in (0, 1). `texts_per_target` bounds the paraphrases made for one target.

        `names`: whether a text that names its target counts as found, as it is beside an alias classifier; the promise is then
        that of both together. Without, it is that of the nearest classifier alone.

        Raises ValueError for an alpha outside (0, 1) or fewer than one text a target.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha {alpha} is not between 0 and 1")
        if texts_per_target < 1:
            raise ValueError(f"{texts_per_target} texts a target")
        self._encoder = encoder
        self._alpha = alpha
        self._thresholds = thresholds or Thresholds()
        self._texts_per_target = texts_per_target
        self._names = names
        self._scores: dict[bytes, _Scores] = {}
        self._backgrounds: dict[bytes, Background] = {}
        self._lock = threading.Lock()

    def update(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str] | Background,
        groups: Mapping[str, str] | None = None,
        asked: Mapping[str, Sequence[str]] | None = None,
    ) -> Calibration:
        """Return the calibration for `targets` against `background`, the prompts the classifier is given.

        `groups`: target id → group; one that is not there is in the group "all". `asked`: target id → prompts about it that
        people really sent and that are no examples; where a group has enough of them, they alone set its limit.

        Raises ValueError if two targets have the same id, and what the encoder raises.
        """
        check_ids(targets)
        with self._lock:
            innocent, digest = self._innocent(targets, background)
            scores: dict[bytes, _Scores] = {}
            members: dict[str, list[tuple[ForgetTarget, _Scores | None]]] = {}
            # By id: the report must not depend on the order of the policy.
            for target in sorted(targets, key=lambda target: target.id):
                further = (asked or {}).get(target.id, ())
                found = None
                if target.examples:
                    key = _digest([digest, *_content(target, further)])
                    found = scores[key] = self._scores.get(key) or self._scored(target, further, innocent)
                members.setdefault((groups or {}).get(target.id, DEFAULT_GROUP), []).append((target, found))
            self._scores = scores
        return Calibration(
            self._encoder.fingerprint,
            self._thresholds,
            tuple(self._group(group, of_group, innocent) for group, of_group in sorted(members.items())),
            {target.id: group for group, of_group in members.items() for target, _ in of_group},
        )

    def _innocent(self, targets: Iterable[ForgetTarget], background: Sequence[str] | Background) -> tuple[Background, bytes]:
        """Return the background without the targets' examples, and what names it."""
        prompts = background.prompts if isinstance(background, Background) else tuple(dict.fromkeys(background))
        forgotten = {prompt_key(example.prompt) for target in targets for example in target.examples}
        whole = _digest([self._encoder.fingerprint.encode(), *map(_bytes, prompts)])
        if whole not in self._backgrounds:
            known = background if isinstance(background, Background) else Background(prompts, _Patient(self._encoder))
            self._backgrounds = {whole: known}
        left = [key for key in map(prompt_key, prompts) if key in forgotten]
        return self._backgrounds[whole].without(forgotten), _digest([whole, *map(_bytes, left)])

    def _scored(self, target: ForgetTarget, asked: Sequence[str], innocent: Background) -> _Scores:
        encoder = _Patient(self._encoder)
        alias = AliasClassifier([target]) if self._names else None
        known = {prompt_key(example.prompt) for example in target.examples}
        prompts = list({prompt_key(example.prompt): example.prompt for example in target.examples}.values())
        # In passages, as the nearest classifier holds them.
        examples = [Screened(prompt, tuple(passages(prompt))) for prompt in prompts]
        vectors = encoder.encode([window for example in examples for window in example.windows])
        example_of = np.array([number for number, example in enumerate(examples) for _ in example.windows])
        made = self.texts(target)
        fresh = [text for text in dict.fromkeys(asked) if text.strip() and prompt_key(text) not in known]
        # Each example against the others: the pairs of an example with itself do not count.
        others = np.where(example_of[:, None] == example_of[None, :], np.float32(-1), vectors @ vectors.T)
        return _Scores(
            self._of_texts(alias, [Screened.of(text) for text in fresh], vectors, innocent),
            self._of_texts(alias, [Screened.of(text) for text in made], vectors, innocent),
            self._of_windows(alias, examples, others.max(axis=1), innocent.nearest(vectors))
            if len(examples) > 1
            else np.zeros(0, np.float32),
            (innocent.vectors @ vectors.T).max(axis=1) if len(innocent) else np.zeros(0, np.float32),
        )

    def texts(self, target: ForgetTarget) -> list[str]:
        """Return the paraphrases that a target is calibrated with: each example's first, then each one's second, and so on, so
        that all examples are represented alike. None of them is an example."""
        known = {prompt_key(example.prompt) for example in target.examples}
        lists = [
            paraphrases(example.prompt, next((name for name in target.names if name in example.prompt), target.name))
            for example in target.examples
        ]
        turns = (text for text in chain.from_iterable(zip_longest(*lists)) if text is not None)
        fresh = {prompt_key(text): text for text in turns}
        return [text for key, text in fresh.items() if key not in known][: self._texts_per_target]

    def _of_texts(
        self, alias: AliasClassifier | None, texts: Sequence[Screened], examples: Vectors, innocent: Background
    ) -> Vectors:
        """Return the slack of each text for its target, infinite where `alias` finds it: float32 [texts]."""
        if not texts:
            return np.zeros(0, np.float32)
        vectors = _Patient(self._encoder).encode([window for text in texts for window in text.windows])
        return self._of_windows(alias, texts, (vectors @ examples.T).max(axis=1), innocent.nearest(vectors))

    def _of_windows(
        self, alias: AliasClassifier | None, texts: Sequence[Screened], cosines: Vectors, nearest: Vectors
    ) -> Vectors:
        """Return the slack of each text from the best cosines of its windows; every text has a window."""
        text_of = np.array([number for number, text in enumerate(texts) for _ in text.windows])
        scores = np.full(len(texts), -np.inf, np.float32)
        np.maximum.at(scores, text_of, slack(cosines, nearest, self._thresholds))
        if alias is not None:
            scores[[bool(matches) for matches in alias.classify(texts)]] = np.inf
        return scores

    def _group(
        self, group: str, members: Sequence[tuple[ForgetTarget, _Scores | None]], innocent: Background
    ) -> GroupCalibration:
        found = [scores for _, scores in members if scores is not None]
        asked, made, held_out = (
            np.concatenate([np.zeros(0, np.float32), *(getattr(scores, name) for scores in found)])
            for name in ("asked", "paraphrases", "held_out")
        )
        needed = texts_needed(self._alpha)
        texts = asked if len(asked) >= needed else made
        conformal = conformal_limit(texts, self._alpha)
        limit = DEFAULT_LIMIT if conformal is None else min(DEFAULT_LIMIT, conformal - _ROUNDING)
        alarms = self._alarms([target for target, _ in members], found, innocent)
        return GroupCalibration(
            group=group,
            targets=len(found),
            bare=len(members) - len(found),
            alpha=self._alpha,
            n=len(texts),
            source="asked" if texts is asked else "paraphrases",
            needed=needed,
            conformal=conformal,
            default=DEFAULT_LIMIT,
            limit=limit,
            promised=None if conformal is None else self._alpha,
            observed=observed_miss_rate(texts, self._alpha),
            held_out=float((held_out >= limit).mean()) if len(held_out) else None,
            false_alarms=float((alarms >= limit).mean()) if len(alarms) else None,
            false_alarms_default=float((alarms >= DEFAULT_LIMIT).mean()) if len(alarms) else None,
        )

    def _alarms(self, targets: Sequence[ForgetTarget], found: Sequence[_Scores], innocent: Background) -> Vectors:
        """Return the slack of each background prompt for the nearest target: float32 [prompts with a window]."""
        kept, prompt_of = np.unique(innocent.prompt_of, return_inverse=True)
        scores = np.full(len(kept), -np.inf, np.float32)
        if found and len(innocent):
            reach = np.full(len(innocent), -1.0, np.float32)
            for target in found:
                np.maximum(reach, target.reach, out=reach)
            np.maximum.at(scores, prompt_of, slack(reach, innocent.alone, self._thresholds))
        if self._names and len(kept):
            texts = [Screened(innocent.prompts[number], ()) for number in kept.tolist()]
            scores[[bool(matches) for matches in AliasClassifier(targets).classify(texts)]] = np.inf
        return scores


class _Patient:
    """An encoder that asks another one for a few texts at a time and lets others in between."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.dimension = encoder.dimension
        self.fingerprint = encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        # Of about equal length in a batch: the encoder reads a batch as long as its longest text.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        result = np.zeros((len(texts), self.dimension), np.float32)
        for at in range(0, len(order), _BATCH):
            numbers = order[at : at + _BATCH]
            result[numbers] = self._encoder.encode([texts[number] for number in numbers])
            time.sleep(_PAUSE)
        return result


def calibrate(
    targets: Sequence[ForgetTarget],
    background: Sequence[str],
    encoder: Encoder,
    alpha: float = ALPHA,
    groups: Mapping[str, str] | None = None,
    asked: Mapping[str, Sequence[str]] | None = None,
    thresholds: Thresholds | None = None,
) -> Calibration:
    """Return what a new `Calibrator` computes; raises what it raises."""
    return Calibrator(encoder, alpha, thresholds).update(targets, background, groups, asked)


def _content(target: ForgetTarget, asked: Sequence[str]) -> Iterable[bytes]:
    """Yield what a target's scores depend on, each part with its kind, so that none passes for another."""
    for kind, texts in enumerate((target.names, [example.prompt for example in target.examples], asked)):
        yield from (b"%d " % kind + _bytes(text) for text in texts)
    yield from (b"3 " + repr((phrase.scope, phrase.match, phrase.folded)).encode() for phrase in target.phrases)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d " % len(part))
        digest.update(part)
    return digest.digest()
