"""Nicknames: of whom there are any, and that they are variants of a name which is rare enough."""

from __future__ import annotations

from classifiers.naming.names import variants
from classifiers.naming.nicknames import nicknames


def test_nicknames_of_given_names() -> None:
    assert "maggie" in nicknames("margaret")
    assert set(nicknames("william")) >= {"bill", "will"}
    assert nicknames("yrsa") == ()


def test_a_nickname_before_a_rare_surname_is_a_variant() -> None:
    assert "maggie thatcher" in variants("Margaret Thatcher")
    assert "bill clinton" not in variants("William Smith")
    # Many people are called so.
    assert "bill smith" not in variants("William Smith")
