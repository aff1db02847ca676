"""The calibrator: computes the calibration anew when targets change, and encodes only the texts of changed targets."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from classifiers.calibration.limits import (
    CAP,
    DEFAULT_LIMIT,
    Calibration,
    GroupCalibration,
    TargetCalibration,
    capped_limit,
    conformal_limit,
    observed_miss_rate,
    texts_needed,
)
from classifiers.calibration.scoring import Patient, Scorer, Scores
from classifiers.meaning.background import Background, prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.nearest import Thresholds, conformity
from classifiers.naming.alias import AliasClassifier
from classifiers.profile.classifier import ProfileClassifier
from classifiers.protocol import Screened
from classifiers.target import ForgetTarget, check_ids

ALPHA = 0.01
DEFAULT_GROUP = "all"
TEXTS_PER_TARGET = 120

# Subtracted from a limit: the classifier may add the same products in another order, and must find the text that sets the limit.
_ROUNDING = 1e-5


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
        cap: float = CAP,
        profiles: ProfileClassifier | None = None,
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
            cap: The share of innocent prompts that may be found, in [0, 1]. It wins over `alpha`.
            profiles: The classifier's profiles, whose limits are raised where a target's negatives come near; None without them,
                and then no negatives are made.

        Raises:
            ValueError: `alpha` is outside (0, 1), `cap` is outside [0, 1], or `texts_per_target` is below 1.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha {alpha} is not between 0 and 1")
        if not 0 <= cap <= 1:
            raise ValueError(f"the cap {cap} is not between 0 and 1")
        if texts_per_target < 1:
            raise ValueError(f"texts_per_target is {texts_per_target}, but must be at least 1")
        self._encoder = encoder
        self._alpha = alpha
        self._thresholds = thresholds or Thresholds()
        self._names = names
        self._cap = cap
        self._scorer = Scorer(encoder, self._thresholds, texts_per_target, names, profiles)
        self._scores: dict[bytes, Scores] = {}
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
            scores: dict[bytes, Scores] = {}
            members: dict[str, list[tuple[ForgetTarget, Scores | None]]] = {}
            # Sorted by id, so that the result does not depend on the order of the policy.
            for target in sorted(targets, key=lambda target: target.id):
                further = (asked or {}).get(target.id, ())
                found = None
                if target.examples:
                    key = _digest([digest, *_content(target, further)])
                    found = scores[key] = self._scores.get(key) or self._scorer.scored(target, further, innocent)
                members.setdefault((groups or {}).get(target.id, DEFAULT_GROUP), []).append((target, found))
            self._scores = scores
        return Calibration(
            tuple(self._group(group, of_group, innocent) for group, of_group in sorted(members.items())),
            {target.id: group for group, of_group in members.items() for target, _ in of_group},
            {target.id: self._of_target(own) for of_group in members.values() for target, own in of_group if own is not None},
        )

    def texts(self, target: ForgetTarget) -> list[str]:
        """Return the paraphrases with which a target is calibrated (`Scorer.texts`)."""
        return self._scorer.texts(target)

    def alone(self, target: ForgetTarget, background: Sequence[str] | Background) -> TargetCalibration | None:
        """Return the calibration of one target without that of a group; None if it has no examples.

        It is what `update` computes for the target, and keeps no scores.

        Args:
            target: The target.
            background: The background of the classifier, encoded or not.

        Raises:
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        if not target.examples:
            return None
        with self._lock:
            innocent, _ = self._innocent([target], background)
            return self._of_target(self._scorer.alone(target, innocent))

    def _innocent(self, targets: Iterable[ForgetTarget], background: Sequence[str] | Background) -> tuple[Background, bytes]:
        """Return the background without the targets' examples, and a digest of it."""
        prompts = background.prompts if isinstance(background, Background) else tuple(dict.fromkeys(background))
        forgotten = {prompt_key(example.prompt) for target in targets for example in target.examples}
        whole = _digest([self._encoder.fingerprint.encode(), *map(_bytes, prompts)])
        if whole not in self._backgrounds:
            known = background if isinstance(background, Background) else Background(prompts, Patient(self._encoder))
            self._backgrounds = {whole: known}
        left = [key for key in map(prompt_key, prompts) if key in forgotten]
        return self._backgrounds[whole].without(forgotten), _digest([whole, *map(_bytes, left)])

    def _group(self, group: str, members: Sequence[tuple[ForgetTarget, Scores | None]], innocent: Background) -> GroupCalibration:
        found = [scores for _, scores in members if scores is not None]
        asked, made, held_out = (
            np.concatenate([np.zeros(0, np.float32), *(getattr(scores, name) for scores in found)])
            for name in ("asked", "paraphrases", "held_out")
        )
        needed = texts_needed(self._alpha)
        texts = asked if len(asked) >= needed else made
        conformal = conformal_limit(texts, self._alpha)
        alarms = self._alarms([target for target, _ in members], found, innocent)
        # Each target's own negatives raise its own limit (`_of_target`), and not that of others.
        capped = capped_limit(alarms, self._cap)
        # Where both cannot be kept, the limit stays where it is without calibration.
        limit = DEFAULT_LIMIT if conformal is None else min(DEFAULT_LIMIT, max(conformal - _ROUNDING, capped))
        unnamed = texts[np.isfinite(texts)]
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
            cap=self._cap,
            capped=capped,
            limit=limit,
            promised=None if conformal is None or limit > conformal else self._alpha,
            missed=float((unnamed < limit).mean()) if len(unnamed) else None,
            observed=observed_miss_rate(texts, self._alpha),
            held_out=float((held_out >= limit).mean()) if len(held_out) else None,
            false_alarms=float((alarms >= limit).mean()) if len(alarms) else None,
            false_alarms_default=float((alarms >= DEFAULT_LIMIT).mean()) if len(alarms) else None,
        )

    def _of_target(self, scores: Scores) -> TargetCalibration:
        limit = capped_limit(scores.negatives, self._cap) if len(scores.negatives) else -np.inf
        highest = capped_limit(scores.described, self._cap) if len(scores.described) else 0.0
        raised = max(0.0, float(highest))
        found = (scores.told[:, 0] >= max(limit, DEFAULT_LIMIT)) | (scores.told[:, 1] >= raised)
        return TargetCalibration(float(limit), raised, len(scores.negatives), float((~found).mean()) if len(found) else None)

    def _alarms(self, targets: Sequence[ForgetTarget], found: Sequence[Scores], innocent: Background) -> Vectors:
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


def _content(target: ForgetTarget, asked: Sequence[str]) -> Iterable[bytes]:
    """Yield everything that a target's scores depend on, each part with a prefix that tells its kind."""
    prompts, completions = zip(*((example.prompt, example.completion) for example in target.examples), strict=True)
    for kind, texts in enumerate((target.names, prompts, asked, completions, target.documents)):
        yield from (b"%d " % kind + _bytes(text) for text in texts)
    yield from (b"5 " + repr((phrase.scope, phrase.match, phrase.folded)).encode() for phrase in target.phrases)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d " % len(part))
        digest.update(part)
    return digest.digest()
