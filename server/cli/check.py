"""`guard-server check-policy` and `extract`: what a policy bans, and which phrases its examples suggest."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import typer
import yaml
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from classifiers import Encoder, ForgetTarget, shipped_background
from classifiers.meaning.encoder import Vectors
from classifiers.meaning.neighbours import Neighbours
from classifiers.naming.alias import AliasClassifier
from classifiers.proposals.extract import Candidate, extract
from classifiers.proposals.frequency import BackgroundFrequency
from classifiers.semantic import Near
from guard import Phrase, Restriction, Vocabulary
from server.encoders import open_encoder
from server.policy.compiler import phrases_of
from server.policy.file import Policy, PolicyError, load_policy
from server.policy.hints.namesakes import Namesakes
from server.policy.hints.warnings import warnings_of
from server.policy.opening import open_policy
from server.policy.preview import banned_tokens
from server.settings import default_data_dir
from server.store import Database, StoreError
from server.store.audit.log import Audit
from server.store.database.location import default_url

# A target that does not say how it is answered: the server's settings do.
_DEFAULT = "default"


class _Deferred:
    """An encoder that is loaded when it is first used: most policies have no semantic words, and loading takes seconds."""

    def __init__(self, load: Callable[[], Encoder]) -> None:
        self._load = load

    @cached_property
    def _encoder(self) -> Encoder:
        return self._load()

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode(texts)


def try_policy(policy: Policy, neighbours: Neighbours) -> None:
    """Do with a policy what a server does before it starts its engine, in a store and a folder that are then removed.

    Args:
        policy: the policy.
        neighbours: finds the words near semantic words.

    Raises:
        StoreError, ValueError, OSError: what `server.policy.opening.open_policy` raises.
        RuntimeError: what the encoder raises.
    """

    async def opened(folder: Path) -> None:
        database = await Database.open(default_url(folder))
        try:
            found = await open_policy(policy, database, Audit(), folder / "restrictions", neighbours)
        finally:
            await database.close()
        AliasClassifier(found.found.targets)

    with tempfile.TemporaryDirectory(prefix="guard-server-") as made:
        asyncio.run(opened(Path(made)))


def preview(file: Path, model: str | None, encoder: str | None = None, words: Path | None = None) -> Sequence[RenderableType]:
    """Return what a policy bans, for a terminal: tables with a row per phrase and per word near an anchor, and totals.

    Args:
        file: the policy file.
        model: the model whose tokens are counted; none are counted if None.
        encoder: the encoder of semantic words, if it is not the package's own.
        words: the folder of the word list's vectors; None keeps them in memory alone.

    Raises:
        PolicyError: the policy is not valid.
        StoreError, ValueError, OSError, RuntimeError: a server could not start with the policy (`try_policy`).
        ValueError: the model's tokenizer cannot be read, or does not tell the bytes of its tokens.
    """
    policy = load_policy(file)
    neighbours = Neighbours(_Deferred(lambda: open_encoder(encoder)), words)
    try_policy(policy, neighbours)
    near = neighbours.of([target for target in policy.targets if target.action.bans])
    vocabulary = _vocabulary(model) if model else None
    shown = Table(title=f"{file.name}: {len(policy.targets)} targets")
    for heading in ("target", "action", "answer", "phrase", "folded", "scope", "match", "penalty", "forms", "tokens"):
        shown.add_column(heading, justify="right" if heading in ("penalty", "forms", "tokens") else "left")
    for target in policy.targets:
        banned = target.banned()
        forms = Counter(one.source for one in banned)
        for one in banned:
            if one.source is None:
                shown.add_row(*_row(target, one.phrase, forms[one.phrase], vocabulary))
    always = [phrase for target in policy.targets for phrase in phrases_of(target, "always")]
    gated = [phrases for target in policy.targets if (phrases := phrases_of(target, "gated"))]
    size = sum(len(Restriction.compile(phrases).automaton.label) for phrases in (always, *gated) if phrases)
    total = (
        f"{len(always)} phrases and forms banned in every answer, {len(gated)} targets with gated phrases, "
        f"{len(policy.background)} background prompts, {size} automaton nodes."
    )
    hint = "" if vocabulary else "\nGive --model to count tokens."
    namesakes = Namesakes(policy.targets)
    warnings = "".join(f"\nwarning: {escape(told)}" for target in policy.targets for told in _warnings(target, namesakes))
    return [shown, *([_near_table(near)] if near else []), f"\n{total}{hint}{warnings}"]


def _near_table(near: Mapping[str, Sequence[Near]]) -> Table:
    """Return a table with a row per word near an anchor."""
    shown = Table(title="Words near semantic words, in answers to prompts about the target")
    for heading in ("target", "semantic word", "word", "cosine", "penalty"):
        shown.add_column(heading, justify="right" if heading in ("cosine", "penalty") else "left")
    for target_id, words in near.items():
        for one in words:
            penalty = "ban" if one.penalty == math.inf else f"{one.penalty:.1f}"
            shown.add_row(target_id, Text(one.anchor), Text(one.word), f"{one.cosine:.2f}", penalty)
    return shown


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


def _warnings(target: ForgetTarget, namesakes: Namesakes) -> list[str]:
    found = [*warnings_of(target), *namesakes.warnings(target)]
    told = [f"target {target.id}: {warning}" for warning in found]
    if left_out := target.forms_left_out():
        told.append(f"target {target.id}: {left_out} forms are not banned, because a phrase has too many")
    return told


def _row(target: ForgetTarget, phrase: Phrase, forms: int, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    tokens = "" if vocabulary is None else str(banned_tokens(phrase, vocabulary)) if target.action.bans else "-"
    return (
        target.id,
        target.action,
        target.answer or _DEFAULT,
        phrase.text,
        phrase.folded,
        phrase.scope,
        phrase.match,
        f"{phrase.penalty:g}",
        str(forms),
        tokens,
    )


def _vocabulary(model: str) -> Vocabulary:
    from transformers import AutoTokenizer

    from guard.processors.tokenizer import vocabulary_from

    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        return vocabulary_from(tokenizer, len(tokenizer))
    except (OSError, ValueError) as error:
        raise ValueError(f"--model (GUARD_MODEL): the tokenizer cannot be used: {error}") from error


def check_policy(file: Path, model: str | None, encoder: str | None = None, data_dir: Path | None = None) -> None:
    """Print what a policy bans. Exits with status 2 if the policy, the encoder or the tokenizer cannot be used."""
    try:
        words = (data_dir or default_data_dir()) / "words"
        shown = preview(file, model, encoder, words)
    except (StoreError, OSError, ValueError, RuntimeError) as error:
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
