"""`guard-server check-policy` and `extract`: what a policy bans, and what its examples suggest it should ban."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from classifiers import ForgetTarget, shipped_background
from classifiers.proposals.extract import Candidate, extract
from classifiers.proposals.frequency import BackgroundFrequency
from guard import Phrase, Restriction, Vocabulary, fold
from server.policy.compiler import phrases_of
from server.policy.file import PolicyError, load_policy
from server.policy.preview import banned_tokens


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
    tokens = "" if vocabulary is None else str(banned_tokens(phrase, vocabulary)) if target.action.bans else "-"
    return target.id, target.action, phrase.text, phrase.folded, phrase.scope, phrase.match, f"{phrase.penalty:g}", tokens


def _vocabulary(model: str) -> Vocabulary:
    from transformers import AutoTokenizer

    from guard.processors.tokenizer import vocabulary_from

    tokenizer = AutoTokenizer.from_pretrained(model)
    return vocabulary_from(tokenizer, len(tokenizer))


def check_policy(file: Path, model: str | None) -> None:
    """Print what a policy would ban. Exits with status 2 for a policy or a tokenizer that cannot be used."""
    try:
        shown = preview(file, model)
    except (PolicyError, OSError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    Console().print(*shown)


def propose(file: Path, background: Path | None, language: str, as_yaml: bool) -> None:
    """Print the phrases that a policy's examples suggest. Exits with status 2 for a file or a language that cannot be used."""
    try:
        found = proposals(file, background, language)
    except (PolicyError, OSError, ValueError, LookupError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_yaml:
        typer.echo(proposal_yaml(found))
    else:
        Console().print(proposal_table(found))
