"""The calibrator: computes the calibration anew when targets change, and encodes only the texts of changed targets."""

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
from classifiers.meaning.nearest import Thresholds, conformity
from classifiers.naming.alias import AliasClassifier
from classifiers.protocol import Screened
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget, check_ids

ALPHA = 0.01
DEFAULT_GROUP = "all"
TEXTS_PER_TARGET = 120

# Texts encoded at a time. The encoder serves one call after the other, and a request must not wait for all texts of a target.
_BATCH = 32
_PAUSE = 0.001  # seconds
# Subtracted from a limit: the classifier may add the same products in another order, and must find the text that sets the limit.
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class _Scores:
    """What the calibration of a group needs of one target.

    `asked`, `paraphrases` and `held_out` are float32 [texts], conformity scores, infinite for a text that names the target.
    """

    asked: Vectors
    paraphrases: Vectors
    held_out: Vectors
    reach: Vectors
    """float32 [background windows]: the best cosine of each background window with an example."""


class Calibrator:
    """Computes calibrations. It keeps the scores of each target, but no text.

    It encodes the texts of a target again only if the target, the encoder or the background has changed, so a new target beside
    10,000 others costs only its own texts. `update` is meant for a thread beside serving: it encodes in small batches and returns
    an immutable `Calibration`. Concurrent updates run one after the other.
    """

    def __init__(
        self,
        encoder: Encoder,
        alpha: float = ALPHA,
        thresholds: Thresholds | None = None,
        texts_per_target: int = TEXTS_PER_TARGET,
        names: bool = True,
    ) -> None:
        """Compute nothing yet.

        Args:
            encoder: The encoder itself, not a `CachedEncoder` that serves requests: the texts are read once and would push out
                those of requests.
            alpha: The miss rate, in (0, 1).
            thresholds: Those of the classifier; None for the defaults.
            texts_per_target: The most paraphrases of one target.
            names: Whether a text that names its target counts as found. If so, the promise holds for the alias classifier and the
                nearest classifier together, else for the nearest classifier alone.

        Raises:
            ValueError: `alpha` is outside (0, 1), or `texts_per_target` is below 1.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha {alpha} is not between 0 and 1")
        if texts_per_target < 1:
            raise ValueError(f"texts_per_target is {texts_per_target}, but must be at least 1")
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
        """Return the calibration of targets.

        Args:
            targets: The targets, each with an id of its own.
            background: The background of the classifier, encoded or not.
            groups: By target id, the name of its group; a target that is missing is in the group "all".
            asked: By target id, prompts about the target that people really sent and that are not examples. In a group with
                enough of them, they alone set the limit.

        Raises:
            ValueError: Two targets have the same id.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        check_ids(targets)
        with self._lock:
            innocent, digest = self._innocent(targets, background)
            scores: dict[bytes, _Scores] = {}
            members: dict[str, list[tuple[ForgetTarget, _Scores | None]]] = {}
            # Sorted by id, so that the result does not depend on the order of the policy.
            for target in sorted(targets, key=lambda target: target.id):
                further = (asked or {}).get(target.id, ())
                found = None
                if target.examples:
                    key = _digest([digest, *_content(target, further)])
                    found = scores[key] = self._scores.get(key) or self._scored(target, further, innocent)
                members.setdefault((groups or {}).get(target.id, DEFAULT_GROUP), []).append((target, found))
            self._scores = scores
        return Calibration(
            tuple(self._group(group, of_group, innocent) for group, of_group in sorted(members.items())),
            {target.id: group for group, of_group in members.items() for target, _ in of_group},
        )

    def _innocent(self, targets: Iterable[ForgetTarget], background: Sequence[str] | Background) -> tuple[Background, bytes]:
        """Return the background without the targets' examples, and a digest of it."""
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
        # In passages, as the nearest classifier compares them.
        examples = [Screened(prompt, tuple(passages(prompt))) for prompt in prompts]
        vectors = encoder.encode([window for example in examples for window in example.windows])
        example_of = np.array([number for number, example in enumerate(examples) for _ in example.windows])
        made = self.texts(target)
        fresh = [text for text in dict.fromkeys(asked) if text.strip() and prompt_key(text) not in known]
        # Each example against the others: pairs of an example with itself do not count.
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
        """Return the paraphrases with which a target is calibrated; none of them is an example.

        They are in turns, the first of each example, then the second of each, so that all examples have an equal share.
        """
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
        """Return the conformity score of each text, infinite if `alias` finds the target in it: float32 [texts]."""
        if not texts:
            return np.zeros(0, np.float32)
        vectors = _Patient(self._encoder).encode([window for text in texts for window in text.windows])
        return self._of_windows(alias, texts, (vectors @ examples.T).max(axis=1), innocent.nearest(vectors))

    def _of_windows(
        self, alias: AliasClassifier | None, texts: Sequence[Screened], cosines: Vectors, nearest: Vectors
    ) -> Vectors:
        """Return the conformity score of each text, given the best cosines of its windows; each text must have a window."""
        text_of = np.array([number for number, text in enumerate(texts) for _ in text.windows])
        scores = np.full(len(texts), -np.inf, np.float32)
        np.maximum.at(scores, text_of, conformity(cosines, nearest, self._thresholds))
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
        """Return the conformity score of each background prompt with the nearest target: float32 [prompts with a window]."""
        kept, prompt_of = np.unique(innocent.prompt_of, return_inverse=True)
        scores = np.full(len(kept), -np.inf, np.float32)
        if found and len(innocent):
            reach = np.full(len(innocent), -1.0, np.float32)
            for target in found:
                np.maximum(reach, target.reach, out=reach)
            np.maximum.at(scores, prompt_of, conformity(reach, innocent.alone, self._thresholds))
        if self._names and len(kept):
            texts = [Screened(innocent.prompts[number], ()) for number in kept.tolist()]
            scores[[bool(matches) for matches in AliasClassifier(targets).classify(texts)]] = np.inf
        return scores


class _Patient:
    """An encoder that has another one encode a few texts at a time, so that requests are served in between."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.dimension = encoder.dimension
        self.fingerprint = encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        # Batches of texts of similar lengths: some encoders pad a batch to the length of its longest text.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        result = np.zeros((len(texts), self.dimension), np.float32)
        for at in range(0, len(order), _BATCH):
            numbers = order[at : at + _BATCH]
            result[numbers] = self._encoder.encode([texts[number] for number in numbers])
            time.sleep(_PAUSE)
        return result


def _content(target: ForgetTarget, asked: Sequence[str]) -> Iterable[bytes]:
    """Yield everything that a target's scores depend on, each part with a prefix that tells its kind."""
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
