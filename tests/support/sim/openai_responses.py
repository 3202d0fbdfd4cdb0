"""A simulated OpenAI that speaks Responses, `POST /v1/responses`, and keeps what it is asked to keep."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from . import behaviour as how
from .behaviour import Behaviour
from .brain import REFUSAL, Answer, Ask, think, tokens
from .gate import foreign_header, gzipped
from .openai import ERRORS, OpenAISim, _logprobs
from .openai_responses_rules import SEAL, check
from .openai_rules import REASONING, Refused
from .plan import Plan
from .server import Recorded


COUNT = "/v1/responses/input_tokens"
COUNTED = {
    "conversation",
    "input",
    "instructions",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
}
"""the fields that a count takes"""


class OpenAIResponsesSim(OpenAISim):
    """`key` is the only one it takes."""

    name = "openai_responses"

    def __init__(self, key: str | None = "sk-openai-simulated", *, port: int = 0) -> None:
        self.kept: dict[str, list[Any]] = {}
        """the items of every answer that was to be stored, its input before it"""
        super().__init__(key, port=port)

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        try:
            body = self._checked(request)
            items = self._conversation(body)
        except Refused as refused:
            request.refused = refused.message
            return self._error(behaviour, refused)
        if behaviour.status is not None and behaviour.body is None:
            kind, code, message = ERRORS.get(behaviour.status, ("server_error", None, "Error."))
            return self._error(behaviour, Refused(message, None, code, behaviour.status, kind))
        answer = think(ask_of(body, items), behaviour.text, behaviour.overrides)
        if request.path == COUNT:
            payload = json.dumps({"object": "response.input_tokens", "input_tokens": answer.input}).encode()
            return how.unary(behaviour, 200, *gzipped(request, [*self._headers(behaviour, "application/json")], payload))
        request.answer = answer
        if behaviour.body is not None:
            return self._raw(behaviour, request)
        request.usage = {
            "input": answer.input,
            "output": answer.output,
            "cache_read": answer.cached,
            "reasoning": answer.reasoning,
        }
        response = self._response(body, answer)
        if body.get("store", True):
            self.kept[response["id"]] = [*items, *response["output"]]
        if body.get("stream"):
            return self._events(behaviour, body, response)
        payload = json.dumps(response, ensure_ascii=False, indent=2).encode() + b"\n"
        keep = behaviour.overrides.get("keep")
        payload = payload[: int(keep)] if isinstance(keep, int) else payload
        return how.unary(behaviour, 200, *gzipped(request, [*self._headers(behaviour, "application/json")], payload))

    def _checked(self, request: Recorded) -> Any:
        if request.path not in ("/v1/responses", COUNT):
            raise Refused(f"Invalid URL ({request.method} {request.path})", status=404)
        if request.method != "POST":
            raise Refused(f"Not allowed to {request.method} on {request.path}.", "method", status=405)
        foreign = foreign_header(request, own={"authorization"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        self._authorised(request)
        if (request.header("content-type") or "").split(";")[0].strip() != "application/json":
            raise Refused("Unsupported content type: this API accepts application/json requests.", status=415)
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("We could not parse the JSON body of your request.") from None
        model = body.get("model") if isinstance(body, dict) else None
        if isinstance(model, str) and (re.search(r"claude|/", model) or model.startswith("missing")):
            raise Refused(f"The requested model '{model}' does not exist.", "model", "model_not_found", 400)
        if request.path == COUNT and set(body) - COUNTED:
            raise Refused(f"Unknown parameter: '{(set(body) - COUNTED).pop()}'.")
        check(body, reasoning=bool(isinstance(model, str) and REASONING.match(model)))
        return body

    def _conversation(self, body: Any) -> list[Any]:
        said = body.get("input") or []
        items = [{"role": "user", "content": said}] if isinstance(said, str) else said
        before = body.get("previous_response_id")
        if before is None:
            return items
        if before not in self.kept:
            raise Refused(
                f"Previous response with id '{before}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
        return [*self.kept[before], *items]

    def _response(self, body: Any, answer: Answer) -> dict[str, Any]:
        core = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
        text = body.get("text") or {}
        reasoning = body.get("reasoning") or {}
        reason = "max_output_tokens" if answer.finish == "length" else None
        return {
            "id": f"resp_{core}",
            "object": "response",
            "created_at": 1_760_000_000,
            "status": "incomplete" if reason else "completed",
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": body.get("max_tool_calls"),
            "model": body["model"] + "-2025-08-07",
            "output": self._output(body, answer, core),
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "service_tier": "default",
            "store": body.get("store", True),
            "temperature": body.get("temperature", 1.0),
            "text": {"format": {"type": "text"}} | text,
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": body.get("tools", []),
            "top_logprobs": body.get("top_logprobs", 0),
            "top_p": body.get("top_p", 1.0),
            "truncation": body.get("truncation", "disabled"),
            "usage": {
                "input_tokens": answer.input,
                "input_tokens_details": {"cached_tokens": answer.cached, "cache_write_tokens": 0},
                "output_tokens": answer.output,
                "output_tokens_details": {"reasoning_tokens": answer.reasoning},
                "total_tokens": answer.input + answer.output,
            },
            "user": body.get("user"),
            "metadata": body.get("metadata") or {},
        }

    def _output(self, body: Any, answer: Answer, core: str) -> list[Any]:
        output: list[Any] = []
        if answer.thought:
            item: dict[str, Any] = {"id": f"rs_{core}", "type": "reasoning", "summary": []}
            if (body.get("reasoning") or {}).get("summary"):
                item["summary"] = [{"type": "summary_text", "text": answer.thought}]
            if "reasoning.encrypted_content" in (body.get("include") or []):
                item["encrypted_content"] = SEAL + core
            output.append(item)
        if answer.cited:
            action = {"type": "search", "query": "sky and sea"}
            output.append({"id": f"ws_{core}", "type": "web_search_call", "status": "completed", "action": action})
        if answer.text or not answer.calls:
            part: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": [], "text": answer.text}
            if "message.output_text.logprobs" in (body.get("include") or []):
                part["logprobs"] = _logprobs(answer.text, body.get("top_logprobs") or 0)
            part["annotations"] = [
                {"type": "url_citation", "start_index": start, "end_index": end, "url": url, "title": title}
                for start, end, pages in answer.cited
                for url, title in pages
            ]
            if answer.refusal:
                part = {"type": "refusal", "refusal": REFUSAL}
            status = "incomplete" if answer.finish == "length" else "completed"
            message = {"id": f"msg_{core}", "type": "message", "status": status, "content": [part], "role": "assistant"}
            output.append(message)
        for number, (name, arguments) in enumerate(answer.calls):
            output.append(
                {
                    "id": f"fc_{core}_{number}",
                    "type": "function_call",
                    "status": "completed",
                    "arguments": arguments,
                    "call_id": f"call_{core[:20]}{number}",
                    "name": name,
                }
            )
        return output

    def _events(self, behaviour: Behaviour, body: Any, response: dict[str, Any]) -> Plan:
        events: list[tuple[bytes, bool]] = []

        def event(kind: str, counts: bool = False, **fields: Any) -> None:
            data = {"type": kind, "sequence_number": len(events), **fields}
            text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
            events.append((f"event: {kind}\ndata: {text}\n\n".encode(), counts))

        begun = response | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
        event("response.created", response=begun)
        event("response.in_progress", response=begun)
        for index, item in enumerate(response["output"]):
            self._item(event, index, item, bool(body.get("top_logprobs")))
        event(f"response.{response['status']}", response=response)
        error = {
            "type": "error",
            "sequence_number": len(events),
            "code": "server_error",
            "message": "The server had an error while processing your request. Sorry about that!",
            "param": None,
        }
        return how.streamed(
            behaviour,
            self._headers(behaviour, "text/event-stream; charset=utf-8"),
            events,
            b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n",
        )

    def _item(self, event: Any, index: int, item: dict[str, Any], logprobs: bool) -> None:
        about = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            event("response.output_item.added", output_index=index, item={**item, "summary": []})
            for number, part in enumerate(item["summary"]):
                where = {**about, "summary_index": number}
                event("response.reasoning_summary_part.added", **where, part={"type": "summary_text", "text": ""})
                for piece in tokens(part["text"]):
                    event("response.reasoning_summary_text.delta", True, **where, delta=piece, obfuscation="x")
                event("response.reasoning_summary_text.done", **where, text=part["text"])
                event("response.reasoning_summary_part.done", **where, part=part)
        elif item["type"] == "message":
            begun = {**item, "status": "in_progress", "content": []}
            event("response.output_item.added", output_index=index, item=begun)
            for number, part in enumerate(item["content"]):
                where = {**about, "content_index": number}
                key = "refusal" if part["type"] == "refusal" else "text"
                kind = "refusal" if key == "refusal" else "output_text"
                empty = {**part, key: ""} | ({} if key == "refusal" else {"logprobs": [], "annotations": []})
                event("response.content_part.added", **where, part=empty)
                for piece in tokens(part[key]):
                    more = {} if key == "refusal" else {"logprobs": _logprobs(piece, 0) if logprobs else []}
                    event(f"response.{kind}.delta", True, **where, delta=piece, obfuscation="xy", **more)
                for place, annotation in enumerate(part.get("annotations") or []):
                    more = {"annotation_index": place, "annotation": annotation}
                    event("response.output_text.annotation.added", **where, **more)
                done = {} if key == "refusal" else {"logprobs": part["logprobs"]}
                event(f"response.{kind}.done", **where, **{key: part[key]}, **done)
                event("response.content_part.done", **where, part=part)
        elif item["type"] == "web_search_call":
            event("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
            for state in ("in_progress", "searching", "completed"):
                event(f"response.web_search_call.{state}", **about)
        else:
            begun = {**item, "status": "in_progress", "arguments": ""}
            event("response.output_item.added", True, output_index=index, item=begun)
            for start in range(0, len(item["arguments"]), 7):
                piece = item["arguments"][start : start + 7]
                event("response.function_call_arguments.delta", True, **about, delta=piece, obfuscation="")
            event("response.function_call_arguments.done", **about, arguments=item["arguments"])
        event("response.output_item.done", output_index=index, item=item)


def ask_of(body: Any, items: list[Any]) -> Ask:
    """The request, without its dialect."""
    last, results, images = "", [], 0
    words = len((body.get("instructions") or "").split())
    for item in items:
        kind = item.get("type", "message")
        if kind == "function_call":
            words += len(item["arguments"].split()) + 1
        elif kind == "function_call_output":
            text, pictures = _flat(item["output"])
            words += len(text.split()) + 50 * pictures
            results.append(text)
        elif kind == "message":
            text, pictures = _flat(item["content"])
            words += len(text.split()) + 50 * pictures
            if item["role"] == "user":
                last, results, images = text, [], pictures
    if images:
        last += f" [{images} attached]"
    choice = body.get("tool_choice")
    form = (body.get("text") or {}).get("format") or {}
    tools = {tool["name"]: tool.get("parameters") for tool in body.get("tools") or [] if tool["type"] == "function"}
    forced = "*" if choice == "required" else None
    if isinstance(choice, dict):
        if choice["type"] == "function":
            forced = choice["name"]
        elif choice["type"] == "allowed_tools":
            tools = {name: tools[name] for name in (tool["name"] for tool in choice["tools"])}
            forced = "*" if choice["mode"] == "required" else None
    return Ask(
        text=last,
        words=words,
        results=results,
        tools=tools,
        forced=forced,
        may_call=choice != "none",
        parallel=body.get("parallel_tool_calls") is not False,
        schema=form.get("schema") if form.get("type") == "json_schema" else None,
        json_object=form.get("type") == "json_object",
        thinking=(body.get("reasoning") or {}).get("effort") not in (None, "none", "minimal"),
        limit=body.get("max_output_tokens"),
        marked=words if words >= 1024 else 0,
        searches=any(tool["type"] == "web_search" for tool in body.get("tools") or []),
    )


def _flat(content: Any) -> tuple[str, int]:
    if isinstance(content, str):
        return content, 0
    text = [part["text"] for part in content or [] if part["type"] in ("input_text", "output_text")]
    return "\n".join(text), sum(part["type"] in ("input_image", "input_file") for part in content or [])
