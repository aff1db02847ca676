from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import AliasClassifier, ForgetTarget
from classifiers.answering import InContext
from classifiers.naming.alias import TOPIC
from guard.folding import fold
from guard.phrase import Phrase
from tests.classifiers.conftest import STRANGE, a_target, screened

ADA = a_target("ada", "Ada Brill", aliases=["Brill", "Doctor Glass"])
JOSE = a_target("jose", "José Núñez-Quill")


def found(classifier: AliasClassifier, text: str) -> dict[str, str]:
    """Return the evidence of the certain matches by target."""
    [matches] = classifier.classify(screened(text))
    assert all((match.score == 1.0 or not match.certain) and match.classifier == "alias" for match in matches)
    return {match.target_id: match.evidence for match in matches if match.certain}


def doubted(classifier: AliasClassifier, text: str) -> dict[str, str]:
    """Return the evidence of the uncertain matches by target."""
    [matches] = classifier.classify(screened(text))
    assert all(match.score <= 0.6 for match in matches if not match.certain)
    return {match.target_id: match.evidence for match in matches if not match.certain}


def test_nothing_found() -> None:
    classifier = AliasClassifier([ADA, JOSE])
    assert classifier.classify([]) == []
    assert classifier.classify(screened("What is the capital of Peru?", "")) == [[], []]


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
@pytest.mark.slow
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
        ("brill", {"ada"}),  # a fish, too, but the text says nothing else
        ("we had brill for supper", set()),
        ("a brilliant idea", set()),
        ("the Adabrill", set()),
        ("Ada and Brillo", set()),
        ("Is Doctor Glass here?", {"ada"}),
        ("doctor glass", {"ada"}),
        ("the doctor glass for my laboratory", set()),
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
    assert found(classifier, "the Ada Brill group") == {"ada": "alias", "group": "alias"}
    assert doubted(classifier, "the Ada Brill group") == {"shop": "weak name"}  # Ada is somebody else's name
    assert found(classifier, "What does Brill cost?") == {"ada": "alias", "shop": "alias"}


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
    assert set(found(classifier, "Who owns Orchard?")) == {"w", "p", "s"}
    assert set(found(classifier, "orchard")) == {"w", "p", "s"}
    assert set(found(classifier, "pick apples in the orchard")) == {"p", "s"}
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
    ("text", "doubts"),
    [
        ("Is Hsiao here?", {"hwa"}),
        ("Yun-Hwa", {"hwa"}),
        ("H. Brill", {"ada"}),
        ("Glass, Doctor", set()),
        ("Quill José", set()),
        ("Who is Ada Bell?", set()),
        ("adabrillo", set()),
    ],
)
def test_what_is_too_little(text: str, doubts: set[str]) -> None:
    classifier = AliasClassifier([ADA.model_copy(update={"aliases": ["Doctor Glass"]}), HWA, JOSE])
    assert found(classifier, text) == {}
    assert set(doubted(classifier, text)) == doubts


def test_an_exact_name_outweighs_what_else_it_looks_like() -> None:
    classifier = AliasClassifier([a_target("a", "Elin Markovar"), a_target("b", "Elin Markovan"), a_target("c", "Markovar Elin")])
    assert found(classifier, "Elin Markovan") == {"b": "alias"}
    assert doubted(classifier, "Elin Markovan") == {"a": "word", "c": "word"}  # Markovar, misread
    [[first, second, _]] = classifier.classify(screened("Elin Markovar"))
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
    [matches] = classifier.classify(screened(text))
    assert {match.target_id for match in matches if match.evidence in ("alias", "weak name")} >= expected
    assert {match.target_id for match in matches if match.evidence == "alias"} <= expected


WORKS = AliasClassifier(
    [
        a_target("dune", "Dune"),
        a_target("frozen", "Frozen", ["Who made the film of Disney?"]),
        a_target("zelda", "The Legend of Zelda", aliases=["Zelda"]),
        a_target("matrix", "The Matrix"),
        a_target("bad", "Breaking Bad"),
        a_target("rings", "The Lord of the Rings"),
        a_target("pearl", "Girl with a Pearl Earring"),
        a_target("years", "One Hundred Years of Solitude"),
        a_target("curie", "Marie Curie"),
        a_target("potter", "Harry Potter", phrases=[Phrase("Hermione Granger")]),
        a_target("collins", "Michael Collins"),
        a_target("ricin", "making ricin"),
    ]
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Who wrote Dune?", "dune"),
        ("Is there a second film of 'Frozen'?", "frozen"),
        ("In welchem Jahr kam der Film Dune heraus?", "dune"),
        ("Did Disney Frozen win a prize?", "frozen"),  # a word of the target
        ("What is BREAKING BAD about?", "bad"),
        ("Who plays Zelda?", "zelda"),
        ("who plays zelda", "zelda"),
        ("Who wrote Lord of the Rings?", "rings"),
        ("girl with the pearl earring", "pearl"),
        ("100 years of solitude", "years"),
        ("leged of zleda walkthrough", "zelda"),
        ("Tell me about Hermione.", "potter"),
        ("tell me about hermione", "potter"),
    ],
)
def test_certain_names(text: str, target: str) -> None:
    [matches] = WORKS.classify(screened(text))
    assert [match.target_id for match in matches if match.certain] == [target]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("How is a sand dune formed?", "dune"),
        ("dune part two cast", "dune"),
        ("WHAT IS A DUNE?", "dune"),
        ("Frozen peas: how long do they keep?", "frozen"),
        ("Who narrates Frozen Planet?", "frozen"),
        ("Do iPhones keep frozen peas fresh?", "frozen"),  # "i Phones" is another reading
        ("Who was Zelda Fitzgerald?", "zelda"),
        ("Give me advice on breaking bad habits.", "bad"),
        ("Who directed the film Matrix?", "matrix"),
        ("who sings in frozn", "frozen"),
        ("Is teh Lord of teh Rigns long?", "rings"),
        ("LOTR or not, what is good?", "rings"),
        ("Curie's discoveries", "curie"),
        ("What did M. Collins see of the Moon?", "collins"),
        ("How is ricin made?", "ricin"),
    ],
)
def test_doubtful_names(text: str, target: str) -> None:
    [matches] = WORKS.classify(screened(text))
    assert [(match.target_id, match.certain) for match in matches] == [(target, False)]


@pytest.mark.parametrize(
    "text",
    [
        "What did Pierre Curie discover?",
        "Did Harry work as a potter?",
        "How do I invert a matrix?",
        "What is the ring of the lord?",
        "How many curie has a gram of radium?",
    ],
)
def test_no_names(text: str) -> None:
    assert WORKS.classify(screened(text)) == [[]]


def test_one_certain_occurrence_is_enough() -> None:
    assert found(WORKS, "Is a dune on the cover of Dune?") == {"dune": "alias"}
    assert doubted(WORKS, "Is a dune on the cover of Dune?") == {}


def test_two_targets_share_a_word() -> None:
    phrase = [Phrase("Hermione Granger")]
    classifier = AliasClassifier([a_target("a", "Harry Potter", phrases=phrase), a_target("b", "Hogwarts", phrases=phrase)])
    assert {match.target_id for match in classifier.classify(screened("Hermione?"))[0]} == {"a", "b"}


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
    for other in ({"in_context": "suppress"}, {"in_context": "allow"}, {"action": "monitor"}):
        classifier = AliasClassifier([a_target("ada", "Ada Brill", **named, **other)], in_context=InContext.REFUSE)
        assert not found_facts(classifier, text)


def found_facts(classifier: AliasClassifier, text: str) -> bool:
    [matches] = classifier.classify(screened(text))
    assert {(match.evidence, match.score) for match in matches} <= {("fact", 0.8)}
    return bool(matches)


GIVEN = ("Ada", "Bo", "Cyd", "Dee", "Eva", "Flo", "Gil", "Hal", "Ivo")
MERKEL, BROWN = a_target("merkel", "Angela Merkel"), a_target("brown", "Gordon Brown")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Is it true of Merkel and Blair?", {"merkel": "part"}),
        ("merkel and the euro", {"merkel": "part"}),
        ("How did Brown and Blair fall out?", {"brown": "part"}),
        ("How did Brown get on with Blair?", {"brown": "person"}),
        ("a brown bear in the wood", {}),
        ("Who was Una Merkel?", {}),  # somebody else's name
        ("What is Brown University known for?", {}),
        ("the merkel in the Museum", {}),
        ("Why is the politician A. M. famous?", {"merkel": "part"}),
        ("A.M. or P.M.?", {"merkel": "part"}),
        ("at 9 a.m. sharp", {}),
    ],
)
def test_a_surname_that_many_people_bear_is_a_hint(text: str, found: dict[str, str]) -> None:
    classifier = AliasClassifier([MERKEL, BROWN])
    assert doubted(classifier, text) == found
    assert not any(match.certain for match in classifier.classify(screened(text))[0])


def test_a_surname_of_many_targets_is_no_hint() -> None:
    many = [a_target(f"t{number}", f"{given} Merkel") for number, given in enumerate(GIVEN)]
    assert doubted(AliasClassifier(many), "Is it true of Merkel and Blair?") == {}
    assert len(doubted(AliasClassifier(many[:8]), "Is it true of Merkel and Blair?")) == 8


def test_the_words_of_a_description_are_found_in_other_forms() -> None:
    classifier = AliasClassifier([a_target("m", "laundering money"), ADA])
    [[match]] = classifier.classify(screened("He teaches his nephew to launder the money."))
    assert (match.target_id, match.evidence, match.score, match.certain) == ("m", "topic", TOPIC, True)
    assert found(classifier, "Who laundered it, and what became of all that money?") == {}
    assert found(classifier, "How does brill go with Ada?") == {}


def test_an_abbreviation_with_dots_and_one_that_is_a_word() -> None:
    classifier = AliasClassifier([a_target("w", "WHO"), a_target("b", "Björn's Who"), a_target("i", "IBM")])
    assert found(classifier, "Did they leave the W.H.O. in 2020?") == {"w": "alias"}
    assert found(classifier, "What did I.B.M. sell?") == {"i": "alias"}
    assert found(classifier, "Who is the tenth Doctor Who?") == {}
    assert "w" in doubted(classifier, "Is the band called The Who or not?")


def test_a_name_that_one_target_writes_in_capitals_and_another_does_not() -> None:
    classifier = AliasClassifier([a_target("w", "WHO"), a_target("b", "Who")])
    assert found(classifier, "What did the Who play?").keys() == {"w", "b"}
