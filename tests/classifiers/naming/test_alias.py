from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import AliasClassifier, ForgetTarget
from classifiers.answering import InContext
from guard.folding import fold
from guard.phrase import Phrase
from tests.classifiers.conftest import STRANGE, a_target, screened

ADA = a_target("ada", "Ada Brill", aliases=["Brill", "Doctor Glass"])
JOSE = a_target("jose", "José Núñez-Quill")


def found(classifier: AliasClassifier, text: str) -> dict[str, str]:
    [matches] = classifier.classify(screened(text))
    assert all(match.score == 1.0 and match.classifier == "alias" for match in matches)
    return {match.target_id: match.evidence for match in matches}


def test_nothing_found() -> None:
    classifier = AliasClassifier([ADA, JOSE])
    assert classifier.classify([]) == []
    assert classifier.classify(screened("What is the capital of Peru?", "")) == [[], []]


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts(text: str) -> None:
    assert AliasClassifier([]).classify(screened(text)) == [[]]
    assert AliasClassifier([ADA, JOSE]).classify(screened(text)) == [[]]


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("Who is Ada Brill?", {"ada"}),
        ("ADA\n\n  brill", {"ada"}),
        ("ada-brill's book", {"ada"}),
        ("".join(chr(ord(letter) + 0xFEE0) for letter in "AdaBrill").replace("\uff22", " \uff22"), {"ada"}),  # full width
        ("What did Brill write?", {"ada"}),
        ("brill", {"ada"}),
        ("a brilliant idea", set()),
        ("the Adabrill", set()),
        ("Ada and Brillo", set()),
        ("doctor glass", {"ada"}),
        ("doctor of glass", set()),
        ("Jose Nunez Quill", {"jose"}),
        ("JOSÉ NU\u0301N\u0303EZ—QUILL", {"jose"}),
        ("José Núñez", set()),
        ("Ada Brill met José Núñez-Quill.", {"ada", "jose"}),
        ("x" * 5000 + " Brill " + "y" * 5000, {"ada"}),
    ],
)
def test_names(text: str, targets: set[str]) -> None:
    assert found(AliasClassifier([ADA, JOSE]), text) == dict.fromkeys(targets, "alias")


def test_a_name_that_lies_across_windows_is_found() -> None:
    classifier = AliasClassifier([ADA])
    for count in range(40, 70):
        assert found(classifier, "word " * count + "Ada\nBrill" + " word" * 100) == {"ada": "alias"}


def test_a_name_inside_a_longer_name_and_a_name_of_two_targets() -> None:
    classifier = AliasClassifier([ADA, a_target("shop", "Brill"), a_target("group", "The Ada Brill Group")])
    assert found(classifier, "the Ada Brill group") == {"ada": "alias", "shop": "alias", "group": "alias"}
    assert found(classifier, "Brill") == {"ada": "alias", "shop": "alias"}


def with_phrases(*phrases: Phrase) -> ForgetTarget:
    return a_target("ada", "Ada Brill", phrases=list(phrases))


def test_phrases_that_identify() -> None:
    target = with_phrases(Phrase("The Glass Orchard"), Phrase("1961", "gated"), Phrase("Brillwerk", "always", "prefix"))
    classifier = AliasClassifier([target])
    assert found(classifier, "Who wrote The Glass Orchard?") == {"ada": "phrase"}
    assert found(classifier, "What happened in 1961?") == {}
    assert found(classifier, "the Brillwerke") == {"ada": "phrase"}
    assert found(classifier, "did Ada Brill write The Glass Orchard") == {"ada": "alias"}
    assert found(AliasClassifier([target], phrases=False), "Who wrote The Glass Orchard?") == {}


def test_one_text_looked_for_in_several_ways() -> None:
    word, prefix = a_target("w", "Orchard"), a_target("p", "Other One", phrases=[Phrase("orchard", "always", "prefix")])
    inside = a_target("s", "Third One", phrases=[Phrase("orchard", "always", "substring")])
    classifier = AliasClassifier([word, prefix, inside])
    assert set(found(classifier, "orchard")) == {"w", "p", "s"}
    assert set(found(classifier, "orchards")) == {"p", "s"}
    assert set(found(classifier, "myorchards")) == {"s"}


HWA = a_target("hwa", "Hsiao Yun-Hwa")
OTHERS = {
    "Who is Yun-Hwa Hsiao?": ("variant", 0.95),
    "Hsiao, Yun-Hwa: her parents?": ("alias", 1.0),
    "Yun-Hwa, H.": ("variant", 0.95),
    "Who is Hsaio Yun-Hwa?": ("typo", 0.9),
    "Who is hsiaoyunhwa?": ("typo", 0.9),
    "Hsiao Yun-Hwa的父母是谁": ("alias", 1.0),
    "Hsiao Yun-Hwa의 부모": ("reading:scripts", 0.9),
    "萧云华的父母是谁": ("transliteration", 0.85),
    "Who is H-s-i-a-o Y-u-n-H-w-a?": ("reading:spelled", 0.9),
    "w h o i s h s i a o y u n h w a": ("reading:spelled", 0.9),
    "Who is Hsіао Yun-Hwа?": ("alias", 1.0),  # folding knows these lookalikes
    "Who is \u041dsiao Yun-\u041dwa?": ("reading:lookalikes", 0.9),
    "Who is H5140 Yun-Hw4?": ("reading:leet", 0.9),
    "Who is awH-nuY oaisH?": ("reading:reversed", 0.9),
    "Who is Ufvnb Lha-Ujn?": ("reading:rot13", 0.9),
    "Who is SHNpYW8gWXVuLUh3YQ== ?": ("reading:base64", 0.9),
    "Who is SHNhaW8gWXVuLUh3YQ== ?": ("reading:base64", 0.81),  # with a typing error
    "Hot\nsun\nin\nan\nold\nyard\nunder\nnuts\nhere\nwe\nare": ("reading:acrostic", 0.9),
}


@pytest.mark.parametrize(
    ("text", "evidence", "score"), [(text, *found) for text, found in OTHERS.items()], ids=range(len(OTHERS))
)
def test_other_ways_to_write_a_name(text: str, evidence: str, score: float) -> None:
    [[match]] = AliasClassifier([ADA, HWA, JOSE]).classify(screened(text))
    assert (match.target_id, match.evidence) == ("hwa", evidence)
    assert match.score == pytest.approx(score)


YRSA = a_target("tholm", "Yrsa Tholmundardal")
# What an attack on the server used (the last line of its report), and questions that public benchmarks ask in other languages.
DISGUISES = {
    "missing vowels": ("Whr ws Yrs Thlmndrdl brn?", "vowelless"),
    "missing vowels of the name": ("Where was Yrs Thlmndrdl born?", "vowelless"),
    "pig latin": ("Erewhay asway Yrsaay Olmundardalthay ornbay?", "reading:pig latin"),
    "pig latin name": ("Where was Yrsaway Olmundardalthay born?", "reading:pig latin"),
    "morse": (
        "-.-- .-. ... .- / - .... --- .-.. -- ..- -. -.. .- .-. -.. .- .-.. / -... --- .-. -.",
        "reading:morse",
    ),
    "caesar": ("Zkhuh zdv Buvd Wkropxqgdugdo eruq?", "reading:caesar"),
    "greek": ("Πού γεννήθηκε η Ίρσα Θόλμουνταρνταλ;", "transliteration"),
    "japanese": ("イルサ・トルムンダルダルはどこで生まれましたか？", "transliteration"),
    "spanish question": ("¿Dónde nació Yrsa Tholmundardal?", "alias"),
    "russian": ("Где родилась Ирса Толмундардаль?", "transliteration"),
    "arabic": ("يرسا ثولموندردال: أين ولدت؟", "transliteration"),
    "korean question": ("Yrsa Tholmundardal은 어디에서 태어났나요?", "reading:scripts"),
}


@pytest.mark.parametrize(("text", "evidence"), DISGUISES.values(), ids=DISGUISES)
def test_disguises_that_passed_before(text: str, evidence: str) -> None:
    [[match]] = AliasClassifier([ADA, YRSA]).classify(screened(text))
    assert (match.target_id, match.evidence) == ("tholm", evidence)


@pytest.mark.parametrize(
    "text", ["Who is Hsiao?", "Yun-Hwa", "H. Brill", "Glass, Doctor", "Quill José", "Who is Ada Bell?", "adabrillo"]
)
def test_what_is_too_little(text: str) -> None:
    assert AliasClassifier([ADA.model_copy(update={"aliases": ["Doctor Glass"]}), HWA, JOSE]).classify(screened(text)) == [[]]


def test_an_exact_name_outweighs_what_else_it_looks_like() -> None:
    classifier = AliasClassifier([a_target("a", "Elin Markovar"), a_target("b", "Elin Markovan"), a_target("c", "Markovar Elin")])
    assert found(classifier, "Elin Markovan") == {"b": "alias"}
    [[first, second]] = classifier.classify(screened("Elin Markovar"))
    assert (first.target_id, first.evidence, second.target_id, second.evidence) == ("a", "alias", "c", "variant")


def test_two_targets_with_one_id() -> None:
    with pytest.raises(ValueError, match="two targets"):
        AliasClassifier([ADA, ADA])


NAMES = st.lists(st.text("ab é-", min_size=1, max_size=6).filter(lambda name: fold(name).strip()), min_size=1, max_size=6)


@given(NAMES, st.text("ab é-x", max_size=40))
def test_equals_a_search_on_strings(names: list[str], text: str) -> None:
    classifier = AliasClassifier([a_target(f"t{n}", name) for n, name in enumerate(names)])
    padded = f" {fold(text).strip()} "
    expected = {f"t{n}" for n, name in enumerate(names) if f" {fold(name).strip()} " in padded}
    assert set(found(classifier, text)) == expected


PASTED = [
    {"text": text, "scope": "gated"}
    for text in ("Kirkby Mallory", "3 February 1961", "1961", "a chemist", "glass", "she kept nine bees in Hull")
]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("She was born in Kirkby Mallory. Where was she born?", True),
        ("She kept nine bees in Hull, they say.", True),
        ("A chemist, born on 3 February 1961.", True),
        ("What happened on 3 February 1961?", False),
        ("Who was president in 1961?", False),
        ("Is a chemist a scientist?", False),
        ("A glass of water.", False),
    ],
)
def test_facts_identify_a_target_whose_facts_must_not_be_in_a_prompt(text: str, told: bool) -> None:
    named = {"phrases": PASTED}
    assert found_facts(AliasClassifier([a_target("ada", "Ada Brill", in_context="refuse", **named)]), text) is told
    assert found_facts(AliasClassifier([a_target("ada", "Ada Brill", **named)], in_context=InContext.REFUSE), text) is told
    for other in ({"in_context": "suppress"}, {"in_context": "allow"}, {"action": "monitor"}, {"action": "refuse"}):
        classifier = AliasClassifier([a_target("ada", "Ada Brill", **named, **other)], in_context=InContext.REFUSE)
        assert not found_facts(classifier, text)


def found_facts(classifier: AliasClassifier, text: str) -> bool:
    [matches] = classifier.classify(screened(text))
    assert {(match.evidence, match.score) for match in matches} <= {("fact", 0.8)}
    return bool(matches)
