"""The nearest classifier: a text is about a target if it means about the same as one of the target's examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifiers.meaning.background import Background, prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.index import ExampleIndex
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget, check_ids

NAME = "nearest"

# Cosines computed at a time by `scores`, float32: 32 MB.
_BLOCK = 8_000_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a window is near enough to an example: cosine >= `cosine` and cosine - best background cosine >= `margin`.

    The absolute threshold decides for texts that resemble nothing known, the margin for texts that resemble innocent prompts.

    The defaults were chosen on TOFU (forget10, the default encoder). Of 400 paraphrased questions about forgotten authors they
    find 399 with the shipped background alone, and 398 with the kept authors' questions added to it. Of 400 paraphrased
    questions about kept authors they flag 3 and 0; of 217 questions about real authors and the world they flag none. If the
    question is only a part of a window, its vector is diluted and it is found less often: 50 of 100 questions after twenty other
    words, 8 of 100 after another question.

    Raises:
        ValueError: A threshold is outside [0, 1].
    """

    cosine: float = 0.75
    margin: float = 0.02

    def __post_init__(self) -> None:
        if not (0 <= self.cosine <= 1 and 0 <= self.margin <= 1):
            raise ValueError(f"thresholds cosine {self.cosine} and margin {self.margin}: both must be in [0, 1]")


def conformity(cosines: Vectors, nearest: Vectors, thresholds: Thresholds) -> Vectors:
    """Return the conformity score of windows: the distance by which the tighter of the two thresholds holds.

    At zero both thresholds just hold. So one number says what two thresholds decide, and calibration
    (`classifiers.calibration.limits`) moves both by moving one limit.

    Args:
        cosines: float32, the cosines of windows with examples.
        nearest: float32, the cosines of the same windows with the best background window; must broadcast against `cosines`.
        thresholds: The two thresholds.

    Returns:
        float32, the shape of `cosines`.
    """
    result: Vectors = np.minimum(cosines - np.float32(thresholds.cosine), cosines - nearest - np.float32(thresholds.margin))
    return result


class NearestClassifier:
    """Compares each window of a text with every example prompt and every background prompt.

    A text matches a target if the conformity score of one of its windows reaches the target's limit. The match's score is the
    best such cosine, clipped to [0, 1]. A target without examples is never found here, and completions, documents and phrases are
    not read. A prompt that is longer than a window is cut into passages, and each passage counts as an example.

    Immutable: `extended` returns another classifier.
    """

    def __init__(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str] | Background,
        encoder: Encoder,
        thresholds: Thresholds | None = None,
        limits: Mapping[str, float] | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> None:
        """Encode the examples and, if there are any, the background.

        Args:
            targets: The forget targets, each with an id of its own.
            background: Innocent prompts, encoded or not. If there are none, only the absolute threshold counts.
            encoder: Encodes examples and texts.
            thresholds: When a window is near enough to an example; None for the defaults.
            limits: By target id, the conformity score from which on a text is about the target. A target that is missing has the
                limit 0, which leaves the thresholds as they are.
            vectors: By target id, float32 [windows, dimension], what `example_vectors` made of the target's examples earlier.
                Such a target is not encoded, and the text of its examples may be gone.

        Raises:
            ValueError: Two targets have the same id.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        self._encoder = encoder
        self._thresholds = thresholds or Thresholds()
        self._background: Sequence[str] | Background = background
        self._examples = ExampleIndex(np.zeros((0, encoder.dimension), np.float32))
        self._target_ids: list[str] = []
        self._target_of = np.zeros(0, np.int64)
        self._add(targets, limits or {}, vectors or {})

    @property
    def examples(self) -> int:
        """The number of passages of examples that texts are compared with."""
        return len(self._target_of)

    def extended(
        self,
        targets: Sequence[ForgetTarget],
        limits: Mapping[str, float] | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> Self:
        """Return a classifier that knows `targets` as well; only their examples are encoded. This one does not change.

        Args:
            targets: Targets with new ids.
            limits: Replace all earlier limits; None keeps those.
            vectors: As in the constructor, of the new targets.

        Raises:
            ValueError: A target with one of the ids is known already.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._target_ids = list(self._target_ids)
        copy._add(targets, self._limits if limits is None else limits, vectors or {})
        return copy

    def without(self, target_ids: Collection[str]) -> Self:
        """Return a classifier without these targets and their vectors. This one does not change.

        A background prompt that was left out because it repeats one of their examples counts again only in a new classifier.
        """
        gone = frozenset(target_ids)
        stays = [number for number, target_id in enumerate(self._target_ids) if target_id not in gone]
        renumbered = np.full(len(self._target_ids), -1, np.int64)
        renumbered[stays] = np.arange(len(stays))
        target_of = renumbered[self._target_of]
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._target_ids = [self._target_ids[number] for number in stays]
        copy._limit_of = self._limit_of[stays]
        copy._examples = self._examples.kept(target_of >= 0)
        copy._target_of = target_of[target_of >= 0]
        return copy

    def _add(self, targets: Sequence[ForgetTarget], limits: Mapping[str, float], vectors: Mapping[str, Vectors]) -> None:
        known = set(self._target_ids)
        if any(target.id in known for target in targets):
            raise ValueError("a target with this id is already known; remove it first, with `without`")
        check_ids(targets)
        prompts: list[str] = []
        target_of: list[int] = []
        known_before = len(self._target_ids)
        given: list[Vectors] = []
        target_of_given: list[int] = []
        for number, target in enumerate(targets, known_before):
            if target.id in vectors:
                given.append(vectors[target.id])
                target_of_given += [number] * len(vectors[target.id])
            else:
                pieces = example_passages(target)
                prompts += pieces
                target_of += [number] * len(pieces)
        self._target_ids += [target.id for target in targets]
        self._limits = dict(limits)
        self._limit_of = np.array([limits.get(target_id, 0.0) for target_id in self._target_ids], np.float32)
        if prompts or target_of_given:
            self._examples = self._examples.extended(np.concatenate([self._encoder.encode(prompts), *given]))
            self._target_of = np.concatenate([self._target_of, np.array(target_of + target_of_given, np.int64)])
            # Not before: without examples nothing is compared with the background, and encoding it takes time.
            if not isinstance(self._background, Background):
                self._background = Background(self._background, self._encoder)
            self._background = self._background.without(
                {prompt_key(example.prompt) for target in targets for example in target.examples}
            )

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text, with evidence "nearest:<best target cosine>-<best background cosine>"."""
        return self.compared(len(texts), *self.read(texts))

    def compared(
        self, count: int, numbers: NDArray[np.int64], vectors: Vectors, nearest: Vectors, doubt: float = 0.0
    ) -> list[list[Match]]:
        """Return the matches of `count` texts whose windows `read` has encoded; uncertain ones down to `doubt` below a limit."""
        result: list[list[Match]] = [[] for _ in range(count)]
        if not len(numbers) or not len(self._target_of):
            return result
        # A little below the lowest limit; `conformity` then decides on each pair, as it does when limits are computed.
        least = np.maximum(self._thresholds.cosine, nearest + self._thresholds.margin) + self._limit_of.min() - doubt - 1e-5
        rows, columns, cosines = self._examples.above(vectors, least.astype(np.float32))
        targets = self._target_of[columns]
        above = conformity(cosines, nearest[rows], self._thresholds) - self._limit_of[targets]
        near = above >= -doubt
        rows, targets, cosines, above = rows[near], targets[near], cosines[near], above[near]
        # Sort the best pair of each row and target to the end of its group.
        order = np.lexsort((cosines, targets, rows))
        rows, targets, cosines, above = rows[order], targets[order], cosines[order], above[order]
        last = np.ones(len(rows), bool)
        last[:-1] = (rows[1:] != rows[:-1]) | (targets[1:] != targets[:-1])
        best = zip(rows[last].tolist(), targets[last].tolist(), cosines[last].tolist(), (above[last] >= 0).tolist(), strict=True)
        for row, target, cosine, certain in best:
            evidence = f"nearest:{cosine:.2f}-{nearest[row]:.2f}"
            score = min(1.0, max(0.0, cosine))
            result[int(numbers[row])].append(Match(self._target_ids[target], score, evidence, NAME, certain))
        return [best_matches(matches) for matches in result]

    def scores(self, texts: Sequence[Screened]) -> Vectors:
        """Return the conformity score of each text's best window for each target.

        `classify` reports a match where the score is at least the target's limit.

        Returns:
            float32 [texts, targets], targets in their order; negative infinity where a text has no window or a target no example.
        """
        result = np.full((len(texts), len(self._target_ids)), -np.inf, np.float32)
        numbers, vectors, nearest = self.read(texts)
        step = max(1, _BLOCK // max(1, len(self._target_of)))
        for at in range(0, len(numbers), step):
            block = slice(at, at + step)
            everything = np.full(len(numbers[block]), -np.inf, np.float32)
            rows, columns, cosines = self._examples.above(vectors[block], everything)
            values = conformity(cosines, nearest[block][rows], self._thresholds)
            np.maximum.at(result, (numbers[block][rows], self._target_of[columns]), values)
        return result

    def read(self, texts: Sequence[Screened], always: bool = False) -> tuple[NDArray[np.int64], Vectors, Vectors]:
        """Return for each window its text's number, its vector and its best background cosine.

        Without examples there is nothing to compare with, and no window is encoded unless `always`.
        """
        if not len(self._target_of) and not always:
            texts = ()
        numbers = np.array([number for number, screened in enumerate(texts) for _ in screened.windows], np.int64)
        vectors = self._encoder.encode([window for screened in texts for window in screened.windows])
        background = self._background
        nearest = background.nearest(vectors) if isinstance(background, Background) else np.zeros(len(vectors), np.float32)
        return numbers, vectors, nearest


def example_passages(target: ForgetTarget) -> list[str]:
    """Return the texts that a target's examples are encoded as, one vector each.

    A prompt stays whole unless it is longer than a window: a clause of it ("where was he born") may be about anybody.
    """
    return [piece for example in target.examples for piece in passages(example.prompt)]


def example_vectors(targets: Sequence[ForgetTarget], encoder: Encoder) -> dict[str, Vectors]:
    """Encode the examples of several targets together, in the form that `NearestClassifier` takes.

    Returns:
        By target id, float32 [windows, dimension].

    Raises:
        EncoderError: The encoder fails; other encoders may raise other exceptions.
    """
    pieces = [example_passages(target) for target in targets]
    vectors = encoder.encode([piece for part in pieces for piece in part])
    ends = np.cumsum([len(part) for part in pieces])
    return dict(zip((target.id for target in targets), np.split(vectors, ends[:-1]), strict=True)) if pieces else {}
