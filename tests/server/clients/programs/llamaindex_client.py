"""LlamaIndex, with its integration of servers like OpenAI's: a chat, a stream, a round trip of a tool, an answer of a schema."""

import json
import sys
from typing import Literal

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

RIVER = [
    ChatMessage(role="system", content="Answer in one sentence."),
    ChatMessage(role="user", content="Name a river in Norway."),
]


class Answer(BaseModel):
    """An answer."""

    word: Literal["ok"]


def lookup(name: Literal["Ann"]) -> str:
    """Look somebody up."""
    return f"{name} lives in Oslo."


def main(url: str) -> None:
    """Use the integration, and print what it does."""
    model = OpenAILike(
        model="demo",
        api_base=f"{url}/v1",
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=True,
        temperature=0,
        max_tokens=200,
        max_retries=0,
        timeout=120,
    )
    said = model.chat(RIVER)
    streamed = "".join(part.delta or "" for part in model.stream_chat(RIVER))
    tool = FunctionTool.from_defaults(lookup)
    asked = model.chat_with_tools([tool], chat_history=RIVER, tool_required=True)
    calls = model.get_tool_calls_from_response(asked)
    results = [
        ChatMessage(role="tool", content=lookup(**call.tool_kwargs), additional_kwargs={"tool_call_id": call.tool_id})
        for call in calls
    ]
    answered = model.chat([*RIVER, asked.message, *results])
    parsed = model.as_structured_llm(Answer).chat(RIVER)
    completed = model.complete("Name a river in Norway.")
    secret = model.chat([ChatMessage(role="user", content="Where did Yrsa Tholmundardal study?")])
    told = {
        "said": said.message.content,
        "streamed": streamed,
        "call": {"name": calls[0].tool_name, "args": calls[0].tool_kwargs},
        "answered": answered.message.content,
        "parsed": parsed.raw.word,
        "completed": completed.text,
        "secret": secret.message.content,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
