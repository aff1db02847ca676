"""The usual classifier while its targets change: what is added costs its own size, not that of the list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from classifiers.alias import AliasClassifier
from classifiers.encoder import Encoder, Vectors
from classifiers.ensemble import EnsembleClassifier, full_background
from classifiers.nearest import NearestClassifier, Thresholds
from classifiers.target import ForgetTarget
from classifiers.types import Classifier, Match, Screened, best_matches


@dataclass(frozen=True, slots=True)
class _Layer:
    """Names of the targets that were added together. It speaks for `ids`; the others have changed or gone since."""

    alias: AliasClassifier
    ids: frozenset[str]

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
    `merged` builds one layer of what is left. Vectors are taken out at once.
    """

    def __init__(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str],
        encoder: Encoder,
        thresholds: Thresholds | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> None:
        """`background` are the operator's innocent prompts; those that come with the package are added. `vectors` are those of
        examples whose text was not kept, by target id.

        Raises ValueError if two targets have the same id, and what the encoder raises.
        """
        self._targets = {target.id: target for target in targets}
        self._nearest = NearestClassifier(targets, full_background(background), encoder, thresholds, None, vectors)
        self._layers = [_Layer(AliasClassifier(targets), frozenset(self._targets))]
        self._ensemble = self._together()

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
        copy._layers = [replace(layer, ids=layer.ids - gone) for layer in self._layers]
        if upserted:
            copy._layers.append(_Layer(AliasClassifier(upserted), frozenset(target.id for target in upserted)))
        copy._ensemble = copy._together()
        return copy

    def merged(self) -> LivingClassifier:
        """Return an equal one with all names in one layer; takes as long as the list is."""
        copy = self._copy()
        copy._layers = [_Layer(AliasClassifier(list(self._targets.values())), frozenset(self._targets))]
        copy._ensemble = copy._together()
        return copy

    def adopting(self, merged: LivingClassifier) -> LivingClassifier:
        """Return this one with the one layer of `merged` in place of what it covers; `merged` is an earlier state, merged
        meanwhile."""
        same = frozenset(i for i, target in merged._targets.items() if self._targets.get(i) is target)
        later = [replace(layer, ids=layer.ids - same) for layer in self._layers]
        copy = self._copy()
        copy._layers = [replace(merged._layers[0], ids=same), *(layer for layer in later if layer.ids)]
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
        final = {target.id for target in self._targets.values() if target.action == "refuse"}
        return EnsembleClassifier([_Names(self._layers), self._nearest], final)
