"""A simulated Cohere: `/v2/chat`."""

from __future__ import annotations

import hashlib
import json
import ssl
import uuid
from typing import Any

from . import behaviour as how
from .behaviour import Behaviour
from .brain import Answer, Ask, think, tokens
from .cohere_rules import Refused, check
from .gate import foreign_header, gzipped
from .plan import Plan
from .server import Recorded, Simulator

ERRORS = {
    400: "invalid request",
    401: "invalid api token",
    403: "this api key may not use this endpoint",
    404: "model not found, make sure the correct model ID was used and that you have access to the model.",
    429: "You are using a Trial key, which is limited to 40 API calls / minute.",
    500: "internal server error, this has been reported to our developers.",
    503: "service unavailable",
}
TEMPLATE = 200
"""words that Cohere's own prompt adds: counted, not billed"""


class CohereSim(Simulator):
    """`key` is the only one it takes."""

    name = "cohere"

    def __init__(self, key: str = "co-simulated", *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.key = key
        super().__init__(tls=tls, port=port)

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return self.origin

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
            message = ERRORS.get(behaviour.status, "error")
            return self._error(behaviour, Refused(message, behaviour.status))
        answer = think(ask_of(body), behaviour.text, behaviour.overrides)
        request.answer = answer
        kind = "text/event-stream" if body.get("stream") else "application/json"
        if behaviour.body is not None:
            headers = self._headers(behaviour, kind)
            return how.unary(behaviour, behaviour.status or 200, headers, behaviour.body)
        request.usage = {
            "input": answer.input + TEMPLATE,
            "output": answer.output,
            "cache_read": TEMPLATE,
            "reasoning": answer.reasoning,
            "billed_input": answer.input,
        }
        if body.get("stream"):
            return self._stream(behaviour, body, answer)
        payload = json.dumps(self._whole(body, answer), ensure_ascii=False).encode()
        keep = behaviour.overrides.get("keep")
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, self._headers(behaviour, kind), payload))

    def _checked(self, request: Recorded) -> Any:
        if request.path != "/v2/chat":
            raise Refused("404 page not found", 404)
        if request.method != "POST":
            raise Refused("method not allowed", 405)
        foreign = foreign_header(request, own={"authorization"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        if request.header("authorization") is None:
            raise Refused("no api key supplied", 401)
        if request.header("authorization") != f"Bearer {self.key}":
            raise Refused(
                "Incorrect API key provided: ***. You can find your API key at https://dashboard.cohere.com/api-keys.",
                401,
            )
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("invalid request: could not parse the body") from None
        model = body.get("model") if isinstance(body, dict) else None
        if not isinstance(model, str):
            raise Refused("invalid request: model is required")
        check(body, thinks="reasoning" in model)
        if model.startswith("missing"):
            raise Refused(f"model '{model}' not found, make sure the correct model ID was used.", 404)
        return body

    def _id(self, body: Any) -> str:
        return str(uuid.UUID(hashlib.md5(json.dumps(body, sort_keys=True).encode()).hexdigest()))

    def _headers(self, behaviour: Behaviour, content_type: str) -> list[tuple[str, str]]:
        headers = {
            "content-type": behaviour.content_type or content_type,
            "x-endpoint-monthly-call-limit": "1000",
            "x-debug-trace-id": "0" * 32,
        }
        return list((headers | behaviour.headers).items())

    def _error(self, behaviour: Behaviour, refused: Refused) -> Plan:
        body = json.dumps({"id": self._id(refused.message), "message": refused.message}).encode()
        return how.unary(behaviour, refused.status, self._headers(behaviour, "application/json"), body)

    def _calls(self, answer: Answer) -> list[dict[str, Any]]:
        found = []
        for number, (name, arguments) in enumerate(answer.calls):
            seed = hashlib.md5(f"{number}{name}".encode()).hexdigest()[:12]
            function = {"name": name, "arguments": arguments}
            found.append({"id": f"{name}_{seed}", "type": "function", "function": function})
        return found

    def _finish(self, answer: Answer) -> str:
        names = {"tools": "TOOL_CALL", "length": "MAX_TOKENS", "stop_sequence": "STOP_SEQUENCE"}
        return names.get(answer.finish, "COMPLETE")

    def _usage(self, answer: Answer) -> dict[str, Any]:
        counts = {"input_tokens": answer.input + TEMPLATE, "output_tokens": answer.output}
        if answer.reasoning:
            counts["reasoning_tokens"] = answer.reasoning
        billed = {"input_tokens": answer.input, "output_tokens": answer.output}
        return {"billed_units": billed, "tokens": counts, "cached_tokens": TEMPLATE}

    def _whole(self, body: Any, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant"}
        content = [{"type": "thinking", "thinking": answer.thought}] if answer.thought else []
        if answer.calls:
            message["tool_plan"] = answer.text or "I will use the tools."
            message["tool_calls"] = self._calls(answer)
        else:
            content.append({"type": "text", "text": answer.text})
        if content:
            message["content"] = content
        return {
            "id": self._id(body),
            "message": message,
            "finish_reason": self._finish(answer),
            "usage": self._usage(answer),
        }

    def _stream(self, behaviour: Behaviour, body: Any, answer: Answer) -> Plan:
        events: list[tuple[bytes, bool]] = []

        def add(kind: str, content: bool = False, **fields: Any) -> None:
            data = json.dumps({"type": kind, **fields}, separators=(",", ":"), ensure_ascii=False)
            events.append((f"event: {kind}\ndata: {data}\n\n".encode(), content))

        def said(**message: Any) -> dict[str, Any]:
            return {"message": message}

        empty = said(role="assistant", content=[], tool_plan="", tool_calls=[], citations=[])
        add("message-start", id=self._id(body), delta=empty)
        blocks = [("thinking", answer.thought)] if answer.thought else []
        blocks += [("text", answer.text)] if not answer.calls else []
        for index, (kind, text) in enumerate(blocks):
            add("content-start", index=index, delta=said(content={"type": kind, kind: ""}))
            for piece in tokens(text):
                add("content-delta", True, index=index, delta=said(content={kind: piece}))
            add("content-end", index=index)
        if answer.calls:
            for piece in tokens(answer.text or "I will use the tools."):
                add("tool-plan-delta", True, delta=said(tool_plan=piece))
        for index, call in enumerate(self._calls(answer)):
            opened = call | {"function": {"name": call["function"]["name"], "arguments": ""}}
            add("tool-call-start", True, index=index, delta=said(tool_calls=opened))
            arguments = call["function"]["arguments"]
            for start in range(0, len(arguments), 5):
                more = {"function": {"arguments": arguments[start : start + 5]}}
                add("tool-call-delta", True, index=index, delta=said(tool_calls=more))
            add("tool-call-end", index=index)
        add("message-end", delta={"finish_reason": self._finish(answer), "usage": self._usage(answer)})
        events.append((b"data: [DONE]\n\n", False))
        failed = {"finish_reason": "ERROR", "usage": {}, "error": "the generation failed", "error_type": "INTERNAL"}
        error = json.dumps({"type": "message-end", "delta": failed}).encode()
        return how.streamed(
            behaviour,
            self._headers(behaviour, "text/event-stream"),
            events,
            b"event: message-end\ndata: " + error + b"\n\n",
        )


def ask_of(body: Any) -> Ask:
    """The request, without its dialect."""
    last, results, words, images = "", [], 0, 0
    for message in body["messages"]:
        text, pictures = _flat(message.get("content"))
        words += len(text.split()) + 50 * pictures
        if message["role"] == "user":
            last, results, images = text, [], pictures
        elif message["role"] == "tool":
            results.append(text)
    if images:
        last += f" [{images} attached]"
    form = body.get("response_format") or {}
    return Ask(
        text=last,
        words=words,
        results=results,
        tools={tool["function"]["name"]: tool["function"].get("parameters") for tool in body.get("tools") or []},
        forced="*" if body.get("tool_choice") == "REQUIRED" else None,
        may_call=body.get("tool_choice") != "NONE",
        schema=form.get("json_schema"),
        json_object=form.get("type") == "json_object",
        thinking=(body.get("thinking") or {}).get("type") == "enabled",
        limit=body.get("max_tokens"),
        stops=body.get("stop_sequences") or [],
    )


def _flat(content: Any) -> tuple[str, int]:
    if isinstance(content, str):
        return content, 0
    text = [
        block["text"] if block["type"] == "text" else json.dumps(block["document"])
        for block in content or []
        if block["type"] in ("text", "document")
    ]
    return "\n".join(text), sum(block["type"] == "image_url" for block in content or [])
