"""What a simulated Anthropic offers beside messages: batches of them, and files."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from . import behaviour as how
from .anthropic import ERRORS, AnthropicSim
from .anthropic_rules import Refused, check
from .behaviour import Behaviour
from .form import BadForm, fields
from .gate import foreign_header, gzipped
from .plan import Plan
from .server import Recorded


class AnthropicServicesSim(AnthropicSim):
    """An Anthropic with message batches and files. `batches` and `uploaded` hold what was made, by id."""

    def __init__(self, key: str = "sk-ant-simulated", **more: Any) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, list[Any]] = {}
        self.uploaded: dict[str, tuple[dict[str, Any], bytes]] = {}
        super().__init__(key, **more)

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        one = re.fullmatch(
            r"/v1/(messages/batches|files)(?:/([A-Za-z0-9_-]+))?(?:/(results|cancel|content))?", request.path
        )
        if not one:
            return super().answer(request, behaviour)
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        service, ident, word = one.groups()
        try:
            self._gate(request)
            if behaviour.status is not None and behaviour.body is None:
                kind, message = ERRORS.get(behaviour.status, ("api_error", "Error."))
                raise Refused(message, behaviour.status, kind)
            serve = self._batch if service == "messages/batches" else self._file
            return serve(request, behaviour, ident, word)
        except Refused as refused:
            request.refused = refused.message
            return self._error(behaviour, refused)
        except BadForm as bad:
            return self._error(behaviour, Refused(str(bad)))

    def _gate(self, request: Recorded) -> None:
        foreign = foreign_header(request, {"x-api-key"})
        if foreign:
            self.faults.append(f"a header of somebody else: {foreign}")
            raise Refused(f"Unexpected header: {foreign}")
        if request.header("x-api-key") != self.key:
            raise Refused("invalid x-api-key", 401, "authentication_error")
        if request.header("anthropic-version") not in ("2026-10-21", "2023-06-01"):
            raise Refused("anthropic-version: header is required")

    def _json(self, request: Recorded, behaviour: Behaviour, value: Any) -> Plan:
        payload = json.dumps(value, separators=(",", ":")).encode()
        return how.unary(behaviour, 200, *gzipped(request, self._headers(behaviour, "application/json"), payload))

    def _batch(self, request: Recorded, behaviour: Behaviour, ident: str | None, word: str | None) -> Plan:
        done = (request.method, ident is not None, word)
        if done == ("POST", False, None):
            body = json.loads(request.body)
            if set(body) != {"requests"} or not body["requests"]:
                raise Refused("requests: Field required")
            for number, one in enumerate(body["requests"]):
                if set(one) != {"custom_id", "params"}:
                    raise Refused(f"requests.{number}: Extra inputs are not permitted")
                check(one["params"], "2023-06-01", "", lambda _thinking, _signature: True)
            ident = f"msgbatch_{len(self.batches) + 1}"
            self.asked[ident] = body["requests"]
            self.batches[ident] = {
                "id": ident,
                "type": "message_batch",
                "processing_status": "in_progress",
                "request_counts": {
                    "processing": len(body["requests"]),
                    "succeeded": 0,
                    "errored": 0,
                    "canceled": 0,
                    "expired": 0,
                },
                "created_at": "2025-10-09T08:53:20Z",
                "expires_at": "2025-10-10T08:53:20Z",
                "ended_at": None,
                "archived_at": None,
                "cancel_initiated_at": None,
                "results_url": None,
            }
            return self._json(request, behaviour, self.batches[ident])
        if done == ("GET", False, None):
            data = list(self.batches.values())
            listed = {"data": data, "has_more": False, "first_id": None, "last_id": None}
            return self._json(request, behaviour, listed)
        if ident not in self.batches:
            raise Refused("Not Found", 404, "not_found_error")
        if done == ("GET", True, None):
            return self._json(request, behaviour, self.batches[ident])
        if done == ("POST", True, "cancel"):
            self.batches[ident]["processing_status"] = "canceling"
            return self._json(request, behaviour, self.batches[ident])
        if done == ("DELETE", True, None):
            del self.batches[ident]
            return self._json(request, behaviour, {"id": ident, "type": "message_batch_deleted"})
        if done == ("GET", True, "results"):
            lines = []
            for one in self.asked[ident]:
                line = {"custom_id": one["custom_id"], "result": {"type": "canceled"}}
                lines.append((json.dumps(line).encode() + b"\n", True))
            return how.streamed(behaviour, self._headers(behaviour, "application/x-jsonl"), lines, b"")
        raise Refused("Method Not Allowed", 405, "invalid_request_error")

    def _file(self, request: Recorded, behaviour: Behaviour, ident: str | None, word: str | None) -> Plan:
        done = (request.method, ident is not None, word)
        if done == ("POST", False, None):
            form = fields(request)
            if [part.name for part in form] != ["file"] or not form[0].filename:
                raise Refused("file: Field required")
            content = form[0].value
            ident = f"file_{hashlib.md5(content).hexdigest()[:20]}"
            made = {
                "id": ident,
                "type": "file",
                "filename": form[0].filename,
                "mime_type": form[0].content_type or "application/octet-stream",
                "size_bytes": len(content),
                "created_at": "2025-10-09T08:53:20Z",
                "downloadable": False,
            }
            self.uploaded[ident] = (made, content)
            return self._json(request, behaviour, made)
        if done == ("GET", False, None):
            data = [made for made, _ in self.uploaded.values()]
            listed = {"data": data, "has_more": False, "first_id": None, "last_id": None}
            return self._json(request, behaviour, listed)
        if ident not in self.uploaded:
            raise Refused(f"File not found: {ident}", 404, "not_found_error")
        if done == ("GET", True, None):
            return self._json(request, behaviour, self.uploaded[ident][0])
        if done == ("GET", True, "content"):
            return how.unary(
                behaviour, 200, self._headers(behaviour, "application/octet-stream"), self.uploaded[ident][1]
            )
        if done == ("DELETE", True, None):
            del self.uploaded[ident]
            return self._json(request, behaviour, {"id": ident, "type": "file_deleted"})
        raise Refused("Method Not Allowed", 405, "invalid_request_error")
