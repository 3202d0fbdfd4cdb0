"""A simulated Google Gemini: `:generateContent` and `:streamGenerateContent`, at the paths of Google AI Studio and, with
`vertex=True`, of Vertex AI. A stream is server-sent events with `alt=sse` and one JSON array without."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import re
import ssl
from typing import Any
from urllib.parse import parse_qs, unquote

from . import behaviour as how
from .behaviour import Behaviour
from .brain import Answer, Ask, think, tokens
from .gate import foreign_header, gzipped
from .gemini_rules import Refused, check
from .plan import Plan
from .server import Recorded, Simulator

ERRORS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
STUDIO = re.compile(r"/(?:v1beta|v1)/models/([^:]+):(generateContent|streamGenerateContent|countTokens)")
VERTEX = re.compile(
    r"/(?:v1beta1|v1)/projects/[^/]+/locations/[^/]+/publishers/google/models/([^:]+):"
    r"(generateContent|streamGenerateContent|countTokens)"
)
SECRET = b"signs simulated calls"


def signature(seed: str) -> str:
    """What this simulator signs a call with; any other signature is refused."""
    mac = hmac.new(SECRET, seed.encode(), hashlib.sha256).digest()
    # The first bytes make the text hold both characters in which the two alphabets of base64 differ.
    return base64.b64encode(b"\x12\xfb\xef\xff" + seed.encode() + b"|" + mac).decode()


def signed(text: str) -> bool:
    """Whether it is one of this simulator's own, in either alphabet."""
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
    except ValueError:
        return False
    seed, mac = raw[4:-33], raw[-32:]
    return hmac.compare_digest(hmac.new(SECRET, seed, hashlib.sha256).digest(), mac)


class GeminiSim(Simulator):
    """`key` is the only one it takes: as `x-goog-api-key` or `?key=`, and on Vertex AI as a bearer token."""

    name = "gemini"

    def __init__(
        self,
        key: str = "AIzaSimulated",
        *,
        vertex: bool = False,
        always_array: bool = False,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.key = key
        self.vertex = vertex
        self.always_array = always_array
        super().__init__(tls=tls, port=port)

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return self.origin

    # -- the request ------------------------------------------------------------------------------------------

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        try:
            model, streams, body = self._checked(request)
        except Refused as refused:
            request.refused = refused.message
            return self._error(behaviour, refused)
        if behaviour.status is not None and behaviour.body is None:
            word, message = ERRORS.get(behaviour.status, ("UNKNOWN", "Error."))
            return self._error(behaviour, Refused(message, behaviour.status, word))
        answer = think(ask_of(body), behaviour.text, behaviour.overrides)
        if request.path.endswith(":countTokens"):
            details = [{"modality": "TEXT", "tokenCount": answer.input}]
            payload = json.dumps({"totalTokens": answer.input, "promptTokensDetails": details}, indent=2).encode()
            headers = self._headers(behaviour, "application/json; charset=UTF-8")
            return how.unary(behaviour, 200, *gzipped(request, headers, payload))
        request.answer = answer
        sse = parse_qs(request.query).get("alt") == ["sse"] and not self.always_array
        kind = "text/event-stream" if streams and sse else "application/json; charset=UTF-8"
        if behaviour.body is not None:
            headers = self._headers(behaviour, kind)
            return how.unary(behaviour, behaviour.status or 200, headers, behaviour.body)
        request.usage = {
            "input": answer.input,
            "output": answer.output,
            "cache_read": answer.cached,
            "reasoning": answer.reasoning,
        }
        if streams:
            return self._stream(behaviour, model, body, answer, sse)
        whole = self._piece(model, body, answer, self._parts(model, answer), last=True)
        payload = json.dumps(whole, ensure_ascii=False, indent=2).encode() + b"\n"
        keep = behaviour.overrides.get("keep")
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, self._headers(behaviour, kind), payload))

    def _checked(self, request: Recorded) -> tuple[str, bool, Any]:
        found = (VERTEX if self.vertex else STUDIO).fullmatch(request.path)
        if found is None:
            raise Refused("Requested entity was not found.", 404, "NOT_FOUND")
        if request.method != "POST":
            raise Refused("The request method is not supported.", 405, "UNIMPLEMENTED")
        foreign = foreign_header(request, own={"authorization"} if self.vertex else {"x-goog-api-key"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        if self.vertex:
            if request.header("authorization") != f"Bearer {self.key}":
                raise Refused("Request had invalid authentication credentials.", 401, "UNAUTHENTICATED")
        else:
            key = request.header("x-goog-api-key") or (parse_qs(request.query).get("key") or [None])[0]
            if key is None:
                message = "Method doesn't allow unregistered callers (callers without established identity)."
                raise Refused(message, 403, "PERMISSION_DENIED")
            if key != self.key:
                raise Refused(
                    "API key not valid. Please pass a valid API key.", 400, "INVALID_ARGUMENT", "API_KEY_INVALID"
                )
        if (request.header("content-type") or "").split(";")[0].strip() != "application/json":
            raise Refused("Request contains an invalid argument.")
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("Invalid JSON payload received. Unexpected token.") from None
        model = unquote(found[1])
        body = camel(body)
        if found[2] == "countTokens":
            body = self._counted(body, model)
        check(body, model, signed)
        if not model.startswith(("gemini-", "gemma-")) or model.startswith("gemini-missing"):
            raise Refused(
                f"models/{model} is not found for API version v1beta, or is not supported for {found[2]}.",
                404,
                "NOT_FOUND",
            )
        return model, found[2] == "streamGenerateContent", body

    def _counted(self, body: Any, model: str) -> Any:
        """The conversation that is to be counted: at Google AI Studio only a whole request may have more than turns."""
        if self.vertex:
            return body
        whole = body.get("generateContentRequest")
        if whole is None:
            if set(body) - {"contents"}:
                raise Refused("Invalid JSON payload received. Unknown name.")
            return body
        if set(body) != {"generateContentRequest"}:
            raise Refused("contents and generateContentRequest are mutually exclusive.")
        if whole.get("model") != f"models/{model}":
            raise Refused("GenerateContentRequest.model: must be the model of the path.")
        return {name: value for name, value in whole.items() if name != "model"}

    # -- the answers ------------------------------------------------------------------------------------------

    def _headers(self, behaviour: Behaviour, content_type: str) -> list[tuple[str, str]]:
        headers = {
            "content-type": behaviour.content_type or content_type,
            "vary": "X-Origin",
            "server": "scaffolding on HTTPServer2",
            "server-timing": "gfet4t7; dur=412",
            "alt-svc": 'h3=":443"; ma=2592000',
        }
        return list((headers | behaviour.headers).items())

    def _error(self, behaviour: Behaviour, refused: Refused) -> Plan:
        error: dict[str, Any] = {"code": refused.status, "message": refused.message, "status": refused.word}
        if refused.reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": refused.reason, "domain": "googleapis.com"}]
        payload = json.dumps({"error": error}, indent=2).encode() + b"\n"
        headers = self._headers(behaviour, "application/json; charset=UTF-8")
        return how.unary(behaviour, refused.status, headers, behaviour.body or payload)

    def _parts(self, model: str, answer: Answer) -> list[dict[str, Any]]:
        new = model.startswith("gemini-3")
        parts: list[dict[str, Any]] = []
        if answer.thought:
            parts.append({"text": answer.thought, "thought": True})
        if answer.text:
            text: dict[str, Any] = {"text": answer.text}
            if new and not answer.calls:
                text["thoughtSignature"] = signature(answer.text[:8])
            parts.append(text)
        for number, (name, arguments) in enumerate(answer.calls):
            call: dict[str, Any] = {"name": name, "args": json.loads(arguments)}
            if new:
                call["id"] = hashlib.md5(f"{number}{name}{arguments}".encode()).hexdigest()[:8]
            parts.append({"functionCall": call})
            if new and number == 0:
                parts[-1]["thoughtSignature"] = signature(name)
        return parts

    def _usage(self, answer: Answer) -> dict[str, Any]:
        made = answer.output - answer.reasoning
        usage: dict[str, Any] = {"promptTokenCount": answer.input}
        # What is nothing is left out.
        usage |= {"candidatesTokenCount": made} if made else {}
        usage["totalTokenCount"] = answer.input + answer.output
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.input}]
        usage |= {"thoughtsTokenCount": answer.reasoning} if answer.reasoning else {}
        return usage | ({"cachedContentTokenCount": answer.cached} if answer.cached else {})

    def _piece(self, model: str, body: Any, answer: Answer, parts: list[Any], *, last: bool) -> dict[str, Any]:
        seed = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:23]
        piece: dict[str, Any] = {"usageMetadata": self._usage(answer), "modelVersion": model, "responseId": seed}
        if answer.refusal:
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | piece
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if last and answer.cited:
            candidate["groundingMetadata"] = grounding(answer)
        if last:
            candidate["finishReason"] = "MAX_TOKENS" if answer.finish == "length" else "STOP"
            if answer.calls:
                candidate["finishMessage"] = "Model generated function call(s)."
        return {"candidates": [candidate]} | piece

    def _stream(self, behaviour: Behaviour, model: str, body: Any, answer: Answer, sse: bool) -> Plan:
        pieces: list[tuple[dict[str, Any], bool]] = []
        for part in self._parts(model, answer) if not answer.refusal else []:
            if "text" not in part:
                pieces.append((part, True))
                continue
            rest = {name: value for name, value in part.items() if name not in ("text", "thoughtSignature")}
            pieces.extend(({"text": piece} | rest, True) for piece in tokens(part["text"]))
            if "thoughtSignature" in part:
                pieces.append(({"text": "", "thoughtSignature": part["thoughtSignature"]}, False))
        items = [(self._piece(model, body, answer, [part], last=False), content) for part, content in pieces]
        end = [] if answer.calls else [{"text": ""}]
        items.append((self._piece(model, body, answer, end, last=True), False))
        word, code, message = {
            "overloaded": ("UNAVAILABLE", 503, "The model is overloaded. Please try again later."),
            "api": ("INTERNAL", 500, "An internal error has occurred. Please retry."),
            "rate": ("RESOURCE_EXHAUSTED", 429, "Resource has been exhausted (e.g. check quota)."),
        }[behaviour.error_kind]
        error = {"error": {"code": code, "message": message, "status": word}}
        # Google's events always end with CRLF CRLF.
        behaviour = dataclasses.replace(behaviour, crlf=False)
        if sse:
            events = [(_event(item), content) for item, content in items]
            headers = self._headers(behaviour, "text/event-stream")
            return how.streamed(behaviour, headers, events, _event(error))
        events = []
        for number, (item, content) in enumerate(items):
            start = b"[" if number == 0 else b",\r\n"
            stop = b"\n]\n" if number == len(items) - 1 else b"\n"
            events.append((start + json.dumps(item, ensure_ascii=False, indent=2).encode() + stop, content))
        headers = self._headers(behaviour, "application/json; charset=UTF-8")
        start = b"[" if behaviour.error_event == 0 else b",\r\n"
        return how.streamed(behaviour, headers, events, start + json.dumps(error).encode() + b"]")


def grounding(answer: Answer) -> dict[str, Any]:
    """What the text relies on, its segments in bytes of UTF-8."""
    pages = list(dict.fromkeys(page for _, _, pages in answer.cited for page in pages))
    supports = []
    for start, end, cited in answer.cited:
        first, words = len(answer.text[:start].encode()), answer.text[start:end]
        segment: dict[str, Any] = {"startIndex": first} if first else {}
        segment |= {"endIndex": first + len(words.encode()), "text": words}
        supports.append({"segment": segment, "groundingChunkIndices": [pages.index(page) for page in cited]})
    return {
        "searchEntryPoint": {"renderedContent": "<div>sky and sea</div>"},
        "groundingChunks": [{"web": {"uri": url, "title": title}} for url, title in pages],
        "groundingSupports": supports,
        "webSearchQueries": ["sky and sea"],
    }


def camel(value: Any) -> Any:
    """Google reads fields in snake case as well; what belongs to the client's own functions keeps its names."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    read = {}
    for name, inner in value.items():
        spelled = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
        if spelled == "properties":
            read[spelled] = {key: camel(schema) for key, schema in inner.items()}
        elif spelled in ("args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"):
            read[spelled] = inner
        else:
            read[spelled] = camel(inner)
    return read


def _event(item: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(item, ensure_ascii=False)}\r\n\r\n".encode()


def ask_of(body: Any) -> Ask:
    """The request, without its dialect."""
    last, results, words, images = "", [], 0, 0
    for part in (body.get("systemInstruction") or {}).get("parts") or []:
        words += len(part["text"].split())
    for content in body["contents"]:
        user = content.get("role", "user") != "model"
        if user:
            texts, results, images = [], [], 0
        for part in content["parts"]:
            words += _words(part)
            if not user:
                continue
            if "text" in part:
                texts.append(part["text"])
            elif "functionResponse" in part:
                results.append(_result(part["functionResponse"]))
            elif "inlineData" in part or "fileData" in part:
                images += 1
        if user:
            last = "\n".join(texts)
    if images:
        last += f" [{images} attached]"
    tools: dict[str, Any] = {}
    for tool in body.get("tools") or []:
        for function in tool.get("functionDeclarations") or []:
            tools[function["name"]] = _lower(function.get("parameters")) or function.get("parametersJsonSchema")
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    names = calling.get("allowedFunctionNames") or []
    config = body.get("generationConfig") or {}
    thinking = config.get("thinkingConfig") or {}
    schema = _lower(config.get("responseSchema")) or config.get("responseJsonSchema")
    return Ask(
        text=last,
        words=words,
        results=results,
        tools=tools,
        forced={"ANY": names[0] if names else "*"}.get(calling.get("mode", "")),
        may_call=calling.get("mode") != "NONE",
        schema=schema,
        searches=any("googleSearch" in tool for tool in body.get("tools") or []),
        json_object=config.get("responseMimeType") == "application/json" and schema is None,
        thinking=bool(thinking.get("includeThoughts")) and thinking.get("thinkingBudget") != 0,
        limit=config.get("maxOutputTokens"),
        stops=config.get("stopSequences") or [],
    )


def _words(part: dict[str, Any]) -> int:
    if "text" in part:
        return len(part["text"].split())
    if "functionCall" in part:
        return 1 + len(json.dumps(part["functionCall"].get("args") or {}).split())
    if "functionResponse" in part:
        return len(_result(part["functionResponse"]).split())
    return 50


def _result(result: dict[str, Any]) -> str:
    response = result.get("response") or {}
    if set(response) == {"result"} or set(response) == {"error"}:
        value = next(iter(response.values()))
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(response)


def _lower(schema: Any) -> Any:
    """The types in JSON Schema's spelling."""
    if isinstance(schema, list):
        return [_lower(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    lowered = {}
    for name, value in schema.items():
        if name == "type" and isinstance(value, str):
            lowered[name] = value.lower()
        elif name == "properties":
            lowered[name] = {key: _lower(inner) for key, inner in value.items()}
        else:
            lowered[name] = _lower(value) if name in ("items", "anyOf") else value
    return lowered
