"""Repair: what becomes of a choice that was about to say what must be forgotten.

`mask` goes on as the guard's mask has it. `rephrase` goes back to before the phrase and takes another way: the tokens that led
there are banned at that place (after "Approximately Aligned Decoding", arXiv 2410.01103, which says how far to go back, and the
antislop sampler). `abstain` drops the sentence in which the phrase began and ends with the policy's text. What goes on is always
under the same bans, so nothing leaks when the tries run out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from classifiers.answering import Answer
from classifiers.reading.boundaries import sentence_starts
from server.answers.chunk import CONTENT_FILTER, Form, Piece
from server.answers.fluency import Fluency
from server.answers.leads import Leads
from server.answers.owners import owners
from server.answers.plan import Plan
from server.answers.terms import Found, Reader, Terms
from server.answers.track import Track
from server.metrics import Metrics

_LONG = 1000
MOST_PER_PLACE = 3
"""The most times that an answer goes back to one place."""
MOST_PER_ANSWER = 8
"""The most times that one choice goes back, whatever the place."""


@dataclass(frozen=True, slots=True)
class Again:
    """A choice that goes on from what was kept of it.

    Attributes:
        choice: The number of the choice.
        ids: The ids of the tokens that were kept.
        avoid: The ids that may not come next.
        digests: The restrictions in force.
        hits: Whether the engine may end it at the next hit.
    """

    choice: int
    ids: Sequence[int]
    avoid: Sequence[int]
    digests: Sequence[str]
    hits: bool = True


@dataclass(slots=True)
class State:
    """The state of one choice.

    Attributes:
        track: What it said.
        terms: Under what terms.
        tries: How often it went back to each place; a place is a number of tokens.
        avoid: The ids that may not come next at each place.
        places: For each place the number of characters before it and the number of tokens.
        scores: The log probabilities of the tokens that were said behind the first place, by the number of tokens before each.
        hit: Whether the engine ended it at a hit.
        done: Whether nothing more of it leaves.
    """

    track: Track
    terms: Terms
    tries: Counter[int] = field(default_factory=Counter)
    avoid: dict[int, set[int]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    hit: bool = False
    done: bool = False


class Repair:
    """Takes the pieces of all choices of one answer, and says what leaves and what goes on."""

    def __init__(
        self,
        plan: Plan,
        form: Form,
        leads: Leads,
        dead_end: int,
        metrics: Metrics,
        *,
        held: bool,
        escalated: Callable[[str], None],
        fluency: Fluency | None = None,
    ) -> None:
        """Repair the choices of one answer.

        Args:
            plan: What is to be done with it.
            form: Its form.
            leads: What the vocabulary tells.
            dead_end: The id of the dead-end token.
            metrics: Counts what is done.
            held: Whether nothing leaves before a choice has ended, as in an answer that is not streamed.
            escalated: Is told the id of each target that an answer turned out to be about.
            fluency: Tells whether a sentence that took another way may stay; None if every one may.
        """
        self.plan = plan
        self._form = form
        self._leads = leads
        self._dead_end = dead_end
        self._metrics = metrics
        self._held = held
        self._escalated = escalated
        self._fluency = fluency or Fluency()
        self._terms = plan.terms(plan.about)

    def begin(self) -> State:
        """Return the state of a new choice."""
        terms = self._terms
        return State(Track(self._form, self.plan.watching(terms, self._form.main, held=self._held)), terms)

    async def take(self, state: State, piece: Piece) -> tuple[list[Piece], Again | None]:
        """Take a piece of a choice. Return the pieces that leave now, and how the choice goes on if it went back.

        Once a choice is `done`, nothing more of it leaves.
        """
        if state.done:
            return [], None
        track = state.track
        hit = piece.stop_reason == self._dead_end
        if hit:
            state.hit = True
            piece = self._form.unended(piece)
        ended = piece.finish_reason is not None
        silent = ended and piece.finish_reason == CONTENT_FILTER and not any(piece.texts.values())
        track.add(piece)
        if hit:
            return await self._hit(state)
        if found := await self._found(state, ended=ended):
            return await self._miss(state, *found)
        if (place := self._stumbled(state, ended=ended)) is not None:
            return self._end(state, self._form.main, place), None
        if silent and not any(track.texts.values()):
            # A grammar and the guard left nothing to say.
            return self._end(state, self._form.main, 0), None
        state.done = ended
        return track.leaving(ended=ended), None

    async def _hit(self, state: State) -> tuple[list[Piece], Again | None]:
        track = state.track
        if self.plan.refused:
            return self._end(state, self._form.main, 0), None
        self._metrics.hit()
        reader = track.watch
        assert isinstance(reader, Reader)
        at = len(track.text) - reader.follower.hit()
        begun = reader.follower.completions()
        concerned = await self._concerned(state, begun)
        return self._repaired(state, track.field or self._form.main, at, concerned, begun[0] if begun else "")

    async def _concerned(self, state: State, patterns: Sequence[str]) -> Sequence[str]:
        """Return the targets that ban these patterns. The answer is about them from now on."""
        targets, about = self.plan.snapshot.targets, state.terms.about
        if found := owners(patterns, {target: targets[target] for target in about}, about):
            return found
        concerned = await asyncio.to_thread(owners, patterns, targets, about)
        self._escalate(state, concerned)
        return concerned

    def _escalate(self, state: State, targets: Sequence[str]) -> None:
        new = [target for target in targets if target not in state.terms.about]
        if not new:
            return
        state.terms = self.plan.terms([*state.terms.about, *new])
        state.track.rewatch(self.plan.watching(state.terms, self._form.main, held=self._held))
        for target in new:
            self._metrics.escalated()
            self._escalated(target)

    async def _found(self, state: State, *, ended: bool) -> tuple[str, int, Found] | None:
        """Return the first thing that must not leave in the text that would leave now: its field, its place, what it is."""
        track = state.track
        if not (state.terms.about or self._held):
            # It leaves word by word, and what is hidden in a text shows only in more of it.
            return None
        for name, text in track.texts.items():
            first, last = track.left.get(name, 0), track.free(name, ended=ended)
            if last > first and (found := await self._read(state, text[first:last])):
                return name, first + found[0].start, found[0]
        return None

    def _stumbled(self, state: State, *, ended: bool) -> int | None:
        """Return a place from which on a sentence took another way that would leave now and is not fluent; None if all are."""
        track, main = state.track, self._form.main
        if not state.places or track.field != main:
            return None
        first, last = track.sent, track.free(main, ended=ended)
        for place, tokens in state.places.items():
            if first <= place < last:
                end = next((start for start in sentence_starts(track.text[:last]) if start > place), last)
                found = self._leads.after(track.ids, track.text, end)
                until = len(track.ids) - found[0] if found else len(track.ids)
                if not self._fluency.fluent([state.scores[at] for at in range(tokens, until) if at in state.scores]):
                    return place
        return None

    async def _read(self, state: State, text: str) -> Sequence[Found]:
        """Have a text verified; a long one on a thread, so that other answers need not wait."""
        findings = state.terms.verifier.findings
        return findings(text) if len(text) < _LONG else await asyncio.to_thread(findings, text)

    async def _miss(self, state: State, name: str, at: int, found: Found) -> tuple[list[Piece], Again | None]:
        """Repair what the mask missed."""
        self._metrics.verifier_miss(found.kind)
        concerned = [found.target_id] if found.target_id else []
        self._escalate(state, concerned)
        # A mask would say the same again.
        return self._repaired(state, name, at, concerned, "", least=Answer.REPHRASE)

    def _repaired(
        self, state: State, name: str, at: int, concerned: Sequence[str], word: str, least: Answer = Answer.MASK
    ) -> tuple[list[Piece], Again | None]:
        track, choice = state.track, state.track.like.choice if state.track.like else 0
        answer = max(self.plan.answering(concerned or state.terms.about).answer, least, key=lambda one: one.strictness)
        at = max(at, track.left.get(name, 0))
        if self.plan.continues and name == self._form.main and track.field in (name, None):
            if answer is Answer.MASK:
                hits = state.tries.total() < MOST_PER_ANSWER
                state.tries[len(track.ids)] += 1
                return track.leaving(), Again(choice, tuple(track.ids), (), state.terms.digests, hits)
            if answer is Answer.REPHRASE and (again := self._back(state, choice, at, word)):
                self._metrics.rollback("continued")
                return track.leaving(), again
        if answer is Answer.REPHRASE:
            self._metrics.rollback("exhausted")
        return self._end(state, name, at), None

    def _back(self, state: State, choice: int, at: int, word: str) -> Again | None:
        """Go back to before character `at` of the main field, where `word` began; None if that cannot be or is of no use."""
        track = state.track
        found = self._leads.after(track.ids, track.text, at)
        if not found or found[1] < track.sent:
            return None
        count, place = found
        tokens = len(track.ids) - count
        if state.tries[tokens] == MOST_PER_PLACE or state.tries.total() == MOST_PER_ANSWER:
            return None
        sentence = max((start for start in sentence_starts(track.text) if start <= place), default=0)
        if any(sentence <= other != place for other in state.places):
            # A sentence that leads to what is forgotten at two places is about it, and what is left of it says little.
            return None
        state.tries[tokens] += 1
        state.places = {other: kept for other, kept in state.places.items() if other < place} | {place: tokens}
        avoid = state.avoid.setdefault(tokens, set())
        if count:
            avoid.update(self._leads.alike(track.ids[tokens], word or track.text[place:]))
            track.cut(self._form.main, place, tokens)
        return Again(choice, tuple(track.ids), tuple(sorted(avoid)), state.terms.digests)

    def _end(self, state: State, name: str, at: int) -> list[Piece]:
        """Drop the sentence in which character `at` of a field is, and end with the policy's text."""
        track, state.done = state.track, True
        self._metrics.abstained()
        if name in track.texts:
            text, sent = track.texts[name], track.left.get(name, 0)
            start = max(max((s for s in sentence_starts(text) if s <= at), default=0), sent)
            found = self._leads.after(track.ids, text, start) if name == track.field else None
            tokens = len(track.ids) - found[0] if found else len(track.ids) if start == len(text) else 0
            track.cut(name, start, max(tokens, 0))
        # The engine may have ended the choice already: it ends once, with the text.
        pieces = [replace(piece, finish_reason=None, stop_reason=None) for piece in track.leaving(ended=True)]
        assert track.like is not None
        say = self.plan.say(state.terms.about)
        last = self._form.saying(track.like, _behind(track.texts.get(self._form.main, ""), say))
        return [*pieces, last.ended(self.plan.finish)]


def _behind(text: str, say: str) -> str:
    """Return what joins a text and the policy's text into sentences that one could print."""
    if not text or text[-1].isspace():
        return say
    unfinished = sentence_starts(text + " X")[-1] < len(text)
    return (" \u2026 " if unfinished else " ") + say
