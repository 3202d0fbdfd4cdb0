"""OpenAI's `/v1/embeddings`, and Voyage's and Jina's forms of it with their rerank."""

from __future__ import annotations

import json
from typing import Any

from .embedding import Refused, VectorSim, only, positive, strings
from .server import Recorded
from .vectors import encoded, int8, ranked, tokens, vector


class OpenAIEmbeddingsSim(VectorSim):
    """OpenAI itself. `plain`: an older server of the same shape that answers base64 with numbers."""

    name = "openai-embeddings"

    def __init__(self, key: str, *, plain: bool = False) -> None:
        self.plain = plain
        super().__init__(key)

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return f"{self.origin}/v1"

    def embed(self, request: Recorded, body: Any) -> Any:
        if request.path != "/v1/embeddings":
            raise Refused(f"Invalid URL ({request.method} {request.path})", 404)
        only(body, {"model", "input", "encoding_format", "dimensions", "user"})
        model = body.get("model")
        if not isinstance(model, str) or not model.startswith("text-embedding"):
            raise Refused(f"The model `{model}` does not exist or you do not have access to it.", 404)
        wanted = body.get("encoding_format", "float")
        if wanted not in ("float", "base64"):
            raise Refused("Invalid 'encoding_format'", param="encoding_format")
        size = positive(body, "dimensions")
        if size is not None and model == "text-embedding-ada-002":
            raise Refused("This model does not support specifying dimensions.", param="dimensions")
        texts = _inputs(body.get("input"))
        request.usage = {"input": sum(map(tokens, texts))}
        data = []
        for index, text in enumerate(texts):
            values = vector(text, size)
            shown = encoded(values) if wanted == "base64" and not self.plain else values
            data.append({"object": "embedding", "index": index, "embedding": shown})
        count = request.usage["input"]
        usage = {"prompt_tokens": count, "total_tokens": count}
        return {"object": "list", "data": data, "model": model, "usage": usage}

    def error(self, refused: Refused) -> bytes:
        kind = {401: "invalid_request_error", 429: "requests"}.get(refused.status, "invalid_request_error")
        kind = "server_error" if refused.status >= 500 else kind
        error = {"message": refused.message, "type": kind, "param": refused.param, "code": None}
        return json.dumps({"error": error}).encode()


def _inputs(given: Any) -> list[str]:
    """Each input as text; token ids stand for themselves."""
    if isinstance(given, str) and given:
        return [given]
    if not isinstance(given, list) or not given or len(given) > 2048:
        raise Refused("'$.input' is invalid. Please check the API reference.", param="input")
    if all(isinstance(item, int) for item in given):
        return [" ".join(map(str, given))]
    found = []
    for item in given:
        if isinstance(item, str) and item:
            found.append(item)
        elif isinstance(item, list) and item and all(isinstance(token, int) for token in item):
            found.append(" ".join(map(str, item)))
        else:
            raise Refused("'$.input' is invalid. Please check the API reference.", param="input")
    return found


class VoyageSim(VectorSim):
    """Voyage: `output_dimension`, `output_dtype`, `input_type`; rerank with `top_k` and `data`."""

    name = "voyage"

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return f"{self.origin}/v1"

    def embed(self, request: Recorded, body: Any) -> Any:
        if request.path == "/v1/rerank":
            return self._rerank(request, body)
        if request.path != "/v1/embeddings":
            raise Refused("Not Found", 404)
        only(
            body,
            {"model", "input", "input_type", "truncation", "output_dimension", "output_dtype", "encoding_format"},
        )
        if not str(body.get("model")).startswith("voyage-"):
            raise Refused(f"Model {body.get('model')} is not supported.")
        given = body.get("input")
        texts = [given] if isinstance(given, str) and given else strings(given, "input", 1000)
        if body.get("input_type") not in (None, "query", "document"):
            raise Refused("Value 'input_type' provided is not one of the accepted values: query, document.")
        dtype = body.get("output_dtype") or "float"
        if dtype not in ("float", "int8", "uint8", "binary", "ubinary"):
            raise Refused("The value of 'output_dtype' is not supported.")
        request.usage = {"input": sum(map(tokens, texts))}
        data = []
        for index, text in enumerate(texts):
            values = vector(text, positive(body, "output_dimension"), salt=body.get("input_type") or "")
            shown: Any = int8(values) if dtype == "int8" else values
            if body.get("encoding_format") == "base64":
                shown = encoded(values)
            data.append({"object": "embedding", "embedding": shown, "index": index})
        usage = {"total_tokens": request.usage["input"]}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    def _rerank(self, request: Recorded, body: Any) -> Any:
        only(body, {"model", "query", "documents", "top_k", "return_documents", "truncation"})
        documents = strings(body.get("documents"), "documents", 1000)
        found = ranked(body["query"], documents, positive(body, "top_k"))
        request.usage = {"input": sum(map(tokens, documents))}
        data = [{"relevance_score": score, "index": index} for index, score in found]
        usage = {"total_tokens": request.usage["input"]}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    def error(self, refused: Refused) -> bytes:
        return json.dumps({"detail": refused.message}).encode()


class JinaSim(VectorSim):
    """Jina's rerank, which gives the documents back unless told not to; vLLM, Together and others have its shape."""

    name = "jina"

    @property
    def base_url(self) -> str:
        """What gateway.yaml gives as `base_url`."""
        return f"{self.origin}/v1"

    def embed(self, request: Recorded, body: Any) -> Any:
        if request.path != "/v1/rerank":
            raise Refused("Not Found", 404)
        only(body, {"model", "query", "documents", "top_n", "return_documents", "truncation", "max_doc_length"})
        documents = body.get("documents")
        if not isinstance(documents, list) or not documents:
            raise Refused("documents: a list is required")
        texts = [item if isinstance(item, str) else item["text"] for item in documents]
        results = []
        for index, score in ranked(body["query"], texts, positive(body, "top_n")):
            one: dict[str, Any] = {"index": index, "relevance_score": score}
            if body.get("return_documents", True):
                one["document"] = {"text": texts[index]}
            results.append(one)
        request.usage = {"input": sum(map(tokens, texts))}
        usage = {"prompt_tokens": request.usage["input"], "total_tokens": request.usage["input"]}
        return {"model": body["model"], "object": "list", "usage": usage, "results": results}

    def error(self, refused: Refused) -> bytes:
        return json.dumps({"detail": refused.message}).encode()
