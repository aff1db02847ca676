"""Phonemes: how a word in a script other than Latin sounds, in one sign per sound.

The signs are those of `PHONEMES`. Most are the letter that English has for the sound. "S", "Z", "C" and "J" are the first sounds
of "ship", "genre", "church" and "jam", "c" is "ts", "N" is "ng" and "Q" is the "th" of "thin". These signs represent letters with
two sounds: "B" b or v, "X" k or h, "F" p or f, "Y" s or sh. "A" is any short vowel. These represent letters that may be missing
in the name: "~" a nasal, "M" the m of a case ending, "L" the l of the Arabic article. A space separates words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

PHONEMES = " aeiouAywhkgtdpbfvszSZCJcmnlrNQBXFY~ML"
ALPHABETIC, VOWELLESS, SYLLABIC = 0, 1, 2
"""Kinds of scripts: one writes all vowels, one omits some, one adds vowels between consonants."""


class Spoken(NamedTuple):
    """A word as it sounds, the kind of its script, and where a name may begin and end in it.

    `starts` and `ends` are indices into `sounds`: the word may begin with a preposition and end with a case ending.
    """

    sounds: str
    kind: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def _table(letters: str, sounds: str) -> dict[str, str]:
    return dict(zip(letters.split(), ("" if sound == "-" else sound for sound in sounds.split()), strict=True))


_CYRILLIC = _table(
    "а б в г ґ д е ё є ж з и і ї й к л м н о п р с т у ў ф х ц ч ш щ ъ ы ь э ю я ә ғ қ ң ө ү ұ һ ј љ њ ћ ђ џ",
    "a b v g g d e yo ye Z z i i yi y k l m n o p r s t u w f h c C S S - i - e yu ya a g k N o u u h y ly ny C J J",
)
_GREEK = _table("α β γ δ ε ζ η θ ι κ λ μ ν ξ ο π ρ σ ς τ υ φ χ ψ ω", "a v g d e z i Q i k l m n ks o p r s s t i f h ps o")
_GREEK_PAIRS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"\bμπ", "b"), (r"\bντ", "d"), (r"\bγκ", "g"), (r"μπ", "~b"), (r"ντ", "~d"), (r"γ[κγ]", "~g"), (r"τζ", "J"),
        (r"τσ", "C"), (r"ου", "u"), (r"αυ(?=[αεηιουωβγδζλμνρ]|\b)", "av"), (r"ευ(?=[αεηιουωβγδζλμνρ]|\b)", "ev"),
        (r"αυ", "af"), (r"ευ", "ef"), (r"[εο]ι(?!\u0308)", "i"),
        (r"αι(?!\u0308)", "e"), (r"γ(?=[ειηυ])", "y"),
    )
)  # fmt: skip
_ARABIC = _table(
    "ا أ إ آ ٱ ب پ ت ث ج چ ح خ د ذ ر ز ژ س ش ص ض ط ظ ع غ ف ق ك ک گ ڤ ل م ن ه ة و ؤ ي ی ى ئ ء",
    "a a a a a b p t Q J C h h d d r z Z s S s d t z - g f k k k g v l m n h a w w y y y y -",
)
_HEBREW = _table("א ב ג ד ה ו ז ח ט י כ ך ל מ ם נ ן ס ע פ ף צ ץ ק ר ש ת", "a B g d h w z h t y X X l m m n n s a F F c c k r Y t")
_HEBREW_MARKED = _table("ג' ז' צ' ץ' ת' ד' ח' ו'", "J Z C C Q d h w")
_ARMENIAN = _table(
    "ա բ գ դ ե զ է ը թ ժ ի լ խ ծ կ հ ձ ղ ճ մ յ ն շ ո չ պ ջ ռ ս վ տ ր ց ւ փ ք օ ֆ և",
    "a b g d e z e e t Z i l h c k h c g C m y n S o C p J r s v t r c v p k o f ev",
)
_GEORGIAN = _table(
    "ა ბ გ დ ე ვ ზ თ ი კ ლ მ ნ ო პ ჟ რ ს ტ უ ფ ქ ღ ყ შ ჩ ც ძ წ ჭ ხ ჯ ჰ",
    "a b g d e v z t i k l m n o p Z r s t u F k g k S C c c c C h J h",
)
_DEVANAGARI = _table(
    "क ख ग घ ङ च छ ज झ ञ ट ठ ड ढ ण त थ द ध न प फ ब भ म य र ल ळ व श ष स ह अ आ इ ई उ ऊ ए ऐ ओ औ ऑ ऍ ऋ ा ि ी ु ू े ै ो ौ ॉ ॅ ृ ं ँ ः ़",
    "k k g g N C C J J n t t d d n t t d d n p F b b m y r l l v S S s h a a i i u u e e o o o e ri "
    "a i i u u e e o o o e ri ~ ~ - -",
)
_THAI = _table(
    "ก ข ฃ ค ฅ ฆ ง จ ฉ ช ฌ ซ ญ ฎ ฏ ฐ ฑ ฒ ณ ด ต ถ ท ธ น บ ป ผ ฝ พ ฟ ภ ม ย ร ฤ ล ฬ ว ศ ษ ส ห ฬ อ ฮ "
    "ะ ั า ำ ิ ี ึ ื ุ ู เ แ โ ใ ไ",
    "k k k k k k N C C C C s y d t t t t n d t t t t n b p p f p f p m y r r l l w s s s h l a h "
    "a a a am i i u u u u e e o ai ai",
)  # fmt: skip
# Thai writes some vowels before the consonants that are spoken before them.
_THAI_LEADING = re.compile(
    r"([\u0e40-\u0e44])([กขคตถทปพบฟดผ][รล](?=[^\u0e30-\u0e3a\u0e40-\u0e4e]|[\u0e47-\u0e4b]|$)|[\u0e01-\u0e2e])"
)
_THAI_DIPHTHONG = re.compile(r"\u0e40([\u0e01-\u0e2e][รล]?)\u0e35[\u0e48-\u0e4b]?ย")
_THAI_UNIT = re.compile(r"[\u0e01-\u0e2e][^\u0e01-\u0e2e]*|.", re.DOTALL)
_HANGUL = 0xAC00
_INITIALS = "gkndtlmbpss-JJCktph"
_VOWELS = "a e ya ye o e yo ye o wa we we yo u wo we wi yu u wi i"
_MEDIALS = _VOWELS.split()
_FINALS = "-gggnnndllllllllmbbttNJCktph"
_KANA_ROWS = {
    "アイウエオ": "", "カキクケコ": "k", "ガギグゲゴ": "g", "サシスセソ": "s", "ザジズゼゾ": "z", "タチツテト": "t",
    "ダヂヅデド": "d", "ナニヌネノ": "n", "ハヒフヘホ": "h", "バビブベボ": "b", "パピプペポ": "p", "マミムメモ": "m",
    "ラリルレロ": "l", "ワヰ\u0000ヱヲ": "w", "ヷヸヴヹヺ": "v", "ヤ\u0000ユ\u0000ヨ": "y",
}  # fmt: skip
_KANA = {
    **{kana: row + vowel for kanas, row in _KANA_ROWS.items() for kana, vowel in zip(kanas, "aiueo", strict=True)},
    **_table("シ ジ チ ヂ ツ ヅ フ ン ッ ー ・", "Si Ji Ci Ji cu zu fu n - - -"),
}
_SMALL = _table("ァ ィ ゥ ェ ォ ャ ュ ョ", "a i u e o ya yu yo")
_PINYIN = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^er$", "r"), (r"^zh", "J"), (r"^ch", "C"), (r"^sh", "S"), (r"^j", "J"), (r"^q", "C"), (r"^x", "S"), (r"^[zc]", "c"),
        (r"ng$", "N"),
    )
)  # fmt: skip
_JOINED = ((re.compile(r"t~?s"), "c"), (re.compile(r"d[zs]"), "c"), (re.compile(r"tS|tC|cS"), "C"), (re.compile(r"dZ|dJ"), "J"))
_DOUBLED = re.compile(r"([^aeiou])\1+")

_APOSTROPHES = str.maketrans("\u05f3\u2019\u02bc`\u00b4", "'''''")
_ARABIC_START = re.compile("(?:[وفبكل]?(?:ال)|لل|[وفبكل])(?=..)")
_HEBREW_START = re.compile("[ובכלמשה]{1,2}?(?=..)")
_CYRILLIC_END = re.compile(r"(?:ом|ем|ым|им|ой|ей|ою|ого|ему|ому|ами|ах|ых)$")
_GEORGIAN_END = re.compile(r"(?:ისგან|ისთვის|ისა|ის|მა|ს|ით|თან|ზე|ში|ად)$")
_ARMENIAN_END = re.compile(r"(?:ների|ները|ներ|ինը|ին|ից|ով|ում|ն|ը|ի)$")
_KOREAN_END = re.compile(
    r"(?:에게서|에게|에서|에는|으로|이라는|라는|이란|란|은|는|이|가|을|를|의|에|와|과|도|로|만|씨|님|께서|이다|부터|까지|하고|이나|나)$"
)
_DEVANAGARI_END = re.compile("(?:ने|को|का|की|के|से|में)$")


def _scripted(word: str) -> str:
    """Return the script of the first letter of `word`, as the first word of its Unicode name."""
    return unicodedata.name(word[0], "OTHER").partition(" ")[0]


@lru_cache(maxsize=65_536)
def spoken(word: str) -> Spoken:
    """Return how `word` sounds. All letters are in one script, and apostrophes may be among them."""
    script = _scripted(word)
    word = word.lower().translate(_APOSTROPHES)
    if script == "HANGUL":
        return _cut(word, _hangul, SYLLABIC, None, _KOREAN_END)
    if script in ("KATAKANA", "HIRAGANA", "KATAKANA-HIRAGANA", "HALFWIDTH"):
        return _whole(_kana(unicodedata.normalize("NFKC", word)), SYLLABIC)
    if script == "THAI":
        word = _THAI_LEADING.sub(r"\2\1", _THAI_DIPHTHONG.sub("\\1\u0e34\u0e32", word))
        units = [_letters(unit, _THAI) for unit in _THAI_UNIT.findall(word)]
        return _units(units, SYLLABIC)
    if script == "CJK":
        from anyascii import anyascii

        return _units([_pinyin(anyascii(letter).lower()) for letter in word], SYLLABIC)
    if script == "ARABIC":
        plain = "".join(letter for letter in word if not unicodedata.combining(letter))
        return _cut(plain, _arabic, VOWELLESS, _ARABIC_START, None)
    if script == "HEBREW":
        plain = "".join(letter for letter in word if not unicodedata.combining(letter))
        return _cut(plain, _hebrew, VOWELLESS, _HEBREW_START, None)
    if script == "DEVANAGARI":
        return _cut(word, _devanagari, ALPHABETIC, None, _DEVANAGARI_END)
    if script == "GREEK":
        return _whole(_greek(word), ALPHABETIC)
    if script == "CYRILLIC":
        return _cut(word, _cyrillic, ALPHABETIC, None, _CYRILLIC_END)
    if script == "GEORGIAN":
        return _cut(word, lambda text: _letters(text, _GEORGIAN), ALPHABETIC, None, _GEORGIAN_END)
    if script == "ARMENIAN":
        return _cut(word, lambda text: _letters(text.replace("ու", "u"), _ARMENIAN), ALPHABETIC, None, _ARMENIAN_END)
    return _whole(_other(word), VOWELLESS)


def _whole(sounds: str, kind: int) -> Spoken:
    sounds = _tidy(sounds)
    return Spoken(sounds, kind, (0,), (len(sounds),))


def _cut(word: str, say: Callable[[str], str], kind: int, start: re.Pattern[str] | None, end: re.Pattern[str] | None) -> Spoken:
    """Return a word that may have a preposition before it or an ending after it."""
    sounds = _tidy(say(word))
    starts, ends = [0], [len(sounds)]
    if start and (found := start.match(word)):
        starts.append(len(sounds) - len(_tidy(say(word[found.end() :]))))
    if end and (found := end.search(word)) and found.start() > 1:
        ends.append(len(_tidy(say(word[: found.start()]))))
    return Spoken(
        sounds, kind, tuple(sorted({max(at, 0) for at in starts})), tuple(sorted({min(at, len(sounds)) for at in ends}))
    )


def _units(units: list[str], kind: int) -> Spoken:
    """Return a word that may begin and end at each of its units."""
    places = [0]
    for number, unit in enumerate(units):
        if number and unit and units[number - 1].endswith(unit[0]):
            units[number] = unit = unit[1:]
        places.append(places[-1] + len(unit))
    bounds = tuple(sorted(set(places)))
    return Spoken("".join(units), kind, bounds[:-1] or (0,), bounds[1:] or (0,))


def _tidy(sounds: str) -> str:
    for pattern, sound in _JOINED:
        sounds = pattern.sub(sound, sounds)
    return _DOUBLED.sub(r"\1", sounds)


def _letters(text: str, table: dict[str, str]) -> str:
    return "".join([table.get(letter, letter if letter in "aeiouyc" else "") for letter in text])


_INHERENT = re.compile(r"([\u0915-\u0939\u0958-\u095f]\u093c?)(?=[\u0904-\u0939\u0958-\u095f\u0902])")


def _devanagari(word: str) -> str:
    """A consonant without a vowel sign has a short vowel after it, except at the end of a word."""
    word = _INHERENT.sub("\\1A", unicodedata.normalize("NFD", word))
    return "".join(["A" if letter == "A" else _DEVANAGARI.get(letter, "") for letter in word])


def _cyrillic(word: str) -> str:
    word = "".join([_CYRILLIC.get(letter, "") for letter in unicodedata.normalize("NFC", word)])
    return re.sub(r"(?<=[oeiy])m$", "M", "y" + word if word.startswith("e") else word)


def _greek(word: str) -> str:
    word = re.sub("[\u0301\u0300\u0342\u0313\u0314\u0345]", "", unicodedata.normalize("NFD", word))
    for pattern, sound in _GREEK_PAIRS:
        word = pattern.sub(sound, word)
    return "".join([_GREEK.get(letter, letter if letter in PHONEMES else "") for letter in word])


def _arabic(word: str) -> str:
    return re.sub(r"^([wfbkl]?a)l(?=..)", r"\1L", "".join([_ARABIC.get(letter, "") for letter in word]))


def _hebrew(word: str) -> str:
    word = re.sub("ה$", "א", word.replace("וו", "ו"))
    return re.sub(".'?", lambda found: _HEBREW_MARKED.get(found[0], _HEBREW.get(found[0][0], "")), word)


def _hangul(word: str) -> str:
    sounds = []
    for letter in word:
        code = ord(letter) - _HANGUL
        if 0 <= code < 11_172:
            sounds += [_INITIALS[code // 588], _MEDIALS[code % 588 // 28], _FINALS[code % 28]]
    return "".join(sounds).replace("-", "")


def _kana(word: str) -> str:
    sounds = ""
    for letter in word:
        if "\u3041" <= letter <= "\u3096":
            letter = chr(ord(letter) + 0x60)
        if (small := _SMALL.get(letter)) is not None:
            if sounds.endswith(("S", "J", "C")):
                sounds += small[-1]
            elif sounds and sounds[-1] in "aiueo":
                before = "w" if sounds in ("u", "uu") or (sounds[-2:-1] in ("", *"aiueo") and sounds[-1] == "u") else ""
                sounds = sounds[:-1] + before + (small[-1] if sounds[-2:-1] in ("S", "J", "C") else small)
            else:
                sounds += small
        else:
            sounds += _KANA.get(letter, "")
    return sounds


@lru_cache(maxsize=4096)
def _pinyin(syllable: str) -> str:
    for pattern, sound in _PINYIN:
        syllable = pattern.sub(sound, syllable)
    return "".join([letter for letter in syllable if letter in PHONEMES])


_OTHER = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"sh", "S"), (r"zh", "Z"), (r"ch", "C"), (r"kh", "k"), (r"gh", "g"), (r"th", "t"), (r"dh", "d"), (r"bh", "b"),
        (r"ph", "F"), (r"jh?", "J"), (r"ng", "N"), (r"[^aeiouywhkgtdpbfvszSZCJcmnlrNF]", ""),
    )
)  # fmt: skip


def _other(word: str) -> str:
    from anyascii import anyascii

    word = anyascii(word).lower()
    for pattern, sound in _OTHER:
        word = pattern.sub(sound, word)
    return word
