"""Bedrock's `InvokeModel` with the models that embed and rerank: Titan, Nova and Cohere."""

from __future__ import annotations

import json
from typing import Any

from .cohere_embeddings import FIELDS, embeddings
from .embedding import Refused, VectorSim, model_in, only, positive, strings
from .server import Recorded
from .vectors import ranked, tokens, vector


class BedrockEmbeddingsSim(VectorSim):
    """With a key of Bedrock's own."""

    name = "bedrock-embeddings"

    def embed(self, request: Recorded, body: Any) -> Any:
        model = model_in(request.path, "/model/", "/invoke")
        if model is None:
            raise Refused("UnknownOperationException", 404)
        if "rerank" in model:
            return self._rerank(request, body, model)
        if "cohere.embed" in model:
            only(body, FIELDS | {"inputs", "output_dimension", "max_tokens"})
            found, texts, count = embeddings(body)
            request.usage = {"input": count}
            return {"id": "x", "texts": texts, "embeddings": found, "response_type": "embeddings_by_type"}
        if "titan-embed-text" in model:
            second = "v2" in model
            only(body, {"inputText"} | ({"dimensions", "normalize", "embeddingTypes"} if second else set()))
            text = body.get("inputText")
            if not isinstance(text, str) or not text:
                raise Refused("Malformed input request: #: required key [inputText] not found, please reformat.")
            values = vector(text, positive(body, "dimensions"))
            request.usage = {"input": tokens(text)}
            answer: dict[str, Any] = {"embedding": values, "inputTextTokenCount": tokens(text)}
            return answer | ({"embeddingsByType": {"float": values}} if second else {})
        if "multimodal-embeddings" in model:
            only(body, {"schemaVersion", "taskType", "singleEmbeddingParams"})
            params = body["singleEmbeddingParams"]
            only(params, {"embeddingPurpose", "embeddingDimension", "text", "image"})
            text = params["text"]["value"]
            if params["text"].get("truncationMode") not in ("NONE", "START", "END"):
                raise Refused("truncationMode is required")
            request.usage = {"input": tokens(text)}
            values = vector(text, positive(params, "embeddingDimension"), salt=params["embeddingPurpose"])
            return {"embeddings": [{"embeddingType": "TEXT", "embedding": values}]}
        raise Refused("The provided model identifier is invalid.")

    def _rerank(self, request: Recorded, body: Any, model: str) -> Any:
        cohere = model.startswith("cohere.")
        only(body, {"query", "documents", "top_n"} | ({"api_version", "max_tokens_per_doc"} if cohere else set()))
        if cohere and body.get("api_version") != 2:
            raise Refused("Malformed input request: api_version must be 2, please reformat.")
        documents = strings(body.get("documents"), "documents", 1000)
        found = ranked(body["query"], documents, positive(body, "top_n"))
        return {"results": [{"index": index, "relevance_score": score} for index, score in found]}

    def counted(self, request: Recorded) -> list[tuple[str, str]]:
        return [("x-amzn-bedrock-input-token-count", str(request.usage["input"]))] if request.usage else []

    def error(self, refused: Refused) -> bytes:
        return json.dumps({"message": refused.message}).encode()
