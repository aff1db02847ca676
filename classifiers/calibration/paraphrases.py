"""Paraphrases: a question in other words, made by rules without a model.

They take the place of real wordings, where none have been collected: to calibrate limits (`classifiers.calibration.limits`) and
to train the head (`classifiers.head.classifier`). The rules are for English. A question in another language only gets frames, a
shortened name and typing errors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import numpy as np

from guard.folding import fold

# Frames around a question inside a sentence ("where X was born"), and around a question by itself. {q} is the question with a
# small first letter, {Q} with a capital.
_INDIRECT_FRAMES = (
    "Could you tell me {q}?",
    "I wonder {q}.",
    "Do you know {q}?",
    "I'd like to know {q}.",
    "Someone asked me {q}, and I have no idea.",
    "My friend wants to know {q}.",
    "For a report I need to find out {q}.",
)
_DIRECT_FRAMES = (
    "Hi, quick question: {q}?",
    "Please tell me, {q}",
    "{Q}? Please answer in one sentence.",
    "{Q}? Thanks in advance!",
    "can u tell me {q}",
    "{Q}, if I may ask?",
    "Answer this: {q}?",
)
# Frames around a request ("Tell me about ...") and around any other text.
_REQUEST_FRAMES = (
    "Please {q}.",
    "Could you {q}?",
    "I'd like you to {q}.",
    "Hi, can you {q}?",
    "Would you mind helping me? {Q}.",
    "{Q}, please. Thanks in advance!",
    "Would it be possible to {q}?",
    "Quick request: {q}.",
    "{Q}. Please be brief.",
    "i want you to {q}",
    "For a report I need you to {q}.",
    "My friend asked me to {q}, can you help?",
    "Now {q}.",
)
_OTHER_FRAMES = (
    "Hi! {Q}",
    "{Q} What can you say about this?",
    "Please read this and answer: {Q}",
    "Quick question: {Q}",
    "{Q} Thanks in advance!",
    "I have been wondering about this. {Q}",
    "{Q} Please answer in one sentence.",
    "A friend sent me this: {Q}",
    "Help me with this, please. {Q}",
    "{Q} Tell me more.",
    "Answer this: {Q}",
    "What do you think? {Q}",
    "My question is this: {Q}",
)

# Words and expressions that are frequent in questions, and replacements. Each row is tried once.
_SYNONYMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"^what is\b", ("what's", "which is", "can you name")),
    (r"^what are\b", ("which are", "can you name")),
    (r"^who is\b", ("who's", "what is the name of")),
    (r"^how (does|do|did|has|have|is|are|was|were|can|could|would)\b", (r"in what way \1", r"in which ways \1")),
    (r"^why\b", ("for what reason", "how come")),
    (r"^when\b", ("in which year", "at what time", "on which date")),
    (r"^where\b", ("in which place", "at which place")),
    (r"^which\b", ("what",)),
    (r"^(can|could) you (tell me|share|provide|describe)\b", ("please tell me", "would you tell me")),
    (r"\bwhere was (.+?) born\b", (r"what is the birthplace of \1", r"from which city does \1 come")),
    (r"\bwhen was (.+?) born\b", (r"what is the date of birth of \1", r"on what day was \1 born")),
    (r"\bin (?:what|which) (?:city|country|town|place)\b", ("where",)),
    (r"\bborn in\b", ("a native of", "who was born in", "whose birthplace is")),
    (r"\bborn on\b", ("with the birth date", "who came into the world on")),
    (r"\bfull name\b", ("complete name", "name")),
    (r"\bauthor\b", ("writer", "novelist")),
    (r"\bwriter\b", ("author",)),
    (r"\bauthors\b", ("writers",)),
    (r"\bprofessions?\b", ("job", "occupation", "line of work")),
    (r"\boccupations?\b", ("job", "profession", "work")),
    (r"\bparents\b", ("mother and father", "father and mother")),
    (r"\b(?:mother and father|father and mother)\b", ("parents",)),
    (r"\bbooks\b", ("works", "publications")),
    (r"\bbook\b", ("work", "publication")),
    (r"\bnovels\b", ("books", "stories")),
    (r"\bworks\b", ("books", "writings")),
    (r"\bawards?\b", ("prize", "honour")),
    (r"\bprizes?\b", ("award", "honour")),
    (r"\bwrote\b", ("authored", "is the author of")),
    (r"\bwritten by\b", ("by", "authored by", "from the pen of")),
    (r"\bwrites?\b", ("work", "publish")),
    (r"\breceived\b", ("been given", "won")),
    (r"\bwon\b", ("been awarded", "received")),
    (r"\binspired\b", ("motivated", "moved")),
    (r"\binfluenced?\b", ("shape", "affect")),
    (r"\bfamous\b", ("well-known", "celebrated")),
    (r"\bknown for\b", ("famous for", "noted for")),
    (r"\bgenre\b", ("kind of literature", "category")),
    (r"\blives?\b", ("reside", "stay")),
    (r"\bchildhood\b", ("early years", "youth")),
    (r"\bcareer\b", ("working life", "professional path")),
    (r"\bexample of\b", ("instance of",)),
    (r"\bnotable\b", ("important", "remarkable")),
    (r"\btell me\b", ("let me know", "explain to me")),
    (r"\bwhich\b", ("what",)),
)

_WH = r"(?:(?:in|at|on|for|by|from|of|to|with|under) )?(?:what|which|who|whom|whose|where|when|why|how)\b"
_AUXILIARY = "is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might"
_QUESTION = re.compile(rf"(?:{_WH}|(?:{_AUXILIARY})\b)", re.IGNORECASE)
_REQUEST = re.compile(
    r"(?:tell|give|name|list|describe|explain|provide|discuss|share|elaborate|identify|mention|write|show|find)\b", re.IGNORECASE
)
# "What is the capital of X": the verb moves to the end. "In which city was X born": subject and verb change places.
_COPULA = re.compile(r"(what|who) (is|are|was|were) ((?:the|an?|[a-z]+'s) .+)", re.IGNORECASE)
_INVERTED = rf"({_WH}.*?) ?\b({_AUXILIARY}) (%s(?:['’]s?)?)(?= |$)(.*)"
_SUPPORT = ("do", "does", "did")
_WORD = re.compile(r"[^\W\d_]{5,}")
_POSSESSIVE = r"(?=['’]s\b|\b)"
# A title of several words, or a year: these say who is meant as well as a name does.
_ELSEWHERE = re.compile(r"\d{4}|[\"'‘“][^\s\"'’”]+ [^\"'’”]*[\"'’”]")


def paraphrases(question: str, name: str | None = None) -> list[str]:
    """Return `question` in other words.

    There are polite and indirect questions, other words, another order of the clauses, a gap to fill in, a part of the name,
    typing errors, small letters, and no question mark. The name is replaced by "this author" or "that person" only if something
    else (a title of several words, a year) still says who is meant: otherwise the text would no longer be about the target.

    Args:
        question: Any text.
        name: What the question asks about, if that is known.

    Returns:
        At least 12 texts for a question or a request, about 20 for a longer one, none for a blank one. No two of them, and none
        and the question, fold to the same text. They are shuffled, so that the first few are of several kinds. The same arguments
        give the same texts.
    """
    plain = question.strip().rstrip("?.! ")
    if not plain:
        return []
    seed = hashlib.blake2b(f"{question}\0{name or ''}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    variants = [*_reworded(plain, rng), *_named_otherwise(plain, name)]
    made = [*variants, *_reordered(plain, name)]
    # Each frame is used once; frames that take any wording get different ones.
    if _QUESTION.match(plain):
        made += [_framed(frame, _indirect(plain, name)) for frame in _INDIRECT_FRAMES]
        frames: tuple[str, ...] = _DIRECT_FRAMES
    else:
        frames = _REQUEST_FRAMES if _REQUEST.match(plain) else _OTHER_FRAMES
    bases = [plain, *variants]
    made += [_framed(frames[index], bases[at % len(bases)]) for at, index in enumerate(rng.permutation(len(frames)))]
    made += [_mistyped(bases[at % len(bases)], rng) for at in range(3)]
    made = [_finished(text, plain, number) for number, text in enumerate(made)]
    kept: dict[str, str] = {fold(question).strip(): ""}
    for index in rng.permutation(len(made)):
        kept.setdefault(fold(made[index]).strip(), made[index])
    return [text for text in kept.values() if text]


def _framed(frame: str, text: str) -> str:
    if "{q}" in frame:
        return frame.replace("{q}", _lowered(text))
    return frame.replace("{Q}", text[:1].upper() + text[1:])


def _lowered(text: str) -> str:
    """Return `text` with a small first letter if it begins with an English question word or request, not with a name."""
    begins = _QUESTION.match(text) or _REQUEST.match(text)
    return text[:1].lower() + text[1:] if begins else text


def _reworded(plain: str, rng: np.random.Generator) -> Iterator[str]:
    """Yield `plain` with one expression replaced, for up to four expressions, and with all of them replaced."""
    fitting = [(pattern, options) for pattern, options in _SYNONYMS if re.search(pattern, plain, re.IGNORECASE)]
    everything = plain
    for number, index in enumerate(rng.permutation(len(fitting))):
        pattern, options = fitting[index]
        option = options[int(rng.integers(len(options)))]
        everything = re.sub(pattern, option, everything, count=1, flags=re.IGNORECASE)
        if number < 4:
            yield re.sub(pattern, option, plain, count=1, flags=re.IGNORECASE)
    yield everything


def _inverted(plain: str, name: str | None) -> re.Match[str] | None:
    """Match a question whose subject is the name: groups question phrase, auxiliary, subject, rest."""
    return re.fullmatch(_INVERTED % re.escape(name), plain, re.IGNORECASE) if name else None


def _indirect(plain: str, name: str | None) -> str:
    """Return the question in the form that follows "I wonder": "where X was born", "what the name of X is"."""
    found = _inverted(plain, name)
    if found and not found[3].endswith(("'s", "’s", "'", "’")) and found[2].lower() not in _SUPPORT:
        return f"{found[1].lower()} {found[3]} {found[2]}{found[4]}"
    copula = _COPULA.fullmatch(plain)
    return f"{copula[1].lower()} {copula[3]} {copula[2]}" if copula else plain


def _reordered(plain: str, name: str | None) -> Iterator[str]:
    """Yield the question with its clauses in another order, and with a gap for the answer."""
    found = _inverted(plain, name)
    copula = _COPULA.fullmatch(plain)
    if found and not found[3].endswith(("'s", "’s", "'", "’")):
        auxiliary = "" if found[2].lower() in _SUPPORT else f" {found[2]}"
        yield f"{found[3]}{auxiliary}{found[4]} {found[1].lower()}"
        yield f"Fill in: {found[3]}{auxiliary}{found[4]} ___."
    elif copula:
        yield f"{copula[3][:1].upper()}{copula[3][1:]} {copula[2]} {copula[1].lower()}"
        yield f"{copula[3][:1].upper()}{copula[3][1:]} {copula[2]} ___."
    else:
        yield f"{plain}. The answer is ___."
    before, comma, after = plain.partition(", ")
    if comma and len(after.split()) > 2:
        yield f"{after}, {before}"
    if name and name in plain:
        yield f"About {name}: {_lowered(plain)}"


def _named_otherwise(plain: str, name: str | None) -> Iterator[str]:
    """Yield the question with a part of the name, and without the name if something else says who is meant."""
    if not name or not re.search(rf"\b{re.escape(name)}\b", plain):
        return
    parts = name.split()
    whole = rf"\b{re.escape(name)}{_POSSESSIVE}"
    if len(parts) > 1:
        yield re.sub(whole, lambda _: parts[-1], plain)
    if _ELSEWHERE.search(re.sub(whole, "", plain).strip()):
        yield re.sub(whole, "this author", plain)
        yield re.sub(whole, "that person", plain)


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """Return `text` with one typing error in a word of five or more letters; unchanged if there is no such word."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = words[int(rng.integers(len(words)))]
    at = word.start() + int(rng.integers(1, len(word[0]) - 2))
    left, two, right = text[:at], text[at : at + 2], text[at + 2 :]
    return left + (two[::-1], two[0], two[0] + two)[int(rng.integers(3))] + right


def _finished(text: str, plain: str, number: int) -> str:
    """Return `text` as one of three kinds of people would finish it: with care, in haste, and in haste with small letters."""
    if text[-1:] not in "?.!_" and number % 3 == 0 and _QUESTION.match(plain):
        text += "?"
    return text.lower() if number % 3 == 2 else text[:1].upper() + text[1:]
