from __future__ import annotations

import pytest

from classifiers.naming.transliteration import TransliterationIndex, skeletons, sounds

NAMES = [
    "Hsiao Yun-Hwa", "Carmen Montenegro", "Basil Mahfouz Al-Kuwaiti", "Edward Patrick Sullivan", "Takashi Nakamura",
    "Nikolai Abilov", "Rajeev Majumdar", "Тамара Волошина", "Li Wei",
]  # fmt: skip


@pytest.fixture(scope="module")
def index() -> TransliterationIndex:
    return TransliterationIndex(NAMES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Кто родители Сяо Юньхуа?", {0}),
        ("萧云华的父母是谁?", {0}),
        ("샤오 윤화의 부모는 누구입니까?", {0}),
        ("Где родилась Кармен Монтенегро?", {1}),
        ("Πού γεννήθηκε η Κάρμεν Μοντενέγκρο;", {1}),
        ("من هو والد باسل محفوظ الكويتي؟", {2}),
        ("ماذا كتب إدوارد باتريك سوليفان؟", {3}),
        ("タカシ・ナカムラの本", {4}),
        ("Кто родители Николая Абилова?", {5}),
        ("राजीव मजूमदार की किताबें", {6}),
        ("Who is Tamara Voloshina?", {7}),
        ("Кто такая Тамара Волошина?", {7}),
        ("李伟是谁?", set()),  # too short to be told from others
        ("Who is Carmen Montenegro?", set()),
        ("Кто написал «Войну и мир»?", set()),
        ("今天天气怎么样?", set()),
        ("", set()),
    ],
)
def test_found(index: TransliterationIndex, text: str, found: set[int]) -> None:
    assert index.find(text) == found


def test_spellings_of_one_sound() -> None:
    assert sounds("Hsiao Yun-Hwa") == sounds("Xiao Yun Hua") == sounds("萧云华") == "siao iun hua"
    assert sounds("Majumdar") == sounds("Маджумдар")
    assert [left for left, _ in skeletons("Al-Kuwaiti")] == [left for left, _ in skeletons("الكويتي")]


def test_no_names() -> None:
    assert TransliterationIndex([]).find("Кто это?") == set()
