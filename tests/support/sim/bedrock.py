"""A simulated Bedrock: Converse and ConverseStream, and Anthropic's models through InvokeModel.

Requests come with a Bedrock API key or signed (Signature Version 4), over the path as it came and the body's hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from typing import Any
from urllib.parse import unquote

from . import anthropic_rules, bedrock_rules, eventstream, sigv4
from . import behaviour as how
from .anthropic import AnthropicSim, ask_of, signature
from .bedrock_rules import Refused
from .behaviour import Behaviour
from .brain import Answer, think, tokens
from .gate import foreign_header, gzipped
from .plan import Plan
from .server import Recorded

ERRORS = {
    400: ("ValidationException", "Malformed input request, please reformat your input and try again."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."),
    408: ("ModelTimeoutException", "The request took too long to process."),
    424: ("ModelErrorException", "The request failed due to an error while processing the model."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error during processing. Try your request again."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
EXCEPTIONS = {
    "overloaded": ("serviceUnavailableException", "Bedrock is unable to process your request."),
    "api": ("modelStreamErrorException", "The system encountered an unexpected error during processing."),
    "rate": ("throttlingException", "Too many tokens, please wait before trying again."),
}
STREAM = "application/vnd.amazon.eventstream"
MAKERS = ("anthropic", "amazon", "meta", "mistral", "openai", "qwen")


class BedrockSim(AnthropicSim):
    """Takes `key` as a bearer token, and what `access` and `secret` have signed for `region`."""

    name = "bedrock"

    def __init__(
        self,
        key: str = "bedrock-api-key-simulated",
        *,
        access: str = "AKIASIMULATED",
        secret: str = "simulated/secret+key",
        region: str = "us-east-1",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.access, self.secret, self.region = access, secret, region
        super().__init__(key, tls=tls, port=port)

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return self.origin

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        try:
            model, action = self._addressed(request)
            self._admitted(request)
            body = self._read(request)
            inner = self._understood(body, model, action, request)
        except Refused as refused:
            request.refused = refused.message
            return self._refusal(behaviour, refused)
        if behaviour.status is not None and behaviour.body is None:
            kind, message = ERRORS.get(behaviour.status, ("InternalServerException", "Error."))
            return self._refusal(behaviour, Refused(message, behaviour.status, kind))
        answer = think(ask_of(inner), behaviour.text, behaviour.overrides)
        if action == "count-tokens":
            payload = json.dumps({"inputTokens": answer.input}).encode()
            return how.unary(behaviour, 200, self._head(behaviour, "application/json"), payload)
        request.answer = answer
        streams = "stream" in action
        if behaviour.body is not None:
            kind = STREAM if streams else "application/json"
            return how.unary(behaviour, behaviour.status or 200, self._head(behaviour, kind), behaviour.body)
        request.usage = {
            "input": answer.input,
            "output": answer.output,
            "cache_read": answer.cached,
            "cache_write": answer.written,
        }
        converse = action.startswith("converse")
        if streams:
            return self._frames(behaviour, inner, answer, converse)
        whole = self._converse(inner, answer) if converse else self._whole(inner, answer)
        payload = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        keep = behaviour.overrides.get("keep")
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, self._head(behaviour, "application/json"), payload))

    # -- the request ------------------------------------------------------------------------------------------

    def _addressed(self, request: Recorded) -> tuple[str, str]:
        parts = request.path.split("/")
        actions = ("converse", "converse-stream", "invoke", "invoke-with-response-stream", "count-tokens")
        if len(parts) != 4 or parts[1] != "model" or parts[3] not in actions:
            raise Refused("UnknownOperationException", 404, "UnknownOperationException")
        if request.method != "POST":
            raise Refused("UnknownOperationException", 404, "UnknownOperationException")
        if ":" in parts[2]:
            self.faults.append(f"a model's name is not encoded in the path: {request.path}")
        model = unquote(parts[2])
        name = model.rsplit("/", 1)[-1]
        if not any(f"{maker}." in name for maker in MAKERS) or "missing" in name:
            raise Refused("The provided model identifier is invalid.")
        return model, parts[3]

    def _admitted(self, request: Recorded) -> None:
        foreign = foreign_header(request, own={"authorization"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        token = request.header("authorization")
        if token is None:
            raise Refused("Missing Authentication Token", 403, "MissingAuthenticationTokenException")
        if token.startswith("Bearer "):
            if request.header("x-amz-date"):
                self.faults.append("a signature's date beside a key")
            if token != f"Bearer {self.key}":
                message = "Authentication failed: Please make sure your API Key is valid."
                raise Refused(message, 403, "AccessDeniedException")
            return
        wrong = sigv4.problem(request, self.access, self.secret, self.region, "bedrock")
        if wrong is not None:
            raise Refused(wrong[1], 403, wrong[0])

    def _read(self, request: Recorded) -> Any:
        kind = (request.header("content-type") or "application/json").split(";")[0].strip()
        if kind != "application/json" and "/converse" in request.path:
            raise Refused("Content-Type must be application/json", 415)
        try:
            return json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("Unable to parse the request body as JSON", 400, "SerializationException") from None

    def _understood(self, body: Any, model: str, action: str, request: Recorded) -> dict[str, Any]:
        def signed(thought: str, proof: str) -> bool:
            return hmac.compare_digest(signature(thought), proof)

        if action == "count-tokens":
            if list(body) != ["input"] or list(body["input"]) != ["converse"]:
                raise Refused("This simulator counts for Converse only.")
            if set(body["input"]["converse"]) - {"messages", "system", "toolConfig", "additionalModelRequestFields"}:
                raise Refused("The provided request is not valid: what does not count has no place here.")
            return bedrock_rules.check(body["input"]["converse"], model, signed)
        if action.startswith("converse"):
            return bedrock_rules.check(body, model, signed)
        if "claude" not in model:
            raise Refused("This simulator invokes Anthropic's models only.")
        if request.header("anthropic-version") or request.header("anthropic-beta"):
            self.faults.append("a header that Bedrock has in the body")
        if body.get("anthropic_version") != "bedrock-2023-05-31":
            raise Refused("Malformed input request: #: required key [anthropic_version] not found, please reformat your input and try again.")
        for name in ("model", "stream"):
            if name in body:
                raise Refused(f"Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and try again.")
        betas = ",".join(body.get("anthropic_beta") or [])
        rest = {name: value for name, value in body.items() if not name.startswith("anthropic_")}
        inner = {"model": model, **rest}
        try:
            anthropic_rules.check(inner, "2023-06-01", betas, signed)
        except anthropic_rules.Refused as refused:
            raise Refused(refused.message) from None
        return inner

    # -- the answers ------------------------------------------------------------------------------------------

    def _head(self, behaviour: Behaviour, content_type: str) -> list[tuple[str, str]]:
        number = hashlib.md5(f"{self.port}{len(self.requests)}".encode()).hexdigest()
        headers = {
            "content-type": behaviour.content_type or content_type,
            "x-amzn-requestid": f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:]}",
        }
        return list((headers | behaviour.headers).items())

    def _refusal(self, behaviour: Behaviour, refused: Refused) -> Plan:
        body = json.dumps({"message": refused.message}).encode()
        kind = f"{refused.kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"
        headers = [*self._head(behaviour, "application/json"), ("x-amzn-errortype", kind)]
        return how.unary(behaviour, refused.status, headers, body)

    def _content(self, inner: Any, answer: Answer) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        if answer.thought:
            said = {"text": answer.thought, "signature": signature(answer.thought)}
            blocks.append({"reasoningContent": {"reasoningText": said}})
        citations = _citations(inner)
        if answer.text and citations:
            blocks.append({"citationsContent": {"content": [{"text": answer.text}], "citations": citations}})
        elif answer.text:
            blocks.append({"text": answer.text})
        for number, (name, arguments) in enumerate(answer.calls):
            seed = hashlib.md5(f"{number}{name}{arguments}".encode()).hexdigest()[:22]
            call = {"toolUseId": f"tooluse_{seed}", "name": name, "input": json.loads(arguments)}
            blocks.append({"toolUse": call})
        return blocks

    def _counts(self, answer: Answer) -> dict[str, Any]:
        fresh = max(answer.input - answer.cached - answer.written, 0)
        return {
            "inputTokens": fresh,
            "outputTokens": answer.output,
            "totalTokens": fresh + answer.cached + answer.written + answer.output,
            "cacheReadInputTokens": answer.cached,
            "cacheWriteInputTokens": answer.written,
            "cacheReadInputTokenCount": answer.cached,
            "cacheWriteInputTokenCount": answer.written,
            "serverToolUsage": {},
        }

    def _stop(self, answer: Answer) -> dict[str, Any]:
        names = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use", "refusal": "content_filtered"}
        stop: dict[str, Any] = {"stopReason": names.get(answer.finish, answer.finish)}
        if answer.stop:
            stop["additionalModelResponseFields"] = {"stop_sequence": answer.stop}
        return stop

    def _converse(self, inner: Any, answer: Answer) -> dict[str, Any]:
        return {
            "metrics": {"latencyMs": 417},
            "output": {"message": {"content": self._content(inner, answer), "role": "assistant"}},
            **self._stop(answer),
            "usage": self._counts(answer),
        }

    def _frames(self, behaviour: Behaviour, inner: Any, answer: Answer, converse: bool) -> Plan:
        # Comments and line ends are no part of frames.
        behaviour.comments = behaviour.crlf = False
        name, message = EXCEPTIONS[behaviour.error_kind]
        if converse:
            events = list(self._spoken(inner, answer))
        else:
            made, _ = self._events(behaviour, inner, answer)
            events = [(_chunk(event), content) for event, content in made if b"event: ping" not in event]
        return how.streamed(behaviour, self._head(behaviour, STREAM), events, eventstream.exception(name, message))

    def _spoken(self, inner: Any, answer: Answer) -> Any:
        yield eventstream.event("messageStart", role="assistant"), False
        for index, block in enumerate(self._content(inner, answer)):
            if "toolUse" in block:
                call = block["toolUse"]
                start = {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}
                yield eventstream.event("contentBlockStart", contentBlockIndex=index, start=start), True
                text = json.dumps(call["input"]) if call["input"] else ""
                deltas: list[Any] = [{"toolUse": {"input": text[at : at + 9]}} for at in range(0, len(text), 9)]
            elif "citationsContent" in block:
                cited = block["citationsContent"]
                deltas = [{"citation": citation} for citation in cited["citations"]]
                deltas += [{"text": piece} for piece in tokens(cited["content"][0]["text"])]
            elif "text" in block:
                deltas = [{"text": piece} for piece in tokens(block["text"])]
            else:
                said = block["reasoningContent"]["reasoningText"]
                deltas = [{"reasoningContent": {"text": piece}} for piece in tokens(said["text"])]
                deltas.append({"reasoningContent": {"signature": said["signature"]}})
            for delta in deltas:
                yield eventstream.event("contentBlockDelta", contentBlockIndex=index, delta=delta), True
            yield eventstream.event("contentBlockStop", contentBlockIndex=index), False
        yield eventstream.event("messageStop", **self._stop(answer)), False
        yield eventstream.event("metadata", usage=self._counts(answer), metrics={"latencyMs": 417}), False


def _citations(inner: Any) -> list[dict[str, Any]]:
    """What the model relies on: the first piece of every search result that may be cited."""
    blocks = [block for message in inner["messages"] for block in message["content"] if isinstance(block, dict)]
    found = [block for block in blocks if block.get("type") == "search_result"]
    return [
        {
            "title": block["title"],
            "source": block["source"],
            "sourceContent": [{"text": block["content"][0]["text"]}],
            "location": {"searchResultLocation": {"searchResultIndex": index, "start": 0, "end": 1}},
        }
        for index, block in enumerate(found)
        if (block.get("citations") or {}).get("enabled")
    ]


def _chunk(event: bytes) -> bytes:
    """An event of Anthropic's in a frame of Bedrock's."""
    data = event.split(b"data: ", 1)[1].strip()
    return eventstream.event("chunk", bytes=base64.b64encode(data).decode())


class AnthropicOnVertexSim(AnthropicSim):
    """Anthropic's models on Vertex AI: model and stream in the path, a bearer token."""

    name = "anthropic-on-vertex"
    project, region = "a-project", "us-east5"

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return f"{self.origin}/v1/projects/{self.project}/locations/{self.region}"

    def _checked(self, request: Recorded) -> Any:
        prefix = f"/v1/projects/{self.project}/locations/{self.region}/publishers/anthropic/models/"
        model, _, verb = unquote(request.path.removeprefix(prefix)).rpartition(":")
        if not request.path.startswith(prefix) or verb not in ("rawPredict", "streamRawPredict"):
            raise anthropic_rules.Refused("Not Found", 404, "not_found_error")
        foreign = foreign_header(request, own={"authorization"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
        if request.header("authorization") != f"Bearer {self.key}":
            raise anthropic_rules.Refused("Request had invalid authentication credentials.", 401, "authentication_error")
        body = json.loads(request.body)
        if body.pop("anthropic_version", None) != "vertex-2023-10-16":
            raise anthropic_rules.Refused("anthropic_version: Field required")
        if "model" in body:
            raise anthropic_rules.Refused("model: Extra inputs are not permitted")
        if body.pop("stream", verb == "streamRawPredict") != (verb == "streamRawPredict"):
            raise anthropic_rules.Refused("stream: must agree with the method")
        inner = {"model": model.replace("@", "-"), "stream": verb == "streamRawPredict", **body}
        betas = request.header("anthropic-beta") or ""
        anthropic_rules.check(inner, "2023-06-01", betas, lambda t, s: hmac.compare_digest(signature(t), s))
        if not self.known(model):
            raise anthropic_rules.Refused(f"model: {model}", 404, "not_found_error")
        return inner
