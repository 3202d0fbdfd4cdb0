"""A simulated Ollama: `/api/chat` and `/api/generate`, in lines of JSON unless a request says `stream: false`."""

from __future__ import annotations

import hashlib
import json
import ssl
from typing import Any

from . import behaviour as how
from .behaviour import Behaviour
from .brain import Answer, Ask, think, tokens
from .gate import foreign_header, gzipped
from .ollama_rules import Refused, check
from .plan import Plan
from .server import Recorded, Simulator

ERRORS = {
    400: "invalid request",
    401: "unauthorized",
    404: "model not found, try pulling it first",
    429: "too many requests",
    500: "llama runner process has terminated: exit status 2",
    503: "server busy, please try again.  maximum pending requests exceeded",
}


class OllamaSim(Simulator):
    """Takes any key, as a server on the same machine does, unless `key` is given. `ids`: newer servers give calls ids."""

    name = "ollama"

    def __init__(
        self, key: str | None = None, *, ids: bool = False, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.key = key
        self.ids = ids
        super().__init__(tls=tls, port=port)

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return self.origin

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        generate = request.path == "/api/generate"
        try:
            body = self._checked(request, generate)
        except Refused as refused:
            request.refused = refused.message
            return self._error(behaviour, refused)
        if behaviour.status is not None and behaviour.body is None:
            message = ERRORS.get(behaviour.status, "error")
            return self._error(behaviour, Refused(message, behaviour.status))
        if behaviour.body is None and not (body.get("prompt") if generate else body.get("messages")):
            # One object, whether a stream was asked for or not.
            said = {"response": ""} if generate else {"message": {"role": "assistant", "content": ""}}
            done = {"done": True, "done_reason": "unload" if body.get("keep_alive") == 0 else "load"}
            loaded = json.dumps(self._head(body, 999) | said | done).encode()
            return how.unary(behaviour, 200, self._headers(behaviour, "application/json; charset=utf-8"), loaded)
        ask = generate_ask(body) if generate else ask_of(body)
        answer = think(ask, behaviour.text, behaviour.overrides)
        request.answer = answer
        streams = body.get("stream", True)
        kind = "application/x-ndjson" if streams else "application/json; charset=utf-8"
        if behaviour.body is not None:
            headers = self._headers(behaviour, kind)
            return how.unary(behaviour, behaviour.status or 200, headers, behaviour.body)
        request.usage = {"input": answer.input, "output": answer.output, "cache_read": 0, "reasoning": 0}
        if streams:
            return self._stream(behaviour, body, answer, generate)
        payload = json.dumps(self._last(body, answer, generate, whole=True), ensure_ascii=False).encode()
        keep = behaviour.overrides.get("keep")
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, self._headers(behaviour, kind), payload))

    def _checked(self, request: Recorded, generate: bool) -> Any:
        if request.path != "/api/chat" and not generate:
            raise Refused("404 page not found", 404)
        if request.method != "POST":
            raise Refused("405 method not allowed", 405)
        foreign = foreign_header(request, own={"authorization"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        if self.key is not None and request.header("authorization") != f"Bearer {self.key}":
            raise Refused("unauthorized", 401)
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("invalid character at the beginning of value") from None
        check(body, generate=generate)
        if body["model"].startswith("missing"):
            raise Refused(f"model '{body['model']}' not found", 404)
        return body

    def _headers(self, behaviour: Behaviour, content_type: str) -> list[tuple[str, str]]:
        headers = {"content-type": behaviour.content_type or content_type}
        return list((headers | behaviour.headers).items())

    def _error(self, behaviour: Behaviour, refused: Refused) -> Plan:
        body = json.dumps({"error": refused.message}).encode()
        headers = self._headers(behaviour, "application/json; charset=utf-8")
        return how.unary(behaviour, refused.status, headers, body)

    def _head(self, body: Any, number: int) -> dict[str, Any]:
        seed = int(hashlib.md5(json.dumps(body, sort_keys=True).encode()).hexdigest()[:6], 16)
        return {"model": body["model"], "created_at": f"2026-01-02T03:04:05.{seed + number:09d}Z"}

    def _calls(self, answer: Answer) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number, (name, arguments) in enumerate(answer.calls):
            call: dict[str, Any] = {"function": {"name": name, "arguments": json.loads(arguments)}}
            if self.ids:
                call = {"id": f"call_{hashlib.md5(f'{number}{name}'.encode()).hexdigest()[:8]}"} | call
                call["function"] = {"index": number} | call["function"]
            found.append(call)
        return found

    def _last(self, body: Any, answer: Answer, generate: bool, *, whole: bool) -> dict[str, Any]:
        text = answer.text if whole else ""
        thought = {"thinking": answer.thought} if whole and answer.thought else {}
        message: dict[str, Any] = {"role": "assistant", "content": text} | thought
        if whole and answer.calls:
            message["tool_calls"] = self._calls(answer)
        said = {"response": text} | thought if generate else {"message": message}
        return (
            self._head(body, 999)
            | said
            | {
                "done": True,
                "done_reason": "length" if answer.finish == "length" else "stop",
                "total_duration": 5191566416,
                "load_duration": 2154458,
                "prompt_eval_count": answer.input,
                "prompt_eval_duration": 383809000,
                "eval_count": answer.output,
                "eval_duration": 4799921000,
            }
        )

    def _stream(self, behaviour: Behaviour, body: Any, answer: Answer, generate: bool) -> Plan:
        def line(value: Any) -> bytes:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

        def said(number: int, text: str, **more: Any) -> bytes:
            words = {"response": text, **more} if generate else {"message": {"role": "assistant", "content": text, **more}}
            return line(self._head(body, number) | words | {"done": False})

        events: list[tuple[bytes, bool]] = []
        for piece in tokens(answer.thought or ""):
            events.append((said(len(events), "", thinking=piece), True))
        for piece in tokens(answer.text):
            events.append((said(len(events), piece), True))
        if answer.calls:
            events.append((said(len(events), "", tool_calls=self._calls(answer)), True))
        events.append((line(self._last(body, answer, generate, whole=False)), False))
        error = line({"error": "an error was encountered while running the model: unexpected EOF"})
        return how.streamed(behaviour, self._headers(behaviour, "application/x-ndjson"), events, error)


def ask_of(body: Any) -> Ask:
    """The request, without its dialect."""
    last, results, words, images = "", [], 0, 0
    for message in body["messages"]:
        text, pictures = message.get("content") or "", len(message.get("images") or [])
        words += len(text.split()) + 50 * pictures
        for call in message.get("tool_calls") or []:
            words += len(json.dumps(call["function"]["arguments"]).split()) + 1
        if message["role"] == "user":
            last, results, images = text, [], pictures
        elif message["role"] == "tool":
            results.append(text)
    return _ask(body, last + (f" [{images} attached]" if images else ""), words, results)


def generate_ask(body: Any) -> Ask:
    """The same of a single prompt."""
    words = len((body.get("system") or "").split()) + len((body.get("prompt") or "").split())
    return _ask(body, body.get("prompt") or "", words, [])


def _ask(body: Any, text: str, words: int, results: list[str]) -> Ask:
    options, form = body.get("options") or {}, body.get("format")
    limit = options.get("num_predict")
    return Ask(
        text=text,
        words=words,
        results=results,
        tools={tool["function"]["name"]: tool["function"].get("parameters") for tool in body.get("tools") or []},
        schema=form if isinstance(form, dict) else None,
        json_object=form == "json",
        thinking=bool(body.get("think")),
        limit=int(limit) if limit and limit > 0 else None,
        stops=options.get("stop") or [],
    )
