"""Which request parameters vLLM would honour behind the guard's back, and what is done about each.

One table, `FIELDS`, has every field of vLLM 0.32's two request models (vllm/entrypoints/openai/chat_completion/protocol.py and
completion/protocol.py; a test compares the names) and the fields of OpenAI's API that vLLM does not have:

    screened   text the model reads: checked by `server.openai.texts` and the classifiers, then passed on
    passed     cannot get round the guard: bans hold whatever it says
    refused    gets round the guard, or would tell what it hides: 400, unless it has the harmless value ``allowed`` accepts
    replaced   set by the server; what a client sends is dropped without an error. That is vllm_xargs, by which the server names
               the restrictions, and request_id, by which it aborts a request
    dropped    a field of OpenAI's API without meaning here: checked by ``allowed``, then left out

It is an allow-list: what is not in the table is refused. vLLM's models accept and ignore unknown fields (``extra="allow"``), so
a field new in some later version, honoured there and unknown here, must not pass. Values are compared strictly: vLLM would read
``"true"``, ``"on"`` and ``1`` as true, so only JSON's own ``false`` counts as off.

Field values that are merely malformed are left to vLLM, whose messages are good; except where this server acts on them itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from server.errors import BadRequest

Route = Literal["chat", "completion"]
Handling = Literal["screened", "passed", "refused", "replaced", "dropped"]
Predicate = Callable[[Any], bool]

MAX_LOGPROBS: Final = 20
"""OpenAI's limit, and vLLM's default. Above it, or at -1 (all of the vocabulary), the answer is a dump of the distribution."""

GUARD_CONFLICT: Final = "guard_conflict"
UNSUPPORTED: Final = "unsupported_parameter"


@dataclass(frozen=True, slots=True)
class Field:
    """What is done with one request field, and why. ``allowed`` is the test a value must pass; None: any value does."""

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
    # These only choose between the template's own two ways to open the answer. Anything else could be read by the template as
    # messages, tools or documents that were never screened.
    names = {"enable_thinking", "thinking"}
    return value is None or (isinstance(value, dict) and all(k in names and isinstance(v, bool) for k, v in value.items()))


def _only(*values: object) -> Predicate:
    return lambda value: value is None or any(type(value) is type(each) and value == each for each in values)


_CHAT: Final[tuple[Route, ...]] = ("chat",)
_COMPLETION: Final[tuple[Route, ...]] = ("completion",)


def _fields(handling: Handling, reason: str, *names: str, routes: tuple[Route, ...] = ("chat", "completion")) -> list[Field]:
    return [Field(name, handling, reason, routes) for name in names]


FIELDS: Final[tuple[Field, ...]] = (
    # --- read by the model
    *_fields("screened", "read by the model", "messages", "tools", "tool_choice", "documents", routes=_CHAT),
    *_fields("screened", "read by the model", "prompt", "suffix", routes=_COMPLETION),
    *_fields("screened", "some templates show it to the model; bans hold under it", "response_format", "structured_outputs"),
    # --- refused: text or tokens that are not screened
    Field("prompt_embeds", "refused", "is not supported: embeddings cannot be screened", _COMPLETION, _empty),
    Field("chat_template", "refused", "is not supported: the model would read other text than was screened", _CHAT, _absent),
    Field(
        "chat_template_kwargs",
        "refused",
        "supports only the booleans enable_thinking and thinking: the template could read text that was not screened",
        _CHAT,
        _thinking_switches,
    ),
    Field("truncate_prompt_tokens", "refused", "is not supported: it changes the prompt after screening", allowed=_absent),
    Field("truncation_side", "refused", "is not supported: it changes the prompt after screening", allowed=_absent),
    Field("mm_processor_kwargs", "refused", "is not supported: only text can be screened", _CHAT, _empty),
    Field("media_io_kwargs", "refused", "is not supported: only text can be screened", _CHAT, _empty),
    # vLLM takes kv_transfer_params["prompt_token_ids"] for the prompt, in place of the messages; either names foreign caches.
    Field("kv_transfer_params", "refused", "is not supported: it can replace the prompt after screening", allowed=_empty),
    Field("ec_transfer_params", "refused", "is not supported: it can replace the prompt after screening", allowed=_empty),
    # --- refused: the guard does not act, or is told on
    Field("use_beam_search", "refused", "is not supported: vLLM runs beam search without logits processors", allowed=_off),
    Field("prompt_logprobs", "refused", "is not supported: they score a given text without the guard", allowed=_absent),
    # On the chat route vLLM turns echo into prompt_logprobs=top_logprobs, that is 0: the prompt's own scores, unasked.
    Field("echo", "refused", "is not supported here: vLLM answers it with log probabilities of the prompt", _CHAT, _off),
    Field("echo", "passed", "returns the client's own text; see CONFLICTS", _COMPLETION, _boolean, "invalid_value"),
    Field("logprob_token_ids", "refused", "is not supported: it asks for the scores of chosen tokens", allowed=_empty),
    Field("logprobs", "passed", "must be true or false", _CHAT, _boolean, "invalid_value"),
    Field("top_logprobs", "passed", f"must be an integer from 0 to {MAX_LOGPROBS}", _CHAT, _capped, "invalid_value"),
    Field("logprobs", "passed", f"must be an integer from 0 to {MAX_LOGPROBS}", _COMPLETION, _capped, "invalid_value"),
    # Token ids and special tokens in the text carry words past the check of the finished text.
    Field("return_token_ids", "refused", "is not supported: token ids cannot be redacted", allowed=_off),
    Field("return_tokens_as_token_ids", "refused", "is not supported: token ids cannot be redacted", allowed=_off),
    Field("skip_special_tokens", "refused", "must be true: special tokens would split the text that is checked", allowed=_on),
    Field("return_prompt_text", "refused", "is not supported: that part of the answer is not checked", _CHAT, _off),
    Field("routed_experts_prompt_start", "refused", "is not supported: that part of the answer is not checked", allowed=_zero),
    # --- refused: of vLLM's render routes, which are closed
    Field("return_token_offsets", "refused", "is for routes that are not served", allowed=_off, code=UNSUPPORTED),
    Field("mm_payload", "refused", "is for routes that are not served", allowed=_absent, code=UNSUPPORTED),
    Field("return_mm_kwargs", "refused", "is for routes that are not served", allowed=_absent, code=UNSUPPORTED),
    # --- set by the server
    Field("vllm_xargs", "replaced", "names the restrictions of the request"),
    Field("request_id", "replaced", "the server aborts by it; a client's could be another's"),
    # --- passed, but the server acts on them itself and must read them as vLLM does
    Field("stream", "passed", "must be true or false", allowed=_boolean, code="invalid_value"),
    Field("continue_final_message", "passed", "must be true or false", _CHAT, _boolean, "invalid_value"),
    Field("add_generation_prompt", "passed", "must be true or false", _CHAT, _boolean, "invalid_value"),
    # --- passed: they move logits or end the answer; a ban is -inf after all of them
    *_fields("passed", "sampling", "temperature", "top_p", "top_k", "min_p", "seed", "n", "length_penalty", "watermarking"),
    *_fields("passed", "sampling", "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "bad_words"),
    *_fields("passed", "a row it leaves empty together with a ban ends in content_filter", "allowed_token_ids"),
    *_fields("passed", "length", "max_tokens", "min_tokens", "ignore_eos", "repetition_detection", "thinking_token_budget"),
    *_fields("passed", "length", "max_completion_tokens", routes=_CHAT),
    *_fields("passed", "ends the answer sooner; the server adds to it", "stop", "stop_token_ids", "include_stop_str_in_output"),
    *_fields("passed", "slow tokenizers only; the check folds white space", "spaces_between_special_tokens"),
    # It adds what the tokenizer puts round every text (BOS, EOS), no words; evaluation clients send it.
    *_fields("passed", "special tokens only: the text read is the same", "add_special_tokens"),
    *_fields("passed", "a word the template knows, or a switch", "reasoning_effort", "include_reasoning", routes=_CHAT),
    *_fields("passed", "how tool calls are parsed; every call is checked", "parallel_tool_calls", routes=_CHAT),
    # --- passed: transport and accounting
    *_fields("passed", "form of the answer", "stream_options", "stream_interval"),
    *_fields("passed", "which model or adapter; all run under the same guard", "model"),
    # vLLM refuses a priority other than 0 unless the operator chose priority scheduling.
    *_fields("passed", "scheduling and caching: no effect on the text", "priority", "cache_salt", "session_id", "user"),
    # --- OpenAI's, not vLLM's
    *_fields("dropped", "the caller's bookkeeping", "metadata", "service_tier", "safety_identifier"),
    *_fields("dropped", "a hint to a cache", "prompt_cache_key", "prompt_cache_retention"),
    Field("prediction", "dropped", "a hint that only saves time", _CHAT),
    Field("store", "dropped", "must be false: nothing is stored", allowed=_off, code=UNSUPPORTED),
    Field("modalities", "dropped", 'must be ["text"]', _CHAT, _only(["text"]), UNSUPPORTED),
    Field("verbosity", "dropped", 'must be "medium"', _CHAT, _only("medium"), UNSUPPORTED),
    Field("audio", "dropped", "is not supported", _CHAT, _absent, UNSUPPORTED),
    Field("web_search_options", "dropped", "is not supported", _CHAT, _absent, UNSUPPORTED),
    Field("functions", "dropped", "is not supported: use tools", _CHAT, _empty, UNSUPPORTED),
    Field("function_call", "dropped", "is not supported: use tool_choice", _CHAT, _absent, UNSUPPORTED),
    Field("best_of", "dropped", "must be 1", _COMPLETION, _only(1), UNSUPPORTED),
)

BY_ROUTE: Final[Mapping[Route, Mapping[str, Field]]] = {
    route: {field.name: field for field in FIELDS if route in field.routes} for route in ("chat", "completion")
}


def check(body: Mapping[str, Any], table: Mapping[str, Field]) -> None:
    """Check each field of a request body against a dialect's `table`.

    Raises:
        BadRequest: with `param` and `code`: `guard_conflict` for what gets round the guard, `unsupported_parameter` for what is
            unknown or not served, `invalid_value` for a value that the server has to understand itself.
    """
    for name, value in body.items():
        field = table.get(name)
        if field is None:
            raise BadRequest(_unknown(name), param=name[:64], code=UNSUPPORTED)
        if field.allowed is not None and not field.allowed(value):
            raise BadRequest(f"`{name}` {field.reason}.", param=name, code=field.code)


def forwarded(body: Mapping[str, Any], table: Mapping[str, Field]) -> dict[str, Any]:
    """Return what of a checked body the engine gets: a shallow copy without the fields that are replaced or dropped."""
    return {name: value for name, value in body.items() if table[name].handling in ("screened", "passed", "refused")}


def _unknown(name: str) -> str:
    shown = name if name.isascii() and name.isprintable() and len(name) <= 64 else "(a name that is not shown)"
    if name.startswith("guided_"):  # vLLM 0.12 removed these and ignores them: the answer would silently not be constrained
        return f"Unknown parameter `{shown}`: use `structured_outputs` or `response_format`."
    return f"Unknown parameter `{shown}`."
