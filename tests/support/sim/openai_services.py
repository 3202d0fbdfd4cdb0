"""What a simulated OpenAI offers beside conversations: text completions, moderations, images, audio, files, batches,
conversations made short and stored responses. Requests are refused as the real ones are, after the public API reference."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from . import behaviour as how
from .behaviour import Behaviour
from .brain import Answer, Ask, think, tokens
from .form import BadForm, Field, fields
from .gate import foreign_header, gzipped
from .openai import ERRORS, OpenAISim
from .openai_responses_rules import SEAL, check
from .openai_rules import REASONING, Refused
from .plan import Plan
from .server import Recorded

COMPLETION_FIELDS = set(
    [
        "model",
        "prompt",
        "best_of",
        "echo",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "n",
        "presence_penalty",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "suffix",
        "temperature",
        "top_p",
        "user",
    ]
)
IMAGE_FIELDS = set(
    [
        "prompt",
        "model",
        "n",
        "size",
        "quality",
        "background",
        "moderation",
        "output_compression",
        "output_format",
        "partial_images",
        "response_format",
        "stream",
        "style",
        "user",
    ]
)
SPEECH_FIELDS = {"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"}
TRANSCRIPTION_FIELDS = set(
    ["file", "model", "language", "prompt", "response_format", "temperature", "stream", "include[]", "chunking_strategy"]
)
COMPACT_FIELDS = set(
    [
        "model",
        "input",
        "instructions",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "service_tier",
    ]
)
INSTRUCT = re.compile(r"gpt-3\.5-turbo-instruct|(ft:)?(davinci|babbage)-002(:.*)?")
STORED = "resp_0123456789abcdef"


class OpenAIServicesSim(OpenAISim):
    """An OpenAI with all its services. `uploaded` holds the files by id, `batches` the batches."""

    def __init__(self, key: str | None = "sk-openai-simulated", **more: Any) -> None:
        self.uploaded: dict[str, tuple[dict[str, Any], bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        super().__init__(key, **more)

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        route = self._route(request)
        if route is None:
            if request.path == "/v1/chat/completions" and _completes(request):
                words = "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
                refused = Refused(words + "Did you mean to use v1/completions?", "model", status=404)
                request.refused = refused.message
                return self._error(behaviour, refused)
            return super().answer(request, behaviour)
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        try:
            foreign = foreign_header(request, own={"authorization"})
            if foreign:
                self.faults.append(f"a header of somebody else: {foreign}")
                raise Refused(f"Unexpected header: {foreign}")
            self._authorised(request)
            if behaviour.status is not None and behaviour.body is None:
                kind, code, message = ERRORS.get(behaviour.status, ("server_error", None, "Error."))
                raise Refused(message, None, code, behaviour.status, kind)
            return route(request, behaviour)
        except Refused as refused:
            request.refused = refused.message
            return self._error(behaviour, refused)
        except BadForm as bad:
            request.refused = str(bad)
            return self._error(behaviour, Refused(str(bad)))

    def _route(self, request: Recorded) -> Any:
        path = request.path.removeprefix("/v1")
        if path == "/responses/compact":
            return self._compact if request.method == "POST" else self._wrong_method
        one = re.fullmatch(r"/(files|batches|responses)(?:/([A-Za-z0-9_-]+))?(?:/(content|cancel|input_items))?", path)
        if one:
            service, ident, word = one.groups()
            if service == "responses" and ident is None:
                return None
            name = f"_{service}_{request.method.lower()}{'_one' if ident else ''}{'_' + word if word else ''}"
            found = getattr(self, name, None)
            if found is None:
                return self._wrong_method
            return (lambda r, b: found(ident, r, b)) if ident else found
        if request.method != "POST":
            return None
        return {
            "/completions": self._completions,
            "/moderations": self._moderations,
            "/images/generations": self._images,
            "/images/edits": self._image_edits,
            "/audio/speech": self._speech,
            "/audio/transcriptions": self._transcriptions,
            "/audio/translations": self._transcriptions,
        }.get(path)

    def _wrong_method(self, request: Recorded, behaviour: Behaviour) -> Plan:
        raise Refused(f"Not allowed to {request.method} on {request.path}.", "method", status=405)

    # -- reading and writing ----------------------------------------------------------------------------------

    def _body(self, request: Recorded, known: set[str], required: set[str]) -> dict[str, Any]:
        if (request.header("content-type") or "").split(";")[0] != "application/json":
            raise Refused("Unsupported content type: this API accepts application/json requests.", status=415)
        try:
            body = json.loads(request.body)
        except ValueError:
            raise Refused("We could not parse the JSON body of your request.") from None
        self._known(body, known, required)
        return body

    def _form(self, request: Recorded, known: set[str], required: set[str]) -> dict[str, Field]:
        parts = fields(request)
        form = {part.name: part for part in parts}
        if len(form) != len(parts):
            raise Refused("A field is there twice.")
        self._known(form, known, required)
        return form

    def _known(self, body: Any, known: set[str], required: set[str]) -> None:
        for name in body:
            if name not in known:
                raise Refused(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        for name in sorted(required):
            if name not in body:
                raise Refused(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
        model = body.get("model")
        model = model.value.decode() if isinstance(model, Field) else model
        if model is not None and model.startswith("missing"):
            raise Refused(f"The model `{model}` does not exist.", None, "model_not_found", 404)

    def _json(self, behaviour: Behaviour, request: Recorded, value: Any) -> Plan:
        if behaviour.body is not None:
            return self._raw(behaviour, request)
        payload = json.dumps(value, indent=2).encode() + b"\n"
        return how.unary(
            behaviour, 200, *gzipped(request, self._headers(behaviour, "application/json"), payload)
        )

    def _bytes(self, behaviour: Behaviour, kind: str, payload: bytes) -> Plan:
        return how.unary(behaviour, 200, self._headers(behaviour, kind), payload)

    def _events(self, behaviour: Behaviour, events: list[Any], named: bool = False) -> Plan:
        chunks = []
        for event in events:
            name = f"event: {event['type']}\n".encode() if named else b""
            chunks.append((name + b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n", True))
        headers = self._headers(behaviour, "text/event-stream; charset=utf-8")
        error = b'data: {"error":{"message":"The server had an error.","type":"server_error","param":null,"code":null}}\n\n'
        return how.streamed(behaviour, headers, chunks, error)

    # -- text completions -------------------------------------------------------------------------------------

    def _completions(self, request: Recorded, behaviour: Behaviour) -> Plan:
        body = self._body(request, COMPLETION_FIELDS, {"model", "prompt"})
        if not INSTRUCT.fullmatch(body["model"]) and not self.compatible:
            raise Refused(
                "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
                "model",
                status=404,
            )
        if body.get("stream_options") is not None and not body.get("stream"):
            raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
        if (body.get("logprobs") or 0) > 5:
            raise Refused("This model does not support logprobs above 5.", "logprobs")
        if (body.get("best_of") or body.get("n") or 1) < (body.get("n") or 1):
            raise Refused("best_of must be greater than n", "best_of")
        prompt = body["prompt"]
        whole = isinstance(prompt, str) or (isinstance(prompt, list) and prompt and isinstance(prompt[0], int))
        prompts = [prompt] if whole else prompt
        if not isinstance(prompts, list) or not prompts:
            raise Refused("Invalid type for 'prompt'.", "prompt", "invalid_type")
        answers: list[tuple[str, Answer]] = []
        for one in prompts:
            text = one if isinstance(one, str) else " ".join(f"t{token}" for token in one)
            stops = body.get("stop") or []
            ask = Ask(
                text=text,
                words=len(text.split()),
                limit=body.get("max_tokens") or 16,
                stops=[stops] if isinstance(stops, str) else stops,
            )
            for _ in range(body.get("n") or 1):
                answers.append((text, think(ask, behaviour.text, behaviour.overrides)))
        total = {"input": sum(a.input for _, a in answers), "output": sum(a.output for _, a in answers)}
        request.usage = total
        usage = {
            "prompt_tokens": total["input"],
            "completion_tokens": total["output"],
            "total_tokens": total["input"] + total["output"],
        }
        seed = hashlib.sha256(request.body).hexdigest()[:24]
        base = {"id": f"cmpl-{seed}", "object": "text_completion", "created": 1_760_000_000, "model": body["model"]}

        def choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
            logprobs = None
            if body.get("logprobs") is not None and text:
                words = tokens(text)
                logprobs = {
                    "text_offset": [len("".join(words[:at])) for at in range(len(words))],
                    "token_logprobs": [-0.5] * len(words),
                    "tokens": words,
                    "top_logprobs": [{word: -0.5} for word in words] if body["logprobs"] else None,
                }
            return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}

        def finish(answer: Answer) -> str:
            return "length" if answer.finish == "length" else "stop"

        if not body.get("stream"):
            choices = []
            for index, (text, answer) in enumerate(answers):
                said = (text if body.get("echo") else "") + answer.text
                choices.append(choice(index, said, finish(answer)))
            return self._json(behaviour, request, base | {"choices": choices, "usage": usage})
        wants = bool((body.get("stream_options") or {}).get("include_usage"))
        extra = {"usage": None} if wants else {}
        events: list[tuple[bytes, bool]] = []

        def add(choices: list[Any], content: bool, more: dict[str, Any]) -> None:
            chunk = base | {"choices": choices} | more
            events.append((b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n", content))

        for index, (text, answer) in enumerate(answers):
            if body.get("echo"):
                add([choice(index, text, None)], True, extra)
            for piece in tokens(answer.text):
                add([choice(index, piece, None)], True, extra)
            add([choice(index, "", finish(answer))], False, extra)
        if wants:
            add([], False, {"usage": usage})
        events.append((b"data: [DONE]\n\n", False))
        error = b'data: {"error":{"message":"The server had an error.","type":"server_error","param":null,"code":null}}\n\n'
        return how.streamed(behaviour, self._headers(behaviour, "text/event-stream"), events, error)

    # -- moderations and images -------------------------------------------------------------------------------

    def _moderations(self, request: Recorded, behaviour: Behaviour) -> Plan:
        body = self._body(request, {"input", "model"}, {"input"})
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        results = []
        for one in inputs:
            bad = "kill" in json.dumps(one)
            results.append(
                {
                    "flagged": bad,
                    "categories": {"violence": bad},
                    "category_scores": {"violence": 0.9 if bad else 0.01},
                    "category_applied_input_types": {"violence": ["text"]},
                }
            )
        model = body.get("model") or "omni-moderation-latest"
        return self._json(behaviour, request, {"id": "modr-1", "model": model, "results": results})

    def _picture(self, prompt: str) -> str:
        return base64.b64encode(b"\x89PNG" + hashlib.sha512(prompt.encode()).digest() * 400).decode()

    def _image_usage(self, prompt: str, pictures: int) -> dict[str, Any]:
        words = len(prompt.split())
        details = {"text_tokens": words, "image_tokens": 0}
        return {
            "input_tokens": words,
            "output_tokens": 272 * pictures,
            "total_tokens": words + 272 * pictures,
            "input_tokens_details": details,
        }

    def _images(self, request: Recorded, behaviour: Behaviour) -> Plan:
        body = self._body(request, IMAGE_FIELDS, {"prompt"})
        model = body.get("model") or "dall-e-2"
        if model.startswith("gpt-image") and "response_format" in body:
            raise Refused("Unknown parameter: 'response_format'.", "response_format", "unknown_parameter")
        count = body.get("n") or 1
        usage = self._image_usage(body["prompt"], count)
        request.usage = {"input": usage["input_tokens"], "output": usage["output_tokens"]}
        picture = self._picture(body["prompt"])
        if body.get("stream"):
            partial = {"type": "image_generation.partial_image", "b64_json": picture, "partial_image_index": 0}
            done = {"type": "image_generation.completed", "b64_json": picture, "usage": usage}
            return self._events(behaviour, [partial, done], named=True)
        data = [{"b64_json": picture} for _ in range(count)]
        # The usage stands before and behind the pictures, depending on the server; here behind.
        return self._json(behaviour, request, {"created": 1_760_000_000, "data": data, "usage": usage})

    def _image_edits(self, request: Recorded, behaviour: Behaviour) -> Plan:
        form = self._form(request, IMAGE_FIELDS | {"image", "image[]", "mask"}, {"prompt"})
        image = form.get("image") or form.get("image[]")
        if image is None or not image.filename or not image.value.startswith(b"\x89PNG"):
            raise Refused("Invalid image file.", "image", "invalid_image_file")
        prompt = form["prompt"].value.decode()
        usage = self._image_usage(prompt, 1)
        request.usage = {"input": usage["input_tokens"], "output": usage["output_tokens"]}
        data = [{"b64_json": self._picture(prompt)}]
        return self._json(behaviour, request, {"created": 1_760_000_000, "data": data, "usage": usage})

    # -- audio ------------------------------------------------------------------------------------------------

    def _speech(self, request: Recorded, behaviour: Behaviour) -> Plan:
        body = self._body(request, SPEECH_FIELDS, {"model", "input", "voice"})
        audio = sound(body["input"])
        if body.get("stream_format") == "sse":
            pieces = [audio[at : at + 999] for at in range(0, len(audio), 999)]
            events: list[Any] = [
                {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()} for piece in pieces
            ]
            words = len(body["input"].split())
            request.usage = {"input": words, "output": 40 * words}
            usage = {"input_tokens": words, "output_tokens": 40 * words, "total_tokens": 41 * words}
            events.append({"type": "speech.audio.done", "usage": usage})
            return self._events(behaviour, events)
        kind = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}[body.get("response_format") or "mp3"]
        pieces = [(audio[at : at + 4096], True) for at in range(0, len(audio), 4096)]
        return how.streamed(behaviour, self._headers(behaviour, kind), pieces, b"")

    def _transcriptions(self, request: Recorded, behaviour: Behaviour) -> Plan:
        form = self._form(request, TRANSCRIPTION_FIELDS, {"file", "model"})
        file = form["file"]
        if not file.filename or not file.value.startswith(b"RIFF"):
            raise Refused("Invalid file format. Supported formats: ['flac', 'mp3', 'wav', 'webm']", "file")
        text = f"heard {hashlib.md5(file.value).hexdigest()}"
        model = form["model"].value.decode()
        shape = form["response_format"].value.decode() if "response_format" in form else "json"
        if shape in ("text", "srt", "vtt"):
            return self._bytes(behaviour, "text/plain; charset=utf-8", (text + "\n").encode())
        if model == "whisper-1":
            return self._json(behaviour, request, {"text": text, "usage": {"type": "duration", "seconds": 3}})
        request.usage = {"input": 14, "output": 2}
        usage = {
            "type": "tokens",
            "input_tokens": 14,
            "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
            "output_tokens": 2,
            "total_tokens": 16,
        }
        if "stream" in form and form["stream"].value == b"true":
            events: list[Any] = [{"type": "transcript.text.delta", "delta": piece} for piece in tokens(text)]
            return self._events(behaviour, [*events, {"type": "transcript.text.done", "text": text, "usage": usage}])
        return self._json(behaviour, request, {"text": text, "usage": usage})

    # -- files ------------------------------------------------------------------------------------------------

    def _files_post(self, request: Recorded, behaviour: Behaviour) -> Plan:
        known = {"file", "purpose", "expires_after[anchor]", "expires_after[seconds]"}
        form = self._form(request, known, {"file", "purpose"})
        file, purpose = form["file"], form["purpose"].value.decode()
        if purpose not in ("assistants", "batch", "fine-tune", "vision", "user_data", "evals"):
            raise Refused(f"'{purpose}' is not one of ['fine-tune', 'assistants', 'batch', …] - 'purpose'", "purpose")
        ident = f"file-{hashlib.md5(file.value).hexdigest()[:20]}"
        made = {
            "id": ident,
            "object": "file",
            "bytes": len(file.value),
            "created_at": 1_760_000_000,
            "filename": file.filename,
            "purpose": purpose,
            "status": "processed",
        }
        self.uploaded[ident] = (made, file.value)
        return self._json(behaviour, request, made)

    def _files_get(self, request: Recorded, behaviour: Behaviour) -> Plan:
        files = [made for made, _ in self.uploaded.values()]
        return self._json(behaviour, request, {"object": "list", "data": files, "has_more": False})

    def _file(self, ident: str) -> tuple[dict[str, Any], bytes]:
        if ident not in self.uploaded:
            raise Refused(f"No such File object: {ident}", "id", status=404)
        return self.uploaded[ident]

    def _files_get_one(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        return self._json(behaviour, request, self._file(ident)[0])

    def _files_get_one_content(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        content = self._file(ident)[1]
        pieces = [(content[at : at + 65536], True) for at in range(0, len(content), 65536)]
        return how.streamed(behaviour, self._headers(behaviour, "application/octet-stream"), pieces, b"")

    def _files_delete_one(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        self._file(ident)
        del self.uploaded[ident]
        return self._json(behaviour, request, {"id": ident, "object": "file", "deleted": True})

    # -- batches ----------------------------------------------------------------------------------------------

    def _batches_post(self, request: Recorded, behaviour: Behaviour) -> Plan:
        required = {"input_file_id", "endpoint", "completion_window"}
        body = self._body(request, required | {"metadata", "output_expires_after"}, required)
        self._file(body["input_file_id"])
        ident = f"batch_{len(self.batches) + 1}"
        self.batches[ident] = {
            "id": ident,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "status": "validating",
            "created_at": 1_760_000_000,
        }
        return self._json(behaviour, request, self.batches[ident])

    def _batches_get(self, request: Recorded, behaviour: Behaviour) -> Plan:
        return self._json(
            behaviour, request, {"object": "list", "data": list(self.batches.values()), "has_more": False}
        )

    def _batches_get_one(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        if ident not in self.batches:
            raise Refused(f"No batch found with id '{ident}'.", status=404)
        return self._json(behaviour, request, self.batches[ident])

    def _batches_post_one_cancel(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        if request.body:
            raise Refused("This endpoint takes no body.")
        if ident not in self.batches:
            raise Refused(f"No batch found with id '{ident}'.", status=404)
        self.batches[ident]["status"] = "cancelling"
        return self._json(behaviour, request, self.batches[ident])

    def _compact(self, request: Recorded, behaviour: Behaviour) -> Plan:
        body = self._body(request, COMPACT_FIELDS, {"model"})
        check(body, reasoning=bool(REASONING.match(str(body["model"]))))
        said = body["input"]
        items = [{"type": "message", "role": "user", "content": said}] if isinstance(said, str) else said
        seal = SEAL + hashlib.sha256(json.dumps(items).encode()).hexdigest()
        users = [item for item in items if item.get("role") == "user"]
        compaction = {"id": "cmp_0123456789abcdef", "type": "compaction", "encrypted_content": seal}
        counted = len(tokens(json.dumps(items)))
        value = {
            "id": "resp_compacted",
            "object": "response.compaction",
            "created_at": 1_760_000_000,
            "output": [*users, compaction],
            "usage": {
                "input_tokens": counted,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": counted + 20,
            },
        }
        return self._json(behaviour, request, value)

    # -- stored responses -------------------------------------------------------------------------------------

    def _stored(self, ident: str) -> dict[str, Any]:
        if ident != STORED:
            raise Refused(f"Response with id '{ident}' not found.", status=404)
        return {
            "id": STORED,
            "object": "response",
            "created_at": 1_760_000_000,
            "model": "gpt-4o",
            "status": "completed",
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {"input_tokens": 7, "output_tokens": 8, "total_tokens": 15},
        }

    def _responses_get_one(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        return self._json(behaviour, request, self._stored(ident))

    def _responses_delete_one(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        self._stored(ident)
        return self._json(behaviour, request, {"id": ident, "object": "response", "deleted": True})

    def _responses_post_one_cancel(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        return self._json(behaviour, request, self._stored(ident) | {"status": "cancelled"})

    def _responses_get_one_input_items(self, ident: str, request: Recorded, behaviour: Behaviour) -> Plan:
        self._stored(ident)
        return self._json(behaviour, request, {"object": "list", "data": [], "has_more": False})


def _completes(request: Recorded) -> bool:
    """Whether the model that is asked for completes texts and does nothing else."""
    try:
        return bool(INSTRUCT.fullmatch(json.loads(request.body)["model"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def sound(text: str) -> bytes:
    """The audio that this simulator makes of a text: no text, and not UTF-8 either."""
    return b"\xff\xfb\x90\x00" + hashlib.sha256(text.encode()).digest() * 1200
