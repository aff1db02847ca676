from __future__ import annotations

import pytest

from guard.forms.cases import finnish, looks_slavic, slavic


@pytest.mark.parametrize(
    ("name", "inflected"),
    [
        ("Zbigniew Krawdomir", ["zbigniewa krawdomira", "zbigniewowi krawdomirowi", "zbigniewem krawdomirem"]),
        ("Jan Kowalczyk", ["jana kowalczyka", "janem kowalczykiem"]),
        ("Andrzej Nowicki", ["andrzeja nowickiego", "andrzejowi nowickiemu", "andrzejem nowickim"]),
        ("Magdalena Wiśniewska", ["magdaleny wisniewskiej", "magdalenie wisniewskiej"]),
        ("Julia Kowalska", ["julii kowalskiej"]),
        ("Алёна Верещагинцева", ["алёны верещагинцевой", "алёне верещагинцевой", "алёну верещагинцеву"]),
        ("Сергей Петровский", ["сергея петровского", "сергею петровскому", "сергеем петровским"]),
        ("Дмитрий Гордеев", ["дмитрия гордеева", "дмитрию гордееву", "дмитрием гордеевым"]),
        ("Мария Толстая", ["марии толстой", "марию толстую"]),
        ("Игорь Ильич Крамов", ["игоря ильича крамова"]),
        ("Ольга Шевченко", ["ольги шевченко", "ольгой шевченко"]),
        ("Анна Шмидт", ["анны шмидт"]),  # a woman's surname without a woman's ending
    ],
)
def test_given_name_and_surname_agree_in_case(name: str, inflected: list[str]) -> None:
    made = {" ".join(words) for words in slavic(name)}
    assert set(inflected) <= made
    assert len(made) <= 5


@pytest.mark.parametrize(
    ("name", "slav"),
    [
        ("Zbigniew Krawdomir", True),
        ("Łucja Wróblicka", True),
        ("Anna Nováková", True),
        ("Novak Đoković", True),
        ("Иван", True),
        ("Harry Potter", False),
        ("Ivan Petrov", False),
        ("Maria Silva", False),
        ("Ludwig van Beethoven", False),
        ("Emma Mirande", False),
    ],
)
def test_looks_slavic(name: str, slav: bool) -> None:
    assert looks_slavic(name) is slav
    if not slav:
        assert list(slavic(name)) == []


def test_finnish_stem() -> None:
    assert dict(finnish(("aino", "kallervonen"))) == {("aino", "kallervose"): True, ("aino", "kallervosta"): False}
    assert list(finnish(("aino", "kallervo"))) == list(finnish(())) == []
