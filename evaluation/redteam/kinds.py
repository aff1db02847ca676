"""All kinds of attack by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evaluation.redteam import context, grammars, parameters, transport, words
from evaluation.redteam.attack import Kind

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (*words.KINDS, *context.KINDS, *parameters.KINDS, *grammars.KINDS, *transport.KINDS)}
)
"""Every kind; `plain`, the question alone, is the first."""
