"""A simulated OpenAI: `/v1/chat/completions`, and the Azure form of it under `/openai/deployments/…`."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from typing import Any
from urllib.parse import parse_qs

from . import behaviour as how
from .behaviour import Behaviour
from .brain import REFUSAL, Answer, Ask, think, tokens
from .gate import foreign_header, gzipped
from .makers_rules import MAKERS, Forbidden, thinks
from .openai_rules import REASONING, Refused, check
from .plan import Plan
from .server import Recorded, Simulator

ERRORS = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    408: ("server_error", None, "Request timed out."),
    409: ("invalid_request_error", None, "The resource is being changed by another request."),
    413: ("invalid_request_error", None, "Request too large."),
    422: ("invalid_request_error", None, "Unprocessable request."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests per min."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    502: ("server_error", None, "Bad gateway."),
    503: ("service_unavailable_error", None, "The engine is currently overloaded, please try again later."),
    529: ("server_error", None, "Overloaded."),
}


class OpenAISim(Simulator):
    """`key` is the only one it takes. `compatible=True` is a lenient peer: LiteLLM, Ollama, llama.cpp and their like
    take any model name and no key; with a key they want that key. `maker` (one of `MAKERS`) is another maker of models:
    lenient where that one is, and with its own refusals."""

    name = "openai"

    def __init__(
        self,
        key: str | None = "sk-openai-simulated",
        *,
        compatible: bool = False,
        maker: str | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.key = key
        self.compatible = compatible or maker is not None
        self.maker = maker
        super().__init__(tls=tls, port=port)

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return f"{self.origin}/v1"

    # -- the request ------------------------------------------------------------------------------------------

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        try:
            body = self._checked(request)
        except Refused as refused:
            request.refused = refused.message
            return self._error(behaviour, refused)
        if behaviour.status is not None and behaviour.body is None:
            kind, code, message = ERRORS.get(behaviour.status, ("server_error", None, "Error."))
            return self._error(behaviour, Refused(message, None, code, behaviour.status, kind))
        ask = ask_of(body)
        ask.thinking = ask.thinking or thinks(self.maker, body)
        answer = think(ask, behaviour.text, behaviour.overrides)
        request.answer = answer
        if behaviour.body is not None:
            return self._raw(behaviour, request)
        if request.path == "/tokenize":
            # vLLM's: the ids of the tokens as well.
            counted = {"count": answer.input, "max_model_len": 32768, "tokens": list(range(answer.input))}
            payload = json.dumps(counted | {"token_strs": None}).encode()
            return how.unary(behaviour, 200, *gzipped(request, [*self._headers(behaviour, "application/json")], payload))
        request.usage = {
            "input": answer.input,
            "output": answer.output,
            "cache_read": answer.cached,
            "reasoning": answer.reasoning,
        }
        if body.get("stream"):
            return self._stream(behaviour, body, answer)
        payload = json.dumps(self._whole(body, answer), ensure_ascii=False, indent=2).encode() + b"\n"
        keep = behaviour.overrides.get("keep")
        headers = [*self._headers(behaviour, "application/json")]
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, headers, payload))

    def _checked(self, request: Recorded) -> Any:
        deployment = re.fullmatch(r"/openai/deployments/([^/]+)/chat/completions", request.path)
        tokenizes = self.compatible and request.path == "/tokenize"
        if request.path != "/v1/chat/completions" and not deployment and not tokenizes:
            raise Refused(f"Invalid URL ({request.method} {request.path})", status=404)
        if request.method != "POST":
            raise Refused(
                f"Not allowed to {request.method} on {request.path}. (HINT: Perhaps you meant to use a different HTTP method?)",
                "method",
                status=405,
            )
        foreign = foreign_header(request, own={"api-key"} if deployment else {"authorization"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        if deployment:
            if not parse_qs(request.query).get("api-version"):
                raise Refused("Resource not found", status=404, code="404")
            if request.header("api-key") != self.key:
                raise Refused(
                    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.",
                    status=401,
                    code="401",
                )
        else:
            self._authorised(request)
        if (request.header("content-type") or "").split(";")[0].strip() != "application/json":
            raise Refused("Unsupported content type: this API accepts application/json requests.", status=415)
        if request.header("content-encoding"):
            raise Refused("Unsupported content-encoding.", status=415)
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused(
                "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)"
            ) from None
        if isinstance(body, dict) and deployment and "model" not in body:
            body["model"] = deployment[1]
        model = body.get("model") if isinstance(body, dict) else None
        if not self.compatible:
            if isinstance(model, str) and (re.search(r"claude|/", model) or model.startswith("missing")):
                raise Refused(
                    f"The model `{model}` does not exist or you do not have access to it.", None, "model_not_found", 404
                )
            check(body, reasoning=bool(isinstance(model, str) and REASONING.match(model)))
        else:
            known = {k: v for k, v in body.items() if k not in ("reasoning_effort", "metadata")}
            check(known, reasoning=False, lenient=True)
            if self.maker is not None:
                MAKERS[self.maker](body)
        return body

    def _authorised(self, request: Recorded) -> None:
        sent = request.header("authorization")
        if self.key is None:
            return
        if sent is None:
            raise Refused(
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
                status=401,
            )
        if sent != f"Bearer {self.key}":
            given = sent.removeprefix("Bearer ")
            masked = f"{given[:5]}{'*' * 8}{given[-2:]}"
            raise Refused(
                f"Incorrect API key provided: {masked}. You can find your API key at https://platform.openai.com/account/api-keys.",
                None,
                "invalid_api_key",
                401,
            )

    # -- the answers ------------------------------------------------------------------------------------------

    def _headers(self, behaviour: Behaviour, content_type: str) -> list[tuple[str, str]]:
        headers = {
            "content-type": behaviour.content_type or content_type,
            "openai-version": "2020-10-01",
            "openai-processing-ms": "12",
            "openai-organization": "simulated-org",
            "x-request-id": "req_" + hashlib.md5(str(len(self.requests)).encode()).hexdigest(),
            "x-ratelimit-remaining-requests": "9999",
            "server": "cloudflare",
            "set-cookie": "__cf_bm=simulated; path=/; HttpOnly",
        }
        return list((headers | behaviour.headers).items())

    def _error(self, behaviour: Behaviour, refused: Refused) -> Plan:
        error = {"message": refused.message, "type": refused.kind, "param": refused.param, "code": refused.code}
        shown: dict[str, Any] = {"error": error}
        if self.maker == "mistral":
            message = {"detail": refused.detail} if isinstance(refused, Forbidden) else refused.message
            shown = {"object": "error", **error, "message": message}
        body = json.dumps(shown, indent=4).encode() + b"\n"
        return how.unary(behaviour, refused.status, self._headers(behaviour, "application/json"), body)

    def _raw(self, behaviour: Behaviour, request: Recorded) -> Plan:
        streams = b'"stream":true' in request.body.replace(b" ", b"")
        kind = "text/event-stream; charset=utf-8" if streams else "application/json"
        assert behaviour.body is not None
        return how.unary(behaviour, behaviour.status or 200, self._headers(behaviour, kind), behaviour.body)

    def _identity(self, body: Any) -> dict[str, Any]:
        seed = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        return {"id": f"chatcmpl-{seed[:24]}", "created": 1_760_000_000, "model": body["model"] + "-2024-08-06"}

    def _usage(self, answer: Answer) -> dict[str, Any]:
        return {
            "prompt_tokens": answer.input,
            "completion_tokens": answer.output,
            "total_tokens": answer.input + answer.output,
            "prompt_tokens_details": {"cached_tokens": answer.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": answer.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def _finish(self, answer: Answer) -> str:
        names = {"tools": "tool_calls", "stop_sequence": "stop", "refusal": "stop"}
        return names.get(answer.finish, answer.finish)

    def _calls(self, answer: Answer) -> list[dict[str, Any]]:
        found = []
        for number, (name, arguments) in enumerate(answer.calls):
            seed = hashlib.md5(f"{number}{name}{arguments}".encode()).hexdigest()
            ident = seed[:9] if self.maker == "mistral" else f"call_{seed[:24]}"
            found.append({"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}})
        return found

    def _message(self, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if self.maker and answer.thought:
            message["reasoning_content"] = answer.thought
        if answer.refusal:
            message["content"] = None
        if answer.calls:
            message["tool_calls"] = self._calls(answer)
        elif message["content"] is None and not answer.refusal:
            message["content"] = ""
        message["refusal"] = REFUSAL if answer.refusal else None
        message["annotations"] = []
        return message

    def _whole(self, body: Any, answer: Answer) -> dict[str, Any]:
        who = self._identity(body)
        choices = []
        for index in range(body.get("n") or 1):
            choice: dict[str, Any] = {"index": index, "message": self._message(answer), "logprobs": None}
            if body.get("logprobs"):
                choice["logprobs"] = {"content": _logprobs(answer.text, body.get("top_logprobs") or 0), "refusal": None}
            choice["finish_reason"] = self._finish(answer)
            choices.append(choice)
        return {
            "id": who["id"],
            "object": "chat.completion",
            "created": who["created"],
            "model": who["model"],
            "choices": choices,
            "usage": self._usage(answer),
            "service_tier": "default",
            "system_fingerprint": "fp_simulated0",
        }

    def _stream(self, behaviour: Behaviour, body: Any, answer: Answer) -> Plan:
        who = self._identity(body)
        wants_usage = self.maker == "mistral" or bool((body.get("stream_options") or {}).get("include_usage"))

        def event(choices: list[Any], usage: Any = None) -> bytes:
            chunk: dict[str, Any] = {
                "id": who["id"],
                "object": "chat.completion.chunk",
                "created": who["created"],
                "model": who["model"],
                "service_tier": "default",
                "system_fingerprint": "fp_simulated0",
                "choices": choices,
            }
            if wants_usage:
                chunk["usage"] = usage
            chunk["obfuscation"] = "x" * (len(json.dumps(choices)) % 13)
            return b"data: " + json.dumps(chunk, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"

        def choice(index: int, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None) -> list[Any]:
            return [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]

        events: list[tuple[bytes, bool]] = []
        for index in range(body.get("n") or 1):
            first: dict[str, Any] = {"role": "assistant", "content": None if answer.calls else "", "refusal": None}
            events.append((event(choice(index, first)), False))
            if self.maker and answer.thought:
                for piece in tokens(answer.thought):
                    events.append((event(choice(index, {"reasoning_content": piece})), True))
            for piece in tokens(answer.text):
                logprobs = (
                    {"content": _logprobs(piece, body.get("top_logprobs") or 0), "refusal": None}
                    if body.get("logprobs")
                    else None
                )
                delta = {"refusal": piece} if answer.refusal else {"content": piece}
                events.append((event(choice(index, delta, logprobs=logprobs)), True))
            for number, call in enumerate(self._calls(answer)):
                opened = {
                    "index": number,
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": call["function"]["name"], "arguments": ""},
                }
                events.append((event(choice(index, {"tool_calls": [opened]})), True))
                arguments = call["function"]["arguments"]
                for start in range(0, len(arguments), 7):
                    more = {"index": number, "function": {"arguments": arguments[start : start + 7]}}
                    events.append((event(choice(index, {"tool_calls": [more]})), True))
            events.append((event(choice(index, {}, self._finish(answer))), False))
        if wants_usage:
            events.append((event([], self._usage(answer)), False))
        events.append((b"data: [DONE]\n\n", False))
        error = {
            "error": {
                "message": "The server had an error while processing your request. Sorry about that!",
                "type": "server_error",
                "param": None,
                "code": None,
            }
        }
        return how.streamed(
            behaviour,
            self._headers(behaviour, "text/event-stream; charset=utf-8"),
            events,
            b"data: " + json.dumps(error).encode() + b"\n\n",
        )


def _logprobs(text: str, top: int) -> list[dict[str, Any]]:
    found = []
    for token in tokens(text):
        entry = {"token": token, "logprob": -0.25, "bytes": list(token.encode())}
        found.append(entry | {"top_logprobs": [entry] * top})
    return found


def ask_of(body: Any) -> Ask:
    """The request, without its dialect."""
    last, results, words, images = "", [], 0, 0
    for message in body["messages"]:
        text, pictures = _flat(message.get("content"))
        words += len(text.split()) + 50 * pictures
        for call in message.get("tool_calls") or []:
            words += len(call["function"]["arguments"].split()) + 1
        if message["role"] == "user":
            last, results, images = text, [], pictures
        elif message["role"] == "tool":
            results.append(text)
    if images:
        last += f" [{images} attached]"
    choice = body.get("tool_choice")
    form = body.get("response_format") or {}
    stop = body.get("stop") or []
    return Ask(
        text=last,
        words=words,
        results=results,
        tools={tool["function"]["name"]: tool["function"].get("parameters") for tool in body.get("tools") or []},
        forced=choice["function"]["name"]
        if isinstance(choice, dict)
        else "*"
        if choice in ("required", "any")
        else None,
        may_call=choice != "none",
        parallel=body.get("parallel_tool_calls") is not False,
        schema=form["json_schema"].get("schema") if form.get("type") == "json_schema" else None,
        json_object=form.get("type") == "json_object",
        thinking=body.get("reasoning_effort") not in (None, "none", "minimal"),
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        stops=[stop] if isinstance(stop, str) else stop,
        marked=words if words >= 1024 else 0,
    )


def _flat(content: Any) -> tuple[str, int]:
    if isinstance(content, str):
        return content, 0
    text = [part["text"] for part in content or [] if part["type"] == "text"]
    return "\n".join(text), sum(part["type"] in ("image_url", "file", "input_audio") for part in content or [])
