"""The fields of a request: which of them could get round the guard, and what the server does with each.

One table, `FIELDS`, has every field of vLLM 0.32's two request models (vllm/entrypoints/openai/chat_completion/protocol.py and
completion/protocol.py; a test compares the names) and the fields of OpenAI's API that vLLM does not have:

    screened   text that the model reads: `server.openai.texts` lists it, the classifiers read it, and vLLM gets it
    passed     cannot get round the guard: bans hold whatever its value is
    refused    gets round the guard, or shows what it hides: status 400, unless the field has a harmless value (`allowed`)
    replaced   the server sets it, and drops what a client sends without an error. These are vllm_xargs, which names the
               restrictions, and request_id, with which the server aborts a request
    dropped    a field of OpenAI's API that means nothing here: the server checks its value (`allowed`) and does not pass it on

The server refuses a field that is not in the table, or drops it where the operator has set `GUARD_UNKNOWN_FIELDS` so. It never
passes one on: vLLM's models accept unknown fields and ignore them (`extra="allow"`), so a field that a later version introduces
must not pass before somebody has looked at it. A field with the value null means the same as no field, whatever its name.

The server compares values strictly: vLLM
reads `"true"`, `"on"` and `1` as true, so only JSON's `false` counts as off.

vLLM checks the form of most values, because its messages are good. The server checks only the values that it uses itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from server.errors import BadRequest

Route = Literal["chat", "completion", "response", "message"]
Handling = Literal["screened", "passed", "refused", "replaced", "dropped"]
Predicate = Callable[[Any], bool]

MAX_LOGPROBS: Final = 20
"""OpenAI's limit, and vLLM's default. More of them, or -1 (the whole vocabulary), would show the model's whole distribution."""

GUARD_CONFLICT: Final = "guard_conflict"
UNSUPPORTED: Final = "unsupported_parameter"


@dataclass(frozen=True, slots=True)
class Field:
    """What the server does with one field of a request.

    Attributes:
        name: The field's name.
        handling: What happens to it; see the module's docstring.
        reason: Why. For a field with `allowed` it completes the error message "`name` ...".
        routes: The routes whose requests have the field. Those that are translated have their fields in modules of their own.
        allowed: The test that a value must pass; None if any value does.
        code: The error code for a value that does not pass.
    """

    name: str
    handling: Handling
    reason: str
    routes: tuple[Route, ...] = ("chat", "completion")
    allowed: Predicate | None = None
    code: str = GUARD_CONFLICT


def _absent(value: Any) -> bool:
    return value is None


def _off(value: Any) -> bool:
    return value is None or value is False


def _on(value: Any) -> bool:
    return value is None or value is True


def _boolean(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def _zero(value: Any) -> bool:
    return value is None or (type(value) is int and value == 0)


def _capped(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value <= MAX_LOGPROBS)


def _thinking_switches(value: Any) -> bool:
    # These two only choose how the template opens the answer. The template could read any other name as messages, tools or
    # documents that nothing has screened.
    names = {"enable_thinking", "thinking"}
    return value is None or (isinstance(value, dict) and all(k in names and isinstance(v, bool) for k, v in value.items()))


def _only(*values: object) -> Predicate:
    return lambda value: value is None or any(type(value) is type(each) and value == each for each in values)


# Each refused field may be left out.
_NO: Final = "is not supported, so leave it out"

_CHAT: Final[tuple[Route, ...]] = ("chat",)
_COMPLETION: Final[tuple[Route, ...]] = ("completion",)


def _in_64_bits(value: Any) -> bool:
    # vLLM looks at everything else.
    return type(value) is not int or -(2**63) <= value < 2**63


def _not_zero(value: Any) -> bool:
    return value != 0 or isinstance(value, bool)


def _one_or_more(value: Any) -> bool:
    return value is None or (type(value) is int and value >= 1)


def _fields(handling: Handling, reason: str, *names: str, routes: tuple[Route, ...] = ("chat", "completion")) -> list[Field]:
    return [Field(name, handling, reason, routes) for name in names]


FIELDS: Final[tuple[Field, ...]] = (
    # --- read by the model
    *_fields("screened", "read by the model", "messages", "tools", "tool_choice", "documents", routes=_CHAT),
    *_fields("screened", "read by the model", "prompt", "suffix", routes=_COMPLETION),
    *_fields("screened", "some templates show it to the model; a ban overrides it", "response_format", "structured_outputs"),
    # --- refused: the server could not screen all that the model reads
    Field("prompt_embeds", "refused", f"{_NO}: the server cannot screen embeddings", _COMPLETION, _empty),
    Field("chat_template", "refused", f"{_NO}: the model would read another text than the server screens", _CHAT, _absent),
    Field(
        "chat_template_kwargs",
        "refused",
        "may only have enable_thinking and thinking, each true or false: the server does not screen other values",
        _CHAT,
        _thinking_switches,
    ),
    Field("truncate_prompt_tokens", "refused", f"{_NO}: it changes the prompt after screening", allowed=_absent),
    Field("truncation_side", "refused", f"{_NO}: it changes the prompt after screening", allowed=_absent),
    Field("mm_processor_kwargs", "refused", f"{_NO}: the server can screen only text", _CHAT, _empty),
    Field("media_io_kwargs", "refused", f"{_NO}: the server can screen only text", _CHAT, _empty),
    # vLLM reads kv_transfer_params["prompt_token_ids"] as the prompt, not the messages. Both fields name caches of others.
    Field("kv_transfer_params", "refused", f"{_NO}: it can replace the prompt after screening", allowed=_empty),
    Field("ec_transfer_params", "refused", f"{_NO}: it can replace the prompt after screening", allowed=_empty),
    # --- refused: the guard does not act on it, or it shows what the guard hides
    Field("use_beam_search", "refused", f"{_NO}: vLLM runs beam search without logits processors", allowed=_off),
    Field("prompt_logprobs", "refused", f"{_NO}: vLLM scores the prompt without the guard", allowed=_absent),
    # On the chat route vLLM turns echo into prompt_logprobs=top_logprobs, that is 0: scores of the prompt that nobody asked for.
    Field("echo", "refused", f"{_NO}: vLLM would answer with log probabilities of the prompt", _CHAT, _off),
    # With `logprobs` it is refused, see `server.openai.completions`.
    Field("echo", "passed", "must be true or false", _COMPLETION, _boolean, "invalid_value"),
    Field("logprob_token_ids", "refused", f"{_NO}: it asks for the scores of chosen tokens", allowed=_empty),
    Field("logprobs", "passed", "must be true or false", _CHAT, _boolean, "invalid_value"),
    Field("top_logprobs", "passed", f"must be an integer from 0 to {MAX_LOGPROBS}", _CHAT, _capped, "invalid_value"),
    Field("logprobs", "passed", f"must be an integer from 0 to {MAX_LOGPROBS}", _COMPLETION, _capped, "invalid_value"),
    # `server.answers` reads the texts of an answer and how they end, and none of these parts. A client gets no part that says
    # something about the text and that the server does not read.
    Field("return_token_ids", "refused", f"{_NO}: the server does not read token ids in an answer", allowed=_off),
    Field("return_tokens_as_token_ids", "refused", f"{_NO}: the server does not read token ids in an answer", allowed=_off),
    Field("skip_special_tokens", "refused", "must be true: the text would have special tokens in it", allowed=_on),
    Field("return_prompt_text", "refused", f"{_NO}: the server does not read this part of an answer", _CHAT, _off),
    Field("routed_experts_prompt_start", "refused", f"{_NO}: the server does not read this part of an answer", allowed=_zero),
    # --- refused: for vLLM's render routes, which this server does not have
    Field("return_token_offsets", "refused", "is for a route that this server does not have", allowed=_off, code=UNSUPPORTED),
    Field("mm_payload", "refused", "is for a route that this server does not have", allowed=_absent, code=UNSUPPORTED),
    Field("return_mm_kwargs", "refused", "is for a route that this server does not have", allowed=_absent, code=UNSUPPORTED),
    # --- set by the server
    Field("vllm_xargs", "replaced", "names the restrictions of the request"),
    Field("request_id", "replaced", "the server aborts requests with it; two clients could send the same one"),
    # --- passed, but the server uses the value too and must read it as vLLM does
    Field("stream", "passed", "must be true or false", allowed=_boolean, code="invalid_value"),
    Field("continue_final_message", "passed", "must be true or false", _CHAT, _boolean, "invalid_value"),
    Field("add_generation_prompt", "passed", "must be true or false", _CHAT, _boolean, "invalid_value"),
    # --- passed: they change logits or end the answer; a ban is -inf after all of them
    *_fields("passed", "sampling", "temperature", "top_p", "top_k", "min_p", "n", "length_penalty", "watermarking"),
    # `Dialect.calls` counts from it.
    Field("seed", "passed", "must be an integer of 64 bits", allowed=_in_64_bits, code="invalid_value"),
    *_fields("passed", "sampling", "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "bad_words"),
    *_fields("passed", "refused under a policy (`Dialect.check_under_policy`)", "allowed_token_ids"),
    *_fields("passed", "length", "min_tokens", "ignore_eos", "repetition_detection", "thinking_token_budget"),
    *_fields("passed", "length", "max_tokens", routes=_COMPLETION),
    Field("max_tokens", "passed", "must be at least 1", _CHAT, _not_zero, "invalid_value"),
    Field("max_completion_tokens", "passed", "must be at least 1", _CHAT, _not_zero, "invalid_value"),
    *_fields("passed", "ends the answer sooner; the server adds to it", "stop", "stop_token_ids", "include_stop_str_in_output"),
    *_fields("passed", "adds white space to the text, no words, and only with slow tokenizers", "spaces_between_special_tokens"),
    # It adds the tokens that the tokenizer puts around every text (BOS, EOS), no words. Evaluation clients send it.
    *_fields("passed", "adds special tokens to the prompt, no text", "add_special_tokens"),
    *_fields("passed", "a word that the template knows, or a switch", "reasoning_effort", "include_reasoning", routes=_CHAT),
    *_fields("passed", "how many tool calls an answer has; bans hold in each", "parallel_tool_calls", routes=_CHAT),
    # --- passed: transport and accounting
    *_fields("passed", "form of the answer", "stream_options", "stream_interval"),
    *_fields("passed", "which model or adapter; all run under the same guard", "model"),
    # vLLM refuses a priority other than 0 unless the operator chose priority scheduling.
    *_fields("passed", "scheduling and caching; no effect on the text", "priority", "cache_salt", "session_id", "user"),
    # --- OpenAI's, not vLLM's
    *_fields("dropped", "the caller's bookkeeping", "metadata", "service_tier", "safety_identifier"),
    *_fields("dropped", "a hint to a cache", "prompt_cache_key", "prompt_cache_retention"),
    Field("prediction", "dropped", "a hint that only saves time", _CHAT),
    Field("verbosity", "dropped", "a hint that no served model knows", _CHAT),
    # The server stores no answers, whatever it says. OpenAI's own default differs by route, so clients send both values.
    Field("store", "dropped", "must be true or false", allowed=_boolean, code="invalid_value"),
    Field("modalities", "dropped", 'must be ["text"]', _CHAT, _only(["text"]), UNSUPPORTED),
    Field("audio", "dropped", _NO, _CHAT, _absent, UNSUPPORTED),
    Field("web_search_options", "dropped", f"{_NO}: the server searches nothing", _CHAT, _empty, UNSUPPORTED),
    Field("functions", "dropped", "is not supported: use `tools`", _CHAT, _empty, UNSUPPORTED),
    # Without `functions` these two say nothing.
    Field("function_call", "dropped", "is not supported: use `tool_choice`", _CHAT, _only("none", "auto"), UNSUPPORTED),
    # It must be `n`, see `server.openai.completions`.
    Field("best_of", "dropped", "must be the same as `n`", _COMPLETION, _one_or_more, UNSUPPORTED),
)

BY_ROUTE: Final[Mapping[Route, Mapping[str, Field]]] = {
    route: {field.name: field for field in FIELDS if route in field.routes} for route in ("chat", "completion")
}


# Where an empty list or object means the same as no field.
_NOTHING: Final[Mapping[str, object]] = {
    **{name: [] for name in ("tools", "functions", "documents", "stop", "stop_token_ids", "bad_words")},
    **{name: {} for name in ("logit_bias", "metadata")},
}


def given(body: Mapping[str, Any], table: Mapping[str, Field], *, drop_unknown: bool = False) -> dict[str, Any]:
    """Return a shallow copy of a body without the fields that say nothing: those that are null, or an empty list of tools.

    Args:
        body: A client's body.
        table: The fields of its dialect.
        drop_unknown: Whether fields that are not in the table are left out, too. Otherwise `check` refuses them.
    """
    kept = {name: value for name, value in body.items() if value is not None and value != _NOTHING.get(name)}
    return {name: value for name, value in kept.items() if name in table} if drop_unknown else kept


def check(body: Mapping[str, Any], table: Mapping[str, Field]) -> None:
    """Check each field of a request body against a dialect's `table`.

    Raises:
        BadRequest: A field or its value is refused. `param` names the field; `code` is `guard_conflict` for a field that gets
            round the guard, `unsupported_parameter` for one that is unknown or not served, `invalid_value` for a value that the
            server uses itself and cannot read.
    """
    for name, value in body.items():
        field = table.get(name)
        if field is None:
            raise BadRequest(_unknown(name), param=name[:64], code=UNSUPPORTED)
        if field.allowed is not None and not field.allowed(value):
            raise BadRequest(f"`{name}` {field.reason}.", param=name, code=field.code)


def forwarded(body: Mapping[str, Any], table: Mapping[str, Field]) -> dict[str, Any]:
    """Return a shallow copy of a checked body for the engine, without the fields that are replaced or dropped."""
    return {name: value for name, value in body.items() if table[name].handling in ("screened", "passed", "refused")}


def _unknown(name: str) -> str:
    shown = name if name.isascii() and name.isprintable() and len(name) <= 64 else "(a name that is not shown)"
    if name.startswith("guided_"):  # vLLM 0.12 removed these and ignores them, so the answer would not be constrained
        return f"Unknown parameter `{shown}`: use `structured_outputs` or `response_format`."
    return f"Unknown parameter `{shown}`: leave it out."
