"""The set few: real, well-known things as targets with a few examples, prompts about them, and close neighbours of these prompts.

There are four kinds, and two splits of each: the one that is reported, and `dev`, to which weights may be fitted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from classifiers import Example, ForgetTarget
from classifiers.profile.profile import known_words
from classifiers.profile.words import information, informative, words_of
from guard.folding import fold
from guard.phrase import Phrase
from guard.stopwords import COMMON_WORDS

KINDS = ("persons", "works", "organisations", "knowhow")
NUMBERS = (1, 2, 3, 5)
"""The numbers of examples with which each target is measured in turn."""
SCRIPTS = ("cyrillic", "greek", "arabic", "hangul", "kana", "devanagari")
LANGUAGES = ("german", "french", "spanish")
"""The other languages in Latin script. Each target has a foreign neighbour in two of them."""
Split = Literal["report", "dev"]

_LEAST_NAMED, _LEAST_DESCRIBED, _LEAST_NEIGHBOURS, _EXAMPLES = 12, 10, 15, 5
# How many of `LANGUAGES` the foreign neighbours of a target are in.
_LANGUAGES = 2
# A word of a name from this length on tells the name.
_TELLING = 4
# The share of a prompt's information from which on the target's own texts have told what the prompt says.
_TOLD = 0.5
# Two words, at each word: the pairs overlap.
_PAIRS = re.compile(r"(?<!\w)(?=([^\W\d_][\w'’-]*) ([^\W\d_][\w'’-]*))")

_Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(_Record):
    """A phrase that an operator lists."""

    text: _Text
    scope: Literal["always", "gated"]


class Asked(_Record):
    """An example: a prompt about the target, and its answer."""

    prompt: _Text
    completion: _Text


class Subject(_Record):
    """A target, prompts about it, and prompts that are near them but innocent.

    `named` prompts name it in any form, `scripts` name it in other scripts, `described` ones mean it without a word of its name.
    `neighbours` are innocent and nearly all English; `foreign` are innocent, by script or language.

    Raises:
        pydantic.ValidationError: A list is too short, a script or a language is missing, there are three languages, a prompt
            occurs twice, or a prompt of `described` holds a telling word of a name.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    name: _Text
    aliases: Annotated[tuple[_Text, ...], Field(max_length=3)] = ()
    phrases: Annotated[tuple[Said, ...], Field(min_length=2, max_length=5)]
    examples: Annotated[tuple[Asked, ...], Field(min_length=_EXAMPLES, max_length=_EXAMPLES)]
    named: Annotated[tuple[_Text, ...], Field(min_length=_LEAST_NAMED)]
    scripts: dict[Literal["cyrillic", "greek", "arabic", "hangul", "kana", "devanagari"], _Text]
    described: Annotated[tuple[_Text, ...], Field(min_length=_LEAST_DESCRIBED)]
    neighbours: Annotated[tuple[_Text, ...], Field(min_length=_LEAST_NEIGHBOURS)]
    foreign: dict[Literal["german", "french", "spanish", "cyrillic", "greek", "arabic", "hangul", "kana", "devanagari"], _Text]

    @model_validator(mode="after")
    def _is_sound(self) -> Subject:
        if missing := set(SCRIPTS) - self.scripts.keys():
            raise ValueError(f"no prompt in {', '.join(sorted(missing))}: give one of each script")
        if missing := set(SCRIPTS) - self.foreign.keys():
            raise ValueError(f"no foreign neighbour in {', '.join(sorted(missing))}: give one of each script")
        if len(given := sorted(self.foreign.keys() & set(LANGUAGES))) != _LANGUAGES:
            raise ValueError(
                f"foreign neighbours in {len(given)} of {', '.join(LANGUAGES)} ({', '.join(given) or 'none'}): "
                f"give one in each of exactly {_LANGUAGES} of them"
            )
        prompts = [*self.about(), *self.neighbours, *self.foreign.values(), *(example.prompt for example in self.examples)]
        if twice := [text for text, count in Counter(map(_key, prompts)).items() if count > 1]:
            raise ValueError(f"the prompt {twice[0]!r} occurs twice: change one of the two")
        telling = {word for name in self.names for word in words_of(name) if len(word) >= _TELLING and information(word)}
        for text in self.described:
            if named := telling.intersection(words_of(text)):
                raise ValueError(f"{text!r} is a described prompt but holds {min(named)!r} of the name: describe it otherwise")
        return self

    @property
    def names(self) -> list[str]:
        """The name, then the aliases."""
        return [self.name, *self.aliases]

    def about(self) -> list[str]:
        """Return all prompts about the target but the examples."""
        return [*self.named, *self.scripts.values(), *self.described]

    def target(self, examples: int | Sequence[int]) -> ForgetTarget:
        """Return the forget target with the first `examples` examples, or with those of the given numbers (from 0)."""
        chosen = range(examples) if isinstance(examples, int) else examples
        return ForgetTarget(
            id=self.id,
            name=self.name,
            aliases=list(self.aliases),
            phrases=[Phrase(said.text, scope=said.scope, force=True) for said in self.phrases],
            examples=[Example(prompt=self.examples[at].prompt, completion=self.examples[at].completion) for at in chosen],
        )

    def covers(self, text: str) -> bool:
        """Return whether an innocent prompt near another target is clearly about this one.

        It is one of this target's own prompts, or it holds, as written, a name, a phrase of the scope `always`, or a proper name
        of several words among the phrases.
        """
        own = {_key(prompt) for prompt in [*self.about(), *(example.prompt for example in self.examples)]}
        said = [one.text for one in self.phrases if one.scope == "always" or (" " in one.text and one.text[0].isupper())]
        return _key(text) in own or any(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) for words in [*self.names, *said])


def told(text: str, target: ForgetTarget) -> bool:
    """Return whether at least half of what a prompt says is said by the target's own names, phrases and examples.

    What a text says is the sum of its words' information (`classifiers.profile.words`). A text that says nothing is told.
    """
    says = informative([text])
    known = known_words(target)
    return sum(value for word, value in says.items() if word in known) >= _TOLD * sum(says.values())


def names_somebody(text: str) -> bool:
    """Return whether a prompt holds a proper name: two words in a row with capitals, of which neither is a function word."""
    return any(
        first[0].isupper() and second[0].isupper() and not {fold(first), fold(second)} & COMMON_WORDS
        for first, second in _PAIRS.findall(text)
    )


def load(kind: str, split: Split = "report") -> list[Subject]:
    """Return the targets of a kind: those of KIND.yaml, or for `dev` those of KIND-dev.yaml, KIND-dev-2.yaml and so on in order.

    Raises:
        FileNotFoundError: There is no file of this kind.
        ValueError: The file is not as it should be; the message names the file and the target.
    """
    folder = files("evaluation.detection").joinpath("few")
    found: list[Subject] = []
    for name in _file_names(folder, kind, split):
        for record in yaml.safe_load(folder.joinpath(name).read_text("utf-8")):
            try:
                found.append(Subject.model_validate(record))
            except ValueError as error:
                raise ValueError(f"few/{name}, target {record.get('id')!r}: {error}") from error
    _check_apart(f"{kind}, {split}", found)
    return found


def load_all(split: Split = "report") -> dict[str, list[Subject]]:
    """Return the targets of all kinds by kind. Errors are those of `load`; besides, no id or prompt may be of two targets."""
    found = {kind: load(kind, split) for kind in KINDS}
    _check_apart(split, [subject for subjects in found.values() for subject in subjects])
    return found


def _file_names(folder: Traversable, kind: str, split: Split) -> list[str]:
    if split == "report":
        return [f"{kind}.yaml"]
    # Without the ending, "works-dev" precedes "works-dev-2".
    stems = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    if names := [f"{stem}.yaml" for stem in stems if stem.startswith(f"{kind}-dev")]:
        return names
    raise FileNotFoundError(f"there is no file few/{kind}-dev*.yaml: write one, or choose one of the kinds {', '.join(KINDS)}")


def _check_apart(where: str, subjects: Iterable[Subject]) -> None:
    """Check that no two targets share an id or a prompt about them. They may share a neighbour.

    Raises:
        ValueError: Two do.
    """
    ids: set[str] = set()
    of: dict[str, str] = {}
    for subject in subjects:
        if subject.id in ids:
            raise ValueError(f"few, {where}: two targets have the id {subject.id!r}")
        ids.add(subject.id)
        for text in subject.about():
            other = of.setdefault(_key(text), subject.id)
            if other != subject.id:
                raise ValueError(f"few, {where}: {other!r} and {subject.id!r} have the prompt {text!r} in common")


def _key(text: str) -> str:
    return fold(text).strip() or text
