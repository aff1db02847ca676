"""LiteLLM as a client of OpenAI's API and of Anthropic's: a chat, a stream, a round trip of a tool, an answer of a schema."""

import json
import sys
from typing import Any, Literal

import litellm
from pydantic import BaseModel

RIVER = [{"role": "system", "content": "Answer in one sentence."}, {"role": "user", "content": "Name a river in Norway."}]
TOOL = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Look somebody up.",
        "parameters": {"type": "object", "properties": {"name": {"enum": ["Ann"]}}, "required": ["name"]},
    },
}


class Answer(BaseModel):
    """An answer."""

    word: Literal["ok"]


def used(**common: Any) -> dict[str, Any]:
    """Return what a provider does, as plain data."""

    def asked(messages: list[Any], **fields: Any) -> Any:
        return litellm.completion(messages=messages, **{**common, **fields})

    said = asked(RIVER)
    streamed = list(asked(RIVER, stream=True, stream_options={"include_usage": True}))
    called = asked(RIVER, tools=[TOOL], tool_choice="required", max_tokens=200).choices[0].message
    call = called.tool_calls[0]
    results = [{"role": "tool", "tool_call_id": each.id, "content": "Ann lives in Oslo."} for each in called.tool_calls]
    answered = asked([*RIVER, called.model_dump(), *results], tools=[TOOL], tool_choice="none")
    schema = {"name": "answer", "schema": Answer.model_json_schema()}
    parsed = asked(RIVER, response_format={"type": "json_schema", "json_schema": schema}, max_tokens=200)
    try:
        asked([{"role": "user", "content": "word " * 6000}])
        long = None
    except litellm.ContextWindowExceededError as error:
        long = type(error).__name__
    secret = asked([{"role": "user", "content": "Where did Yrsa Tholmundardal study?"}])
    return {
        "said": said.choices[0].message.content,
        "streamed": "".join(part.choices[0].delta.content or "" for part in streamed if part.choices),
        "usage": said.usage.total_tokens,
        "call": {"name": call.function.name, "args": json.loads(call.function.arguments)},
        "answered": answered.choices[0].message.content,
        "parsed": json.loads(parsed.choices[0].message.content)["word"],
        "long": long,
        "secret": secret.choices[0].message.content,
        "ended": secret.choices[0].finish_reason,
    }


def main(url: str) -> None:
    """Use three of LiteLLM's providers."""
    common: dict[str, Any] = {"api_key": "none", "temperature": 0, "max_tokens": 40, "num_retries": 0, "timeout": 120}
    told = {
        "openai": used(model="openai/demo", api_base=f"{url}/v1", **common),
        "vllm": used(model="hosted_vllm/demo", api_base=f"{url}/v1", **common),
        "anthropic": used(model="anthropic/demo", api_base=url, **common),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
