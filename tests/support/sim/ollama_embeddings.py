"""Ollama's `/api/embed` and the older `/api/embeddings`."""

from __future__ import annotations

import json
from typing import Any

from .embedding import Refused, VectorSim, only, positive
from .server import Recorded
from .vectors import tokens, vector


class OllamaEmbeddingsSim(VectorSim):
    """Takes no key."""

    name = "ollama-embeddings"
    key_prefix = ""

    def __init__(self) -> None:
        super().__init__("")

    def answer(self, request: Recorded, behaviour: Any) -> Any:
        if request.header("authorization") is None:
            request.headers.append(("authorization", ""))
        return super().answer(request, behaviour)

    def embed(self, request: Recorded, body: Any) -> Any:
        if body.get("model") != "nomic-embed-text":
            raise Refused(f"model {body.get('model')!r} not found, try pulling it first", 404)
        if request.path == "/api/embeddings":
            only(body, {"model", "prompt", "options", "keep_alive"})
            if not isinstance(body.get("prompt"), str):
                raise Refused("json: cannot unmarshal into EmbeddingRequest.prompt of type string")
            request.usage = {"input": tokens(body["prompt"])}
            # Nothing loads the model.
            return {"embedding": vector(body["prompt"]) if body["prompt"] else []}
        if request.path == "/v1/embeddings":
            return self._openai(request, body)
        if request.path != "/api/embed":
            raise Refused("404 page not found", 404)
        only(body, {"model", "input", "truncate", "dimensions", "options", "keep_alive"})
        given = body.get("input")
        texts = [given] if isinstance(given, str) and given else given or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused("invalid input type")
        request.usage = {"input": sum(map(tokens, texts))}
        # Nothing loads the model.
        return {
            "model": body["model"],
            "embeddings": [vector(text, positive(body, "dimensions")) for text in texts],
            "total_duration": 14_143_917,
            "load_duration": 1_019_500,
            "prompt_eval_count": request.usage["input"],
        }

    def _openai(self, request: Recorded, body: Any) -> Any:
        """OpenAI's form; of base64 the server's older versions knew nothing."""
        only(body, {"model", "input", "encoding_format", "dimensions", "user"})
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused("invalid input type")
        request.usage = {"input": sum(map(tokens, texts))}
        size = positive(body, "dimensions")
        data = [
            {"object": "embedding", "embedding": vector(text, size), "index": index} for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": request.usage["input"], "total_tokens": request.usage["input"]}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    def error(self, refused: Refused) -> bytes:
        return json.dumps({"error": refused.message}).encode()
