"""The usual classifier while its targets change: what is added costs its own size, not that of the list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from classifiers.ensemble import EnsembleClassifier
from classifiers.meaning.background import Background, full_background
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.nearest import NearestClassifier, Thresholds
from classifiers.naming.alias import AliasClassifier
from classifiers.protocol import Classifier, Match, Screened, best_matches
from classifiers.target import ForgetTarget
from classifiers.tiers import crowded

MOST_LAYERS = 8
"""With more layers of names some are to be merged: each is searched for every text."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """Names of `size` targets that were added or merged together. It speaks for `ids`; the others have changed or gone since."""

    alias: AliasClassifier
    ids: frozenset[str]
    size: int

    @classmethod
    def of(cls, targets: Collection[ForgetTarget]) -> _Layer:
        return cls(AliasClassifier(list(targets)), frozenset(target.id for target in targets), len(targets))

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [[match for match in found if match.target_id in self.ids] for found in self.alias.classify(texts)]


@dataclass(frozen=True, slots=True)
class _Names:
    """All layers as one: what they find together is what one layer of all names would find."""

    layers: Sequence[_Layer]

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        found: list[list[Match]] = [[] for _ in texts]
        for layer in self.layers:
            for matches, further in zip(found, layer.classify(texts), strict=True):
                matches += further
        return [best_matches(matches) for matches in found]


class LivingClassifier:
    """Names in layers, examples in one index; the union of both, as `EnsembleClassifier` has it.

    Immutable: `changed` returns another one, and requests that hold this one go on with it. Names cannot be taken out of the
    automaton that finds them, so a layer keeps those of changed and removed targets, and what it finds of them is dropped;
    `merged` builds one layer of what several still speak for. Vectors are taken out at once.
    """

    def __init__(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str] | Background,
        encoder: Encoder,
        thresholds: Thresholds | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> None:
        """`background` are the operator's innocent prompts; those that come with the package are added, unless they are encoded
        already. `vectors` are those of targets' examples, by target id, for targets that need not, or cannot, be encoded
        (`classifiers.meaning.nearest`).

        Raises ValueError if two targets have the same id, and what the encoder raises.
        """
        self._targets = {target.id: target for target in targets}
        innocent = background if isinstance(background, Background) else full_background(background)
        self._nearest = NearestClassifier(targets, innocent, encoder, thresholds, None, vectors)
        self._layers = [_Layer.of(targets)]
        self._ensemble = self._together()

    @property
    def crowded(self) -> bool:
        """Whether there are so many layers that `merged` should be called."""
        return len(self._layers) > MOST_LAYERS

    @property
    def whole(self) -> bool:
        """Whether all names are in one layer, and none in memory that is not looked for any more: `merged(whole=True)` is."""
        return len(self._layers) <= 1 and all(len(layer.ids) == layer.size for layer in self._layers)

    @property
    def layers(self) -> int:
        """How many layers of names a text is searched for."""
        return len(self._layers)

    @property
    def members(self) -> Sequence[Classifier]:
        """The classifiers it consists of, in the order they are asked."""
        return self._ensemble.members

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        return self._ensemble.classify(texts)

    def changed(
        self,
        upserted: Sequence[ForgetTarget],
        removed: Collection[str] = (),
        vectors: Mapping[str, Vectors] | None = None,
    ) -> LivingClassifier:
        """Return one that knows `upserted` as they are now and `removed`, target ids, no more; `vectors` as in the constructor.

        Raises what the encoder raises.
        """
        gone = frozenset(removed).union(target.id for target in upserted)
        copy = self._copy()
        copy._targets = {i: target for i, target in self._targets.items() if i not in gone} | {t.id: t for t in upserted}
        known = gone & self._targets.keys()
        nearest = self._nearest.without(known) if known else self._nearest
        copy._nearest = nearest.extended(upserted, None, vectors) if upserted else nearest
        layers = [layer if layer.ids.isdisjoint(gone) else replace(layer, ids=layer.ids - gone) for layer in self._layers]
        if upserted:
            layers.append(_Layer.of(upserted))
        copy._layers = _by_size([layer for layer in layers if layer.ids])
        copy._ensemble = copy._together()
        return copy

    def merged(self, whole: bool = False) -> LivingClassifier:
        """Return an equal one with fewer layers of names: the smallest as one (`classifiers.tiers`), or all if `whole`.

        It takes as long as what is merged is large. Names that no layer speaks for any more are gone from what is merged.
        """
        first = 0 if whole else crowded([len(layer.ids) for layer in self._layers], MOST_LAYERS)
        if first == len(self._layers):
            return self
        ids = frozenset[str]().union(*(layer.ids for layer in self._layers[first:]))
        one = _Layer.of([target for i, target in self._targets.items() if i in ids])
        copy = self._copy()
        copy._layers = _by_size([*self._layers[:first], one])
        copy._ensemble = copy._together()
        return copy

    def adopting(self, merged: LivingClassifier) -> LivingClassifier:
        """Return this one with the layers of `merged` where they speak for the same; `merged` is an earlier state, merged
        meanwhile."""
        same = frozenset(i for i, target in merged._targets.items() if self._targets.get(i) is target)
        theirs = [replace(layer, ids=layer.ids & same) for layer in merged._layers]
        ours = [replace(layer, ids=layer.ids - same) for layer in self._layers]
        copy = self._copy()
        copy._layers = _by_size([layer for layer in (*theirs, *ours) if layer.ids])
        copy._ensemble = copy._together()
        return copy

    def limited(self, limits: Mapping[str, float]) -> LivingClassifier:
        """Return one with other limits of slack, by target id (`Calibration.limits`)."""
        copy = self._copy()
        copy._nearest = self._nearest.extended([], limits)
        copy._ensemble = copy._together()
        return copy

    def _copy(self) -> LivingClassifier:
        copy = object.__new__(LivingClassifier)
        copy.__dict__.update(self.__dict__)
        return copy

    def _together(self) -> EnsembleClassifier:
        # A refused prompt is refused whatever else it is about.
        final = {target.id for target in self._targets.values() if not target.action.answers}
        return EnsembleClassifier([_Names(self._layers), self._nearest], final)


def _by_size(layers: Sequence[_Layer]) -> list[_Layer]:
    return sorted(layers, key=lambda layer: len(layer.ids), reverse=True)
