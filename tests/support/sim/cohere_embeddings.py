"""Cohere's `/v2/embed`, `/v1/embed`, `/v2/rerank` and `/v1/rerank`."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .embedding import Refused, VectorSim, only, positive, strings
from .server import Recorded
from .vectors import encoded, int8, ranked, tokens, vector

PURPOSES = {"search_document", "search_query", "classification", "clustering", "image"}
KINDS = {"float", "int8", "uint8", "binary", "ubinary", "base64"}
FIELDS = {"texts", "images", "input_type", "embedding_types", "truncate"}


def embeddings(body: Any, most: int = 96) -> tuple[dict[str, Any], list[str], int]:
    """The vectors of a good request by kind, its texts, and the tokens that are billed."""
    if body.get("input_type") not in PURPOSES:
        raise Refused("invalid request: valid input_type must be provided with the provided model")
    given = [name for name in ("texts", "images", "inputs") if body.get(name)]
    if len(given) != 1:
        raise Refused("invalid request: one of texts, images and inputs must be given")
    if "texts" in given:
        texts = strings(body["texts"], "texts", most)
    elif "images" in given:
        texts = strings(body["images"], "images", 1)
        if not texts[0].startswith("data:image/"):
            raise Refused("invalid request: images must be data URIs")
    else:
        texts = ["\n".join(_piece(piece) for piece in item["content"]) for item in body["inputs"]]
    if body.get("truncate") not in (None, "NONE", "START", "END"):
        raise Refused("invalid request: truncate must be NONE, START or END")
    kinds = body.get("embedding_types") or ["float"]
    if not set(kinds) <= KINDS:
        raise Refused("invalid request: embedding_types")
    found: dict[str, Any] = {}
    values = [vector(text, positive(body, "output_dimension"), salt=body["input_type"]) for text in texts]
    for kind in kinds:
        form = {"float": list, "base64": encoded, "int8": int8}.get(kind)
        if form is None:
            raise Refused(f"the simulator makes no {kind}")
        found[kind] = [form(one) for one in values]
    return found, texts, sum(map(tokens, texts))


def _piece(piece: Any) -> str:
    return piece["text"] if piece["type"] == "text" else piece["image_url"]["url"]


class CohereEmbeddingsSim(VectorSim):
    """Both versions."""

    name = "cohere-embeddings"

    def embed(self, request: Recorded, body: Any) -> Any:
        version, _, what = request.path.removeprefix("/v").partition("/")
        if what == "rerank":
            return self._rerank(request, body, version)
        if what != "embed" or version not in ("1", "2"):
            raise Refused("endpoint not found", 404)
        more = {"inputs", "output_dimension", "max_tokens"} if version == "2" else set()
        only(body, FIELDS | {"model"} | more)
        if not str(body.get("model")).startswith("embed-"):
            raise Refused(f"model '{body.get('model')}' not found, make sure the correct model ID was used", 404)
        found, texts, count = embeddings(body)
        request.usage = {"input": count}
        plain = version == "1" and not body.get("embedding_types")
        units = {"input_tokens": count}
        return {
            "id": hashlib.md5(request.body).hexdigest(),
            "texts": texts if body.get("texts") else [],
            "embeddings": found["float"] if plain else found,
            "meta": {"api_version": {"version": version}, "billed_units": units},
            "response_type": "embeddings_floats" if plain else "embeddings_by_type",
        }

    def _rerank(self, request: Recorded, body: Any, version: str) -> Any:
        if version == "2":
            only(body, {"model", "query", "documents", "top_n", "max_tokens_per_doc"})
            documents = strings(body.get("documents"), "documents", 1000)
        else:
            only(
                body,
                {"model", "query", "documents", "top_n", "return_documents", "rank_fields", "max_chunks_per_doc"},
            )
            documents = [item if isinstance(item, str) else item["text"] for item in body["documents"]]
        if not str(body.get("model")).startswith("rerank-"):
            raise Refused(f"model '{body.get('model')}' not found", 404)
        results = []
        for index, score in ranked(body["query"], documents, positive(body, "top_n")):
            one: dict[str, Any] = {"index": index, "relevance_score": score}
            if body.get("return_documents"):
                one["document"] = {"text": documents[index]}
            results.append(one)
        return {
            "id": hashlib.md5(request.body).hexdigest(),
            "results": results,
            "meta": {"api_version": {"version": version}, "billed_units": {"search_units": 1}},
        }

    def error(self, refused: Refused) -> bytes:
        return json.dumps({"id": "simulated", "message": refused.message}).encode()
