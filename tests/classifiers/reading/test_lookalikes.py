from __future__ import annotations

import pytest

from classifiers.reading.lookalikes import unmasked


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Who is Hsіао Yun-Hwа?", "Who is Hsiao Yun-Hwa?"),  # Cyrillic letters in Latin words
        ("Who is Аԁа Вrіll?", "Who is Ada Brill?"),  # one word wholly Cyrillic
        ("Ѕара Соре", "Sapa Cope"),  # nothing but look-alikes
        ("Βill and Αdа", "Bill and Ada"),  # Greek
        ("ʜꜱɪᴀᴏ ʏᴜɴ", "hsiao yun"),
        ("ⓗⓢⓘⓐⓞ 𝐘𝐮𝐧", "hsiao Yun"),
        ("🅷🆂🅸🅰🅾 🇾🇺🇳", "hsiao yun"),
    ],
)
def test_unmasked(text: str, plain: str) -> None:
    assert unmasked(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "Кто написал роман о море?",
        "Ποιος έγραψε το μυθιστόρημα;",
        "What does the word мир mean?",
        "5 kΩ and 3 µm, x₁ + y² = α",
        "naïve café in Kraków, Ñandú, straße",
        "今天 Python 很好, 😀🎉",
        "Android™ and ªº",
    ],
)
def test_left_alone(text: str) -> None:
    assert unmasked(text) == text
