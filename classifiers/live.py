"""The live classifier: what the server decides prompts with, while targets are added, changed and removed.

This is the only place where the classifier is put together. The server, the evaluation and the tests all construct it here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from classifiers.answering import InContext
from classifiers.meaning.background import Background, full_background
from classifiers.meaning.encoder import Encoder, Vectors, uncached
from classifiers.meaning.nearest import NearestClassifier, Thresholds
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.foreign import ForeignPrompts
from classifiers.multilingual.language import is_foreign
from classifiers.multilingual.second import Compared, SecondOpinion
from classifiers.naming.alias import AliasClassifier
from classifiers.naming.search import NO_DOUBT, Doubt
from classifiers.profile.classifier import MOST_CANDIDATES, Described, ProfileClassifier
from classifiers.profile.lexicon import Lexicon
from classifiers.profile.words import informative
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.language import language_of
from classifiers.target import ForgetTarget
from classifiers.tiers import Tiers

# What a cosine is worth in log odds, for the doubt below a limit of the nearest classifier.
_COSINE = 0.1

MOST_LAYERS = 8
"""The number of layers of names above which some should be merged: each layer is searched for every text."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The names of `size` targets that were added or merged together.

    Only matches of the targets in `ids` count; the other targets have changed or been removed since.
    """

    alias: AliasClassifier
    lexicon: Lexicon
    ids: frozenset[str]
    size: int

    @classmethod
    def of(cls, targets: Collection[ForgetTarget], in_context: InContext) -> _Layer:
        ids = frozenset(target.id for target in targets)
        return cls(AliasClassifier(list(targets), in_context=in_context), Lexicon(list(targets)), ids, len(targets))

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [[match for match in found if match.target_id in self.ids] for found in self.alias.classify(texts)]


@dataclass(frozen=True, slots=True)
class _Names:
    """All layers as one classifier, which finds what a single layer of all names would find."""

    layers: Tiers[_Layer]

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        found: list[list[Match]] = [[] for _ in texts]
        for layer in self.layers:
            for matches, further in zip(found, layer.classify(texts), strict=True):
                matches += further
        return [best_matches(matches) for matches in found]


class LiveClassifier:
    """Finds targets by name, by their examples and by what is known about them, in this order.

    Names are in layers, examples in one index. A name in a text may leave doubt (`Match.certain`); then the profile decides, as
    it does for targets that share words with the text. It fails closed: every exception is passed on.

    Adding a target costs time in proportion to that target, not to the whole list. Immutable: `changed` returns another
    classifier, and requests that hold this one keep using it.

    A name cannot be taken out of the automaton that finds it. So a layer keeps the names of changed and removed targets, and
    drops what it finds of them; `merged` builds a new layer without them. Vectors of examples are taken out at once.
    """

    def __init__(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str] | Background,
        encoder: Encoder,
        thresholds: Thresholds | None = None,
        vectors: Mapping[str, Vectors] | None = None,
        cache: Path | None = None,
        in_context: InContext = InContext.SUPPRESS,
        doubt: float = 0.0,
        profiles: ProfileClassifier | None = None,
        multilingual: Multilingual | None = None,
    ) -> None:
        """Encode the examples and the background.

        Args:
            targets: The forget targets, each with an id of its own.
            background: The operator's innocent prompts, to which those of the package are added; or an encoded background,
                which is used as it is.
            encoder: Encodes examples and prompts; the background is encoded `uncached`.
            thresholds: When a window is near enough to an example; None for the defaults.
            vectors: By target id, what `classifiers.meaning.nearest.example_vectors` made of the target's examples earlier. Such
                a target is not encoded, and the text of its examples may be gone.
            cache: A file that keeps the encoded background for the next start.
            in_context: What happens to facts in a prompt if their target does not say it.
            doubt: Matches are uncertain down to this far below a limit, in log odds of the profile; a tenth of it in cosines. 0
                for none.
            profiles: What compares texts with profiles, if there is one already.
            multilingual: What reads texts in other languages than English; None if nothing does.

        Raises:
            ValueError: Two targets have the same id.
            OSError: `cache` cannot be written.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        if not isinstance(background, Background):
            background = Background(full_background(background), uncached(encoder), cache)
        self.background = background
        """The innocent prompts that examples are compared with."""
        self._targets = {target.id: target for target in targets}
        self._nearest = NearestClassifier(targets, background, encoder, thresholds, None, vectors)
        self.profiles = profiles or ProfileClassifier(encoder, file=cache and cache.with_name("others.npz"))
        """Compares texts with what is known about targets."""
        self._raised: Mapping[str, float] = {}
        self._foreign = ForeignPrompts.of(multilingual, targets) if multilingual else None
        self._second = SecondOpinion(multilingual) if multilingual else None
        self._doubt = doubt
        self._in_context = in_context
        self._layers = Tiers([_Layer.of(targets, in_context)], lambda layer: len(layer.ids), MOST_LAYERS)

    @property
    def needs_merging(self) -> bool:
        """Whether there are too many layers, so that `merged` should be called."""
        return self._layers.need_merging

    @property
    def whole(self) -> bool:
        """Whether `merged(whole=True)` has nothing to do: there is one layer, without names of changed or removed targets."""
        return len(self._layers) <= 1 and all(len(layer.ids) == layer.size for layer in self._layers)

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text. Only a judge makes something of the uncertain ones."""
        named = self._names().classify(texts)
        found = [[match for match in matches if match.certain] for matches in named]
        if not self._targets:
            return found
        foreign = [self._foreign is not None and is_foreign(text.text) for text in texts]
        if not self._nearest.examples and not any(foreign) and not any(map(self._may_describe, texts, named)):
            return found
        numbers, vectors, nearest = self._nearest.read(texts, always=True)
        near = self._nearest.compared(len(texts), numbers, vectors, nearest, self._doubt * _COSINE)
        described = not all(layer.lexicon.empty for layer in self._layers)
        ends = np.searchsorted(numbers, np.arange(1, len(texts) + 1)).tolist()
        for at, (start, end) in enumerate(pairwise([0, *ends])):
            found[at] += near[at]
            certain = {match.target_id for match in found[at] if match.certain}
            hinted = {match.target_id: Doubt.of(match.evidence) for match in named[at] if match.target_id not in certain}
            if hinted or described:
                windows = self.profiles.windows(texts[at].windows, vectors[start:end], nearest[start:end])
                second = None if foreign[at] else self._second
                found[at] += self._described(Compared(texts[at].windows, windows, second), hinted, certain)
            if foreign[at]:
                assert self._foreign is not None
                # German writes every noun with a capital, so that many seem to belong to the name beside them.
                german = language_of(texts[at].text) == "de"
                doubtful = {target_id for target_id, doubt in hinted.items() if doubt.named and (german or not doubt.namesake)}
                about = self._foreign.described(texts[at].windows, texts[at].text, doubtful, certain, self._targets)
                found[at] += [match for one in about if (match := one.match(self._doubt))]
        return [best_matches(matches) for matches in found]

    def _may_describe(self, text: Screened, named: Sequence[Match]) -> bool:
        """Return whether a profile has to be asked about a text. If not, and without examples, it need not be encoded."""
        if not all(match.certain for match in named):
            return True
        known, told = {match.target_id for match in named}, informative(text.windows)
        return any(not known.issuperset(layer.ids & layer.lexicon.candidates(told).keys()) for layer in self._layers)

    def _described(self, read: Compared, hinted: Mapping[str, Doubt], known: Collection[str]) -> list[Match]:
        """Return the matches of a text by the profiles of targets.

        Args:
            read: Its windows.
            hinted: The targets whose name may be in it.
            known: The targets that are found already.
        """
        about: dict[str, dict[int, float]] = {}
        for number, window in enumerate(read.windows):
            for layer in self._layers:
                for target_id, told in layer.lexicon.candidates(window.told).items():
                    if target_id in layer.ids and target_id not in known:
                        about.setdefault(target_id, {})[number] = told
        likeliest = sorted(about, key=lambda target_id: (-max(about[target_id].values()), target_id))[:MOST_CANDIDATES]
        found = []
        for target_id in dict.fromkeys([*sorted(hinted, key=lambda one: (hinted[one].part, one)), *likeliest]):
            some = range(len(read.windows)) if target_id in hinted else list(about[target_id])
            if not some:
                continue
            score = read.score(self.profiles, some, self._targets[target_id], hinted.get(target_id, NO_DOUBT))
            match = Described(target_id, score - self._raised.get(target_id, 0.0)).match(self._doubt)
            if match is None or not match.certain:
                match = self.profiles.reverse(read.windows, self._targets[target_id]) or match
            if match:
                found.append(match)
        return found

    def changed(
        self,
        upserted: Sequence[ForgetTarget],
        removed: Collection[str] = (),
        vectors: Mapping[str, Vectors] | None = None,
    ) -> LiveClassifier:
        """Return a classifier with other targets.

        Args:
            upserted: Targets that are new or that replace the target with the same id.
            removed: The ids of targets that are removed.
            vectors: As in the constructor, of the `upserted` targets.

        Raises:
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        gone = frozenset(removed).union(target.id for target in upserted)
        known = gone & self._targets.keys()
        nearest = self._nearest.without(known) if known else self._nearest
        copy = self._copy()
        copy._targets = {i: target for i, target in self._targets.items() if i not in gone} | {t.id: t for t in upserted}
        copy._nearest = nearest.extended(upserted, None, vectors) if upserted else nearest
        copy._foreign = self._foreign and self._foreign.changed(upserted, removed, copy._targets)
        layers = [layer if layer.ids.isdisjoint(gone) else replace(layer, ids=layer.ids - gone) for layer in self._layers]
        if upserted:
            layers.append(_Layer.of(upserted, self._in_context))
        return copy._with_layers(layers)

    def merged(self, whole: bool = False) -> LiveClassifier:
        """Return an equivalent classifier with fewer layers: the smallest merged (`classifiers.tiers`), or all if `whole`.

        The time is proportional to the number of names that are merged. Names of changed and removed targets are gone from the
        new layer.
        """
        layers = self._layers.to_merge(whole)
        if not layers:
            return self
        ids = frozenset[str]().union(*(layer.ids for layer in layers))
        one = _Layer.of([target for i, target in self._targets.items() if i in ids], self._in_context)
        return self._copy()._with_layers(self._layers.replaced(layers, one))

    def adopting(self, merged: LiveClassifier) -> LiveClassifier:
        """Return this classifier with the layers of `merged`, as far as they hold the names of unchanged targets.

        Args:
            merged: What `merged` returned for an earlier state of this classifier.
        """
        same = frozenset(i for i, target in merged._targets.items() if self._targets.get(i) is target)
        theirs = [replace(layer, ids=layer.ids & same) for layer in merged._layers]
        ours = [replace(layer, ids=layer.ids - same) for layer in self._layers]
        return self._copy()._with_layers([*theirs, *ours])

    def limited(self, limits: Mapping[str, float], raised: Mapping[str, float] | None = None) -> LiveClassifier:
        """Return a classifier that uses other limits.

        Args:
            limits: By target id, the conformity score from which on a text is about the target
                (`classifiers.meaning.nearest.conformity`); 0 for a target that is missing.
            raised: By target id, by how much the limit of its profile is raised, in log odds; None for no change.
        """
        copy = self._copy()
        copy._nearest = self._nearest.extended([], limits)
        copy._raised = self._raised if raised is None else dict(raised)
        return copy._with_layers(self._layers)

    def _copy(self) -> LiveClassifier:
        copy = object.__new__(LiveClassifier)
        copy.__dict__.update(self.__dict__)
        return copy

    def _with_layers(self, layers: Iterable[_Layer]) -> LiveClassifier:
        """Set the layers of this copy, less those whose targets are all gone."""
        self._layers = self._layers.of(layer for layer in layers if layer.ids)
        return self

    def _names(self) -> _Names:
        return _Names(self._layers)
