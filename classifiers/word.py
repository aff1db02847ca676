"""Words of a policy: enumerations whose values people write into files and requests."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Word(StrEnum):
    """An enumeration that JSON, pydantic and the store hold as plain strings; in JSON Schema it is one of these strings."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that reads and writes the plain strings, in strict models as well."""
        plain = core_schema.literal_schema([word.value for word in cls])
        return core_schema.no_info_after_validator_function(cls, plain)
