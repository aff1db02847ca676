"""A preview of a policy: what it would ban, before it is used, and what it might ban, from its examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from classifiers import ForgetTarget, shipped_background
from classifiers.frequency import BackgroundFrequency
from classifiers.phrases import Candidate, extract
from guard import Masks, Phrase, Restriction, Vocabulary, fold
from server.compiler import phrases_of
from server.policy import load_policy


def banned_tokens(phrase: Phrase, vocabulary: Vocabulary) -> int:
    """Return how many different tokens the phrase bans, each in some place: those that would complete it, from any part of it
    on."""
    automaton = Restriction.compile([phrase]).automaton
    masks = Masks(automaton, vocabulary)
    ids = [ban.ids for node in range(len(automaton.label)) for ban in masks.at(node)]
    soft = [ban.soft for node in range(len(automaton.label)) for ban in masks.at(node)]
    return len(np.unique(np.concatenate([np.empty(0, np.int64), *ids, *soft])))


def preview(file: Path, model: str | None) -> Sequence[RenderableType]:
    """Return tables for a terminal: a row a phrase, and totals. Token counts need the `model`, for its tokenizer.

    Raises PolicyError for a policy that is not valid, VocabularyError for a tokenizer that does not say its tokens' bytes.
    """
    policy = load_policy(file)
    vocabulary = _vocabulary(model) if model else None
    shown = Table(title=f"{file.name}: {len(policy.targets)} targets")
    for heading in ("target", "action", "phrase", "folded", "scope", "match", "penalty", "tokens"):
        shown.add_column(heading, justify="right" if heading in ("penalty", "tokens") else "left")
    for target in policy.targets:
        for phrase in target.all_phrases():
            shown.add_row(*_row(target, phrase, vocabulary))
        for word in target.semantic.words if target.semantic else ():
            shown.add_row(target.id, target.action, word, fold(word).strip(), "gated", "meaning", "", "")
    # Without anchors, which would need an encoder and have no part in what is counted here.
    always = [phrase for target in policy.targets for phrase in phrases_of(target, "always")]
    gated = [phrases for target in policy.targets if (phrases := phrases_of(target, "gated"))]
    size = sum(len(Restriction.compile(phrases).automaton.label) for phrases in (always, *gated) if phrases)
    total = (
        f"{len(always)} phrases banned in every answer, {len(gated)} targets with gated phrases, "
        f"{len(policy.background)} background prompts, {size} automaton nodes."
    )
    hint = "" if vocabulary else "\nTokens are counted with --model."
    return [shown, f"\n{total}{hint}"]


Proposals = Sequence[tuple[str, Sequence[Candidate]]]


def proposals(file: Path, background: Path | None = None, language: str = "en") -> Proposals:
    """Return the phrases that each target's examples and documents suggest, by target id. Nothing is added to the policy.

    They are weighed against the policy's background, the shipped one and the lines of the `background` file: innocent texts.

    Raises PolicyError for a policy that is not valid, OSError or UnicodeDecodeError for a background that cannot be read,
    LookupError for a language without a word list.
    """
    policy = load_policy(file)
    texts = [*policy.background, *shipped_background()]
    if background:
        texts += [line for line in background.read_text("utf-8").splitlines() if line.strip()]
    frequency = BackgroundFrequency(texts)
    return [(target.id, extract(target, frequency, language=language)) for target in policy.targets]


def proposal_table(found: Proposals) -> Table:
    """Return the proposals for a terminal: a row a phrase, with the reason and how common it is."""
    shown = Table(title="Proposed phrases; the policy bans none of them until they are written there")
    for heading in ("target", "phrase", "scope", "reason", "source", "background", "zipf"):
        shown.add_column(heading, justify="right" if heading in ("background", "zipf") else "left")
    for target_id, candidates in found:
        for c in candidates:
            cells = (c.phrase.text, c.phrase.scope, c.reason, c.source, str(c.background_count), f"{c.zipf:.1f}")
            shown.add_row(target_id, *(Text(cell) for cell in cells))  # a Text: brackets in it are no markup
    return shown


def proposal_yaml(found: Proposals) -> str:
    """Return the proposals as entries of each target's `phrases`, indented as in a policy file, a line each with its reason."""
    lines = []
    for target_id, candidates in found:
        lines.append(f"# {target_id}: {len(candidates)} phrases" + (", under its key `phrases`" if candidates else ""))
        for c in candidates:
            entry = yaml.safe_dump(
                {"text": c.phrase.text, "scope": c.phrase.scope},
                allow_unicode=True,
                default_flow_style=True,
                sort_keys=False,
                width=2**20,
            )
            lines.append(f"  - {entry.strip()}  # {c.reason}, {c.source}, in {c.background_count} innocent texts")
    return "\n".join(lines)


def _row(target: ForgetTarget, phrase: Phrase, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    # Only the phrases of suppressed targets become restrictions: a refused prompt has no answer, a watched one a free one.
    tokens = "" if vocabulary is None else str(banned_tokens(phrase, vocabulary)) if target.action == "suppress" else "-"
    return target.id, target.action, phrase.text, phrase.folded, phrase.scope, phrase.match, f"{phrase.penalty:g}", tokens


def _vocabulary(model: str) -> Vocabulary:
    from transformers import AutoTokenizer

    from guard.processors.vllm_tokens import vocabulary_from

    tokenizer = AutoTokenizer.from_pretrained(model)
    return vocabulary_from(tokenizer, len(tokenizer))
