"""`guard-server check-policy` and `extract`: what a policy bans, and which phrases its examples suggest."""

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
    """Return what a policy bans, for a terminal: a table with a row per phrase, and totals.

    Args:
        file: the policy file.
        model: the model whose tokens are counted; none are counted if None.

    Raises:
        PolicyError: the policy is not valid.
        VocabularyError: the model's tokenizer does not tell the bytes of its tokens.
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
    # Without anchors: they need an encoder, and nothing here counts them.
    always = [phrase for target in policy.targets for phrase in phrases_of(target, "always")]
    gated = [phrases for target in policy.targets if (phrases := phrases_of(target, "gated"))]
    size = sum(len(Restriction.compile(phrases).automaton.label) for phrases in (always, *gated) if phrases)
    total = (
        f"{len(always)} phrases banned in every answer, {len(gated)} targets with gated phrases, "
        f"{len(policy.background)} background prompts, {size} automaton nodes."
    )
    hint = "" if vocabulary else "\nGive --model to count tokens."
    return [shown, f"\n{total}{hint}"]


Proposals = Sequence[tuple[str, Sequence[Candidate]]]


def proposals(file: Path, background: Path | None = None, language: str = "en") -> Proposals:
    """Return the phrases that each target's examples and documents suggest, by target id. This does not change the policy.

    Args:
        file: the policy file.
        background: a file of innocent texts, one per line, which are used with the policy's own and those of the package.
        language: the language of words in Latin script.

    Raises:
        PolicyError: the policy is not valid.
        OSError, UnicodeDecodeError: the background cannot be read.
        LookupError: the language has no word list.
    """
    policy = load_policy(file)
    texts = [*policy.background, *shipped_background()]
    if background:
        texts += [line for line in background.read_text("utf-8").splitlines() if line.strip()]
    frequency = BackgroundFrequency(texts)
    return [(target.id, extract(target, frequency, language=language)) for target in policy.targets]


def proposal_table(found: Proposals) -> Table:
    """Return the proposals for a terminal, in a row per phrase, with the reason and how common it is."""
    shown = Table(title="Proposed phrases. The policy bans a phrase only if you write it there")
    for heading in ("target", "phrase", "scope", "reason", "source", "background", "zipf"):
        shown.add_column(heading, justify="right" if heading in ("background", "zipf") else "left")
    for target_id, candidates in found:
        for c in candidates:
            cells = (c.phrase.text, c.phrase.scope, c.reason, c.source, str(c.background_count), f"{c.zipf:.1f}")
            shown.add_row(target_id, *(Text(cell) for cell in cells))  # rich reads no markup in a Text
    return shown


def proposal_yaml(found: Proposals) -> str:
    """Return the proposals as entries for each target's `phrases` in a policy file, one per line, with its reason."""
    lines = []
    for target_id, candidates in found:
        lines.append(f"# {target_id}: {len(candidates)} phrases" + (", under its key `phrases`" if candidates else ""))
        for c in candidates:
            entry = yaml.safe_dump(
                {"text": c.phrase.text, "scope": c.phrase.scope} | ({"force": True} if c.phrase.force else {}),
                allow_unicode=True,
                default_flow_style=True,
                sort_keys=False,
                width=2**20,
            )
            lines.append(f"  - {entry.strip()}  # {c.reason}, {c.source}, in {c.background_count} innocent texts")
    return "\n".join(lines)


def _row(target: ForgetTarget, phrase: Phrase, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    tokens = "" if vocabulary is None else str(banned_tokens(phrase, vocabulary)) if target.action.bans else "-"
    return target.id, target.action, phrase.text, phrase.folded, phrase.scope, phrase.match, f"{phrase.penalty:g}", tokens


def _vocabulary(model: str) -> Vocabulary:
    from transformers import AutoTokenizer

    from guard.processors.tokenizer import vocabulary_from

    tokenizer = AutoTokenizer.from_pretrained(model)
    return vocabulary_from(tokenizer, len(tokenizer))


def check_policy(file: Path, model: str | None) -> None:
    """Print what a policy bans. Exits with status 2 if the policy or the tokenizer cannot be used."""
    try:
        shown = preview(file, model)
    except (PolicyError, OSError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    Console().print(*shown)


def propose(file: Path, background: Path | None, language: str, as_yaml: bool) -> None:
    """Print the phrases that a policy's examples suggest. Exits with status 2 if a file or the language cannot be used."""
    try:
        found = proposals(file, background, language)
    except (PolicyError, OSError, ValueError, LookupError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_yaml:
        typer.echo(proposal_yaml(found))
    else:
        Console().print(proposal_table(found))
