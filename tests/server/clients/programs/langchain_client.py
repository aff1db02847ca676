"""LangChain, with its OpenAI and its Anthropic integration: a chat, a stream, a round trip of a tool, an answer of a schema."""

import json
import sys
from typing import Any, Literal

from langchain_anthropic import ChatAnthropic
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

RIVER = [SystemMessage("Answer in one sentence."), HumanMessage("Name a river in Norway.")]
SECRET = [HumanMessage("Where did Yrsa Tholmundardal study?")]


class Answer(BaseModel):
    """An answer."""

    word: Literal["ok"]


@tool
def lookup(name: Literal["Ann"]) -> str:
    """Look somebody up."""
    return f"{name} lives in Oslo."


def used(model: Any, most: dict[str, int]) -> dict[str, Any]:
    """Return what a model does, as plain data."""
    said = model.invoke(RIVER)
    streamed = None
    for chunk in model.stream(RIVER):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    calling = model.bind_tools([lookup], tool_choice="lookup").bind(**most)
    asked = calling.invoke(RIVER)
    (call,) = asked.tool_calls[:1]
    again = [*RIVER, asked, *(ToolMessage(lookup.invoke(each["args"]), tool_call_id=each["id"]) for each in asked.tool_calls)]
    answered = model.bind_tools([lookup]).invoke(again)
    parsed = model.with_structured_output(Answer, method="json_schema").invoke(RIVER)
    secret = model.invoke(SECRET)
    try:
        model.invoke([HumanMessage("word " * 6000)])
        long = None
    except ContextOverflowError as error:
        long = type(error).__name__
    return {
        "said": said.text,
        "streamed": streamed.text,
        "usage": [dict(each.usage_metadata or {})["total_tokens"] for each in (said, streamed)],
        "call": {"name": call["name"], "args": call["args"]},
        "answered": answered.text,
        "parsed": parsed.word,
        "secret": secret.text,
        "long": long,
        "ended": secret.response_metadata.get("finish_reason") or secret.response_metadata.get("stop_reason"),
    }


def main(url: str) -> None:
    """Use both integrations."""
    common: dict[str, Any] = {"model": "demo", "temperature": 0, "max_retries": 0, "timeout": 120}
    openai = ChatOpenAI(base_url=f"{url}/v1", api_key="none", max_tokens=40, stream_usage=True, **common)  # type: ignore[call-arg,arg-type]
    anthropic = ChatAnthropic(base_url=url, api_key="none", max_tokens=40, **common)  # type: ignore[call-arg,arg-type]
    print(json.dumps({"openai": used(openai, {"max_tokens": 200}), "anthropic": used(anthropic, {"max_tokens": 200})}))


if __name__ == "__main__":
    main(sys.argv[1])
