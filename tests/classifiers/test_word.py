from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from classifiers.answering import Answer


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    answer: Answer


def test_a_word_is_read_and_written_as_a_plain_string_in_strict_models() -> None:
    read = Strict.model_validate({"answer": "mask"})
    assert read.answer is Answer.MASK
    assert type(read.model_dump(mode="json")["answer"]) is str
    assert Strict.model_json_schema()["properties"]["answer"]["enum"] == ["abstain", "rephrase", "mask"]
    with pytest.raises(ValidationError):
        Strict.model_validate({"answer": "Mask"})
