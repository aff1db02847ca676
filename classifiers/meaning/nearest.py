"""The nearest classifier: a text that means about the same as one of a target's examples is about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from classifiers.meaning.background import Background, prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.index import ExampleIndex
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget, check_ids

NAME = "nearest"

# Similarities held at a time, float32: 32 MB.
_BLOCK = 8_000_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a window is near enough to an example: cosine >= `cosine` and cosine - best background cosine >= `margin`.

    The absolute threshold answers for texts that resemble nothing known, the margin for those that resemble kept neighbours.

    The defaults were chosen on TOFU (forget10, the default encoder): of 400 paraphrased questions about forgotten authors they
    find 399 with the shipped background alone and 398 with the kept authors' questions added to it; of 400 paraphrased
    questions about kept authors they flag 3 and 0, of 217 about real authors and the world none. Where the question is only a
    part of a window it is diluted and found less often: 50 of 100 after twenty other words, 8 of 100 after another question.

    Raises ValueError unless both lie in [0, 1].
    """

    cosine: float = 0.75
    margin: float = 0.02

    def __post_init__(self) -> None:
        if not (0 <= self.cosine <= 1 and 0 <= self.margin <= 1):
            raise ValueError(f"thresholds {self.cosine}, {self.margin}: both lie in [0, 1]")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two statements of the policy that contradict or repeat each other.

    `background`: a background prompt is an example of these targets; the background prompt was left out, so the example is found.
    `shared`: these targets have an example in common; a prompt like it matches all of them, with equal scores.
    `alias`: these targets have a name in common; a prompt that holds it matches all of them.
    """

    kind: Literal["background", "shared", "alias"]
    target_ids: tuple[str, ...]


def slack(cosines: Vectors, nearest: Vectors, thresholds: Thresholds) -> Vectors:
    """Return by how much a window is near enough: float32, the shape of `cosines`; `nearest` must broadcast against it.

    `cosines` are those with examples, `nearest` those with the best background window. At zero both thresholds just hold, so
    one number says what two thresholds decide, and moving it (`classifiers.calibration.limits`) moves both alike.
    """
    result: Vectors = np.minimum(cosines - np.float32(thresholds.cosine), cosines - nearest - np.float32(thresholds.margin))
    return result


class NearestClassifier:
    """Compares each window of a text with every example prompt and every background prompt.

    A text matches a target where the slack of one of its windows reaches the target's limit; the score is the best such cosine,
    cut to [0, 1]. A target without examples is not represented here; completions, documents and phrases are not looked at.
    Prompts longer than a window are cut into passages, and each of those counts as an example.

    Immutable: `extended` makes another one.
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
        """Encode the examples, and `background` unless that has been done; it may be empty: then only the absolute threshold
        counts.

        `vectors`: float32 [windows, dimension] by target id, what `example_vectors` made of a target's examples earlier. They are
        taken as they are; the examples of such a target are not encoded, and their text may be gone.

        `limits`: the slack from which on a text is about a target, by target id; 0, that is the thresholds as they are, for a
        target that is not there.

        Raises ValueError if two targets have the same id, and what the encoder raises.
        """
        self._encoder = encoder
        self._thresholds = thresholds or Thresholds()
        encoded = background if isinstance(background, Background) else None
        self._innocent = encoded.prompts if encoded else tuple(dict.fromkeys(background))  # type: ignore[arg-type]
        self._background = encoded
        self._examples = ExampleIndex(np.zeros((0, encoder.dimension), np.float32))
        self._target_ids: list[str] = []
        self._target_of = np.zeros(0, np.int64)
        self._owners: dict[str, dict[str, None]] = {}
        self.conflicts: tuple[Conflict, ...] = ()
        """What the policy says twice, or both ways; for the operator."""
        self._add(targets, limits or {}, vectors or {})

    def extended(
        self,
        targets: Sequence[ForgetTarget],
        limits: Mapping[str, float] | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> Self:
        """Return a classifier that knows `targets` too; nothing but their examples is encoded. This one stays as it is.

        `limits` replace all earlier ones where given; `vectors` are those of the constructor.

        Raises ValueError if an id is taken, and what the encoder raises.
        """
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._target_ids = list(self._target_ids)
        copy._owners = dict(self._owners)
        copy._add(targets, self._limits if limits is None else limits, vectors or {})
        return copy

    def without(self, target_ids: Collection[str]) -> Self:
        """Return a classifier that does not know these targets, and holds no vector of theirs. This one stays as it is.

        A background prompt that had to give way to one of their examples counts again only in a new classifier.
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
        left = {key: {i: None for i in owners if i not in gone} for key, owners in self._owners.items()}
        copy._owners = {key: owners for key, owners in left.items() if owners}
        copy.conflicts = tuple(copy._conflicts())
        return copy

    def _add(self, targets: Sequence[ForgetTarget], limits: Mapping[str, float], vectors: Mapping[str, Vectors]) -> None:
        known = set(self._target_ids)
        if any(target.id in known for target in targets):
            raise ValueError("a target with this id is already known")
        check_ids(targets)
        prompts: list[str] = []
        target_of: list[int] = []
        known_before = len(self._target_ids)
        given: list[Vectors] = []
        target_of_given: list[int] = []
        for number, target in enumerate(targets, known_before):
            for example in target.examples:
                key = prompt_key(example.prompt)
                self._owners[key] = {**self._owners.get(key, {}), target.id: None}
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
            # Encoding costs time, and nothing is compared with the background where there are no examples.
            if self._background is None:
                self._background = Background(self._innocent, self._encoder)
            self._background = self._background.without(self._owners)
        self.conflicts = tuple(self._conflicts())

    def _conflicts(self) -> Iterable[Conflict]:
        yield from (Conflict("shared", tuple(ids)) for ids in self._owners.values() if len(ids) > 1)
        for prompt in self._innocent:
            if owners := self._owners.get(prompt_key(prompt)):
                yield Conflict("background", tuple(owners))

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text, with evidence "nearest:<best target cosine>-<best background cosine>"."""
        result: list[list[Match]] = [[] for _ in texts]
        numbers, vectors, nearest = self._read(texts)
        if not len(numbers):
            return result
        # A little less than the lowest limit: the pairs are decided below, by the formula that limits are computed with.
        least = np.maximum(self._thresholds.cosine, nearest + self._thresholds.margin) + self._limit_of.min() - 1e-5
        rows, columns, cosines = self._examples.above(vectors, least.astype(np.float32))
        targets = self._target_of[columns]
        near = slack(cosines, nearest[rows], self._thresholds) >= self._limit_of[targets]
        rows, targets, cosines = rows[near], targets[near], cosines[near]
        # The best pair of each row and target stands last.
        order = np.lexsort((cosines, targets, rows))
        rows, targets, cosines = rows[order], targets[order], cosines[order]
        last = np.ones(len(rows), bool)
        last[:-1] = (rows[1:] != rows[:-1]) | (targets[1:] != targets[:-1])
        for row, target, cosine in zip(rows[last].tolist(), targets[last].tolist(), cosines[last].tolist(), strict=True):
            evidence = f"nearest:{cosine:.2f}-{nearest[row]:.2f}"
            score = min(1.0, max(0.0, cosine))
            result[int(numbers[row])].append(Match(self._target_ids[target], score, evidence, NAME))
        return [best_matches(matches) for matches in result]

    def scores(self, texts: Sequence[Screened]) -> Vectors:
        """Return the slack of each text's best window for each target, in the targets' order: float32 [texts, targets].

        Negative infinity where the text has no window or the target no example. `classify` matches where a score is at least
        the target's limit.
        """
        result = np.full((len(texts), len(self._target_ids)), -np.inf, np.float32)
        numbers, vectors, nearest = self._read(texts)
        step = max(1, _BLOCK // max(1, len(self._target_of)))
        for at in range(0, len(numbers), step):
            block = slice(at, at + step)
            everything = np.full(len(numbers[block]), -np.inf, np.float32)
            rows, columns, cosines = self._examples.above(vectors[block], everything)
            values = slack(cosines, nearest[block][rows], self._thresholds)
            np.maximum.at(result, (numbers[block][rows], self._target_of[columns]), values)
        return result

    def _read(self, texts: Sequence[Screened]) -> tuple[NDArray[np.int64], Vectors, Vectors]:
        """Return of each window: the number of its text, its vector, its best background cosine. No examples: no windows."""
        if not len(self._target_of):
            texts = ()
        numbers = np.array([number for number, screened in enumerate(texts) for _ in screened.windows], np.int64)
        vectors = self._encoder.encode([window for screened in texts for window in screened.windows])
        nearest = np.zeros(0, np.float32) if self._background is None else self._background.nearest(vectors)
        return numbers, vectors, nearest


def example_passages(target: ForgetTarget) -> list[str]:
    """Return the texts that stand for a target's examples, each encoded to one vector.

    Prompts stay whole unless they are longer than a window: a clause of one ("where was he born") is about anybody.
    """
    return [piece for example in target.examples for piece in passages(example.prompt)]


def example_vectors(targets: Sequence[ForgetTarget], encoder: Encoder) -> dict[str, Vectors]:
    """Return the vectors of targets' examples, float32 [windows, dimension] by target id: encoded together, as the classifier
    takes them. Raises what the encoder raises."""
    pieces = [example_passages(target) for target in targets]
    vectors = encoder.encode([piece for part in pieces for piece in part])
    ends = np.cumsum([len(part) for part in pieces])
    return dict(zip((target.id for target in targets), np.split(vectors, ends[:-1]), strict=True)) if pieces else {}
