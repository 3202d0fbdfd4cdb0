"""A simulated Anthropic: `/v1/messages`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from typing import Any

from . import behaviour as how
from .anthropic_rules import Refused, check
from .behaviour import Behaviour
from .brain import Answer, Ask, think, tokens
from .gate import foreign_header, gzipped
from .plan import Plan
from .server import Recorded, Simulator

ERRORS = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found."),
    408: ("timeout_error", "Request timed out."),
    409: ("invalid_request_error", "Conflict."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    422: ("invalid_request_error", "Unprocessable."),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    502: ("api_error", "Bad gateway"),
    503: ("api_error", "Service unavailable"),
    504: ("timeout_error", "Timed out"),
    529: ("overloaded_error", "Overloaded"),
}
SECRET = b"signs simulated thoughts"
FOUND = b"signs what was found"


def signature(thinking: str) -> str:
    """What this simulator signs a thought with; any other signature is refused."""
    return base64.b64encode(hmac.new(SECRET, thinking.encode(), hashlib.sha512).digest() * 2).decode()


def sealed(page: str) -> str:
    """What stands for a page that this simulator's search found; any other is refused."""
    return base64.b64encode(hmac.new(FOUND, page.encode(), hashlib.sha256).digest() + page.encode()).decode()


def unsealed(text: str) -> str | None:
    """The page, where it was found here."""
    try:
        page = base64.b64decode(text, validate=True)[32:].decode()
    except ValueError:
        return None
    return page if hmac.compare_digest(sealed(page), text) else None


class AnthropicSim(Simulator):
    """`key` is the only one it takes, as `x-api-key` or as a bearer token (what newer SDKs send)."""

    name = "anthropic"

    def __init__(
        self,
        key: str = "sk-ant-simulated",
        *,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.key = key
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
            kind, message = ERRORS.get(behaviour.status, ("api_error", "Error."))
            return self._error(behaviour, Refused(message, behaviour.status, kind))
        answer = think(ask_of({"max_tokens": 1, **body}), behaviour.text, behaviour.overrides)
        if request.path.endswith("/count_tokens"):
            payload = json.dumps({"input_tokens": answer.input}, separators=(",", ":")).encode()
            headers = self._headers(behaviour, "application/json")
            return how.unary(behaviour, 200, *gzipped(request, headers, payload))
        request.answer = answer
        if behaviour.body is not None:
            kind = "text/event-stream; charset=utf-8" if body.get("stream") else "application/json"
            return how.unary(behaviour, behaviour.status or 200, self._headers(behaviour, kind), behaviour.body)
        # Audit counts input with its cached parts; this wire counts them apart.
        request.usage = {
            "input": answer.input,
            "output": answer.output,
            "cache_read": answer.cached,
            "cache_write": answer.written,
        }
        if body.get("stream"):
            return self._stream(behaviour, body, answer)
        payload = json.dumps(self._whole(body, answer), ensure_ascii=False, separators=(",", ":")).encode()
        keep = behaviour.overrides.get("keep")
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, self._headers(behaviour, "application/json"), payload))

    def _checked(self, request: Recorded) -> Any:
        if request.path not in ("/v1/messages", "/v1/messages/count_tokens"):
            raise Refused("Not Found", 404, "not_found_error")
        if request.method != "POST":
            raise Refused("Method Not Allowed", 405, "invalid_request_error")
        token = request.header("authorization")
        own = {"x-api-key", "authorization"} if token == f"Bearer {self.key}" else {"x-api-key"}
        foreign = foreign_header(request, own)
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        key = request.header("x-api-key")
        if key is None and token == f"Bearer {self.key}":
            key = self.key
        if key is None:
            raise Refused("x-api-key header is required", 401, "authentication_error")
        if key != self.key:
            raise Refused("invalid x-api-key", 401, "authentication_error")
        version = request.header("anthropic-version")
        if version is None:
            raise Refused("anthropic-version: header is required")
        if version not in ("2026-10-21", "2023-06-01", "2023-01-01"):
            raise Refused(f'anthropic-version: "{version}" is not a valid version')
        if (request.header("content-type") or "").split(";")[0].strip() != "application/json":
            raise Refused("content-type: must be application/json", 415)
        if request.header("content-encoding"):
            raise Refused("content-encoding: not supported", 415)
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise Refused(f"The request body is not valid JSON: {error}") from None
        betas = request.header("anthropic-beta") or ""
        counting = request.path.endswith("/count_tokens")
        check(body, version, betas, lambda t, s: hmac.compare_digest(signature(t), s), unsealed, counting=counting)
        if not self.known(body["model"]):
            raise Refused(f"model: {body['model']}", 404, "not_found_error")
        return body

    def known(self, model: str) -> bool:
        """Whether a model of this name is served."""
        return model.startswith("claude-") and not model.startswith("claude-missing")

    # -- the answers ------------------------------------------------------------------------------------------

    def _request_id(self) -> str:
        return "req_" + hashlib.md5(f"{self.port}{len(self.requests)}".encode()).hexdigest()[:24]

    def _headers(self, behaviour: Behaviour, content_type: str) -> list[tuple[str, str]]:
        headers = {
            "content-type": behaviour.content_type or content_type,
            "request-id": self._request_id(),
            "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
            "anthropic-ratelimit-requests-remaining": "3999",
            "x-envoy-upstream-service-time": "12",
            "server": "cloudflare",
        }
        return list((headers | behaviour.headers).items())

    def _error(self, behaviour: Behaviour, refused: Refused) -> Plan:
        body = {
            "type": "error",
            "error": {"type": refused.kind, "message": refused.message},
            "request_id": self._request_id(),
        }
        headers = self._headers(behaviour, "application/json")
        return how.unary(behaviour, refused.status, headers, json.dumps(body, separators=(",", ":")).encode())

    def _blocks(self, answer: Answer) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        if answer.thought:
            blocks.append({"type": "thinking", "thinking": answer.thought, "signature": signature(answer.thought)})
        if answer.cited:
            blocks.extend(_found(answer))
        elif answer.text:
            blocks.append({"type": "text", "text": answer.text})
        for number, (name, arguments) in enumerate(answer.calls):
            seed = hashlib.md5(f"{number}{name}{arguments}".encode()).hexdigest()[:24]
            blocks.append({"type": "tool_use", "id": f"toolu_{seed}", "name": name, "input": json.loads(arguments)})
        return blocks

    def _reason(self, answer: Answer) -> str:
        names = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}
        return names.get(answer.finish, answer.finish)

    def _usage(self, answer: Answer) -> dict[str, Any]:
        return {
            "input_tokens": max(answer.input - answer.cached - answer.written, 0),
            "cache_creation_input_tokens": answer.written,
            "cache_read_input_tokens": answer.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": answer.written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": answer.output,
            "service_tier": "standard",
            "inference_geo": "not_available",
        }

    def _whole(self, body: Any, answer: Answer) -> dict[str, Any]:
        seed = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]
        return {
            "model": body["model"] if body["model"][-8:].isdigit() else body["model"] + "-20250929",
            "id": f"msg_{seed}",
            "type": "message",
            "role": "assistant",
            "content": self._blocks(answer),
            "stop_reason": self._reason(answer),
            "stop_sequence": answer.stop,
            "stop_details": None,
            "usage": self._usage(answer),
        }

    def _stream(self, behaviour: Behaviour, body: Any, answer: Answer) -> Plan:
        headers = self._headers(behaviour, "text/event-stream; charset=utf-8")
        events, error = self._events(behaviour, body, answer)
        return how.streamed(behaviour, [*headers, ("cache-control", "no-cache")], events, error)

    def _events(self, behaviour: Behaviour, body: Any, answer: Answer) -> tuple[list[tuple[bytes, bool]], bytes]:
        """The events of a stream, each with whether it carries content, and the error event of the behaviour."""
        whole = self._whole(body, answer)
        start = whole | {"content": [], "stop_reason": None, "stop_sequence": None}
        start["usage"] = whole["usage"] | {"output_tokens": 1}
        events = [(_event("message_start", message=start), False)]
        pinged = False
        for index, block in enumerate(whole["content"]):
            empty = {
                "thinking": {"type": "thinking", "thinking": "", "signature": ""},
                "text": {"type": "text", "text": ""} | ({"citations": []} if "citations" in block else {}),
                "web_search_tool_result": block,
            }.get(block["type"]) or block | {"input": {}}
            events.append(
                (_event("content_block_start", index=index, content_block=empty), block["type"] == "tool_use")
            )
            if not pinged:
                events.append((b'event: ping\ndata: {"type": "ping"}\n\n', False))
                pinged = True
            for delta in _deltas(block):
                events.append((_event("content_block_delta", index=index, delta=delta), True))
            events.append((_event("content_block_stop", index=index), False))
        end = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"], "stop_details": None}
        usage = {
            name: whole["usage"][name]
            for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
        }
        events.append((_event("message_delta", delta=end, usage=usage), False))
        events.append((_event("message_stop"), False))
        kind, message = {
            "overloaded": ("overloaded_error", "Overloaded"),
            "api": ("api_error", "Internal server error"),
            "rate": ("rate_limit_error", "Number of request tokens has exceeded your per-minute rate limit"),
        }[behaviour.error_kind]
        error = {"type": kind, "message": message}
        return events, _event("error", error=error, request_id=self._request_id())


def _event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"), ensure_ascii=False)
    # The real service pads its data lines; a reader that counts on `}` at the line's end breaks on them.
    return f"event: {kind}\ndata: {data}{' ' * (len(data) % 9)}\n\n".encode()


def _deltas(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block["type"] == "thinking":
        made = [{"type": "thinking_delta", "thinking": piece} for piece in tokens(block["thinking"])]
        return [*made, {"type": "signature_delta", "signature": block["signature"]}]
    if block["type"] == "text":
        # What a block relies on comes before its words.
        cited = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations", [])]
        return [*cited, *({"type": "text_delta", "text": piece} for piece in tokens(block["text"]))]
    if block["type"] == "web_search_tool_result":
        return []
    text = json.dumps(block["input"]) if block["input"] else ""
    pieces = ["", *(text[start : start + 9] for start in range(0, len(text), 9))]
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _found(answer: Answer) -> list[dict[str, Any]]:
    """A search, what it found, and the text in blocks, one for each piece that relies on something."""
    ident = "srvtoolu_" + hashlib.md5(answer.text.encode()).hexdigest()[:24]
    pages = dict.fromkeys(page for _, _, pages in answer.cited for page in pages)
    results = [
        {"type": "web_search_result", "url": url, "title": title, "encrypted_content": sealed(url), "page_age": None}
        for url, title in pages
    ]
    blocks: list[dict[str, Any]] = [
        {"type": "server_tool_use", "id": ident, "name": "web_search", "input": {"query": "sky and sea"}},
        {"type": "web_search_tool_result", "tool_use_id": ident, "content": results},
    ]
    done = 0
    for start, end, cited in answer.cited:
        if done < start:
            blocks.append({"type": "text", "text": answer.text[done:start]})
        citations = [
            {
                "type": "web_search_result_location",
                "cited_text": f"What {title} says ...",
                "url": url,
                "title": title,
                "encrypted_index": sealed(url),
            }
            for url, title in cited
        ]
        blocks.append({"type": "text", "text": answer.text[start:end], "citations": citations})
        done = end
    if done < len(answer.text):
        blocks.append({"type": "text", "text": answer.text[done:]})
    return blocks


def ask_of(body: Any) -> Ask:
    """The request, without its dialect."""
    last, results, words, marked, images = "", [], 0, 0, 0
    system = body.get("system") or []
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
    for block in blocks:
        words += len(block["text"].split())
        marked = words if block.get("cache_control") else marked
    for tool in body.get("tools") or []:
        marked = max(words, 1) if tool.get("cache_control") else marked
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if message["role"] == "user":
            texts, results, images = [], [], 0
        for block in blocks:
            words += _words(block)
            marked = words if block.get("cache_control") else marked
            if message["role"] != "user":
                continue
            if block["type"] == "text":
                texts.append(block["text"])
            elif block["type"] == "tool_result":
                results.append(_result(block))
            elif block["type"] in ("image", "document"):
                images += 1
        if message["role"] == "user":
            last = "\n".join(texts)
    if images:
        last += f" [{images} attached]"
    choice = body.get("tool_choice") or {}
    form = (body.get("output_config") or {}).get("format") or {}
    return Ask(
        text=last,
        words=words,
        results=results,
        tools={
            tool["name"]: tool.get("input_schema")
            for tool in body.get("tools") or []
            if tool.get("type", "custom") == "custom"
        },
        forced={"any": "*", "tool": choice.get("name")}.get(choice.get("type", "")),
        may_call=choice.get("type") != "none",
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=form.get("schema"),
        thinking=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
        limit=body["max_tokens"],
        stops=body.get("stop_sequences") or [],
        marked=marked,
        searches=any(tool.get("type", "").startswith("web_search_") for tool in body.get("tools") or []),
    )


def _words(block: dict[str, Any]) -> int:
    if block["type"] == "text":
        return len(block["text"].split())
    if block["type"] == "tool_result":
        return len(_result(block).split())
    if block["type"] == "tool_use":
        return len(json.dumps(block["input"]).split()) + 1
    if block["type"] in ("image", "document"):
        return 50
    if block["type"] in ("server_tool_use", "web_search_tool_result"):
        return 10
    return len(block.get("thinking", "").split())


def _result(block: dict[str, Any]) -> str:
    content = block.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(inner["text"] if inner["type"] == "text" else f"[{inner['type']}]" for inner in content)
