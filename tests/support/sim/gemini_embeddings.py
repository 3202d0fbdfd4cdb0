"""Gemini's `:batchEmbedContents` and `:embedContent`."""

from __future__ import annotations

import json
from typing import Any

from .embedding import Refused, VectorSim, model_in, only, positive
from .server import Recorded
from .vectors import tokens, vector

TASKS = {
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
}
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiEmbeddingsSim(VectorSim):
    """The older model gives no counts, the newer one does."""

    name = "gemini-embeddings"
    key_header = "x-goog-api-key"
    key_prefix = ""

    def embed(self, request: Recorded, body: Any) -> Any:
        batch = model_in(request.path, "/v1beta/models/", ":batchEmbedContents")
        one = model_in(request.path, "/v1beta/models/", ":embedContent")
        model = batch or one
        if model is None or not model.startswith("gemini-embedding"):
            raise Refused(f"models/{model} is not found for API version v1beta", 404)
        if batch is not None:
            only(body, {"requests"})
            requests = body.get("requests")
            if not isinstance(requests, list) or not 1 <= len(requests) <= 100:
                raise Refused("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch")
            for item in requests:
                if item.get("model") != f"models/{model}":
                    raise Refused("* BatchEmbedContentsRequest.requests[0].model: must match the model of the batch")
        else:
            requests = [body]
        request.usage = {"input": 0}
        vectors = [{"values": self._one(request, item, model)} for item in requests]
        answer: dict[str, Any] = {"embeddings": vectors} if batch is not None else {"embedding": vectors[0]}
        if model != "gemini-embedding-001":
            answer["usageMetadata"] = {"promptTokenCount": request.usage["input"]}
        return answer

    def _one(self, request: Recorded, item: Any, model: str) -> list[float]:
        only(item, {"model", "content", "taskType", "title", "outputDimensionality"}, "request")
        if item.get("model") not in (None, f"models/{model}"):
            raise Refused("* EmbedContentRequest.model: must match the model of the path")
        parts = (item.get("content") or {}).get("parts")
        if not isinstance(parts, list) or not parts:
            raise Refused("* EmbedContentRequest.content: contents is not specified")
        task = item.get("taskType")
        if task is not None and task not in TASKS:
            raise Refused(f"Invalid value at 'task_type': {task!r}")
        if item.get("title") and task != "RETRIEVAL_DOCUMENT":
            raise Refused("* EmbedContentRequest.title: only applicable when TaskType is RETRIEVAL_DOCUMENT")
        texts = []
        for part in parts:
            if "text" in part:
                texts.append(part["text"])
            elif "inlineData" in part and model != "gemini-embedding-001":
                texts.append(part["inlineData"]["mimeType"] + part["inlineData"]["data"])
            else:
                raise Refused("* EmbedContentRequest.content: this model embeds text")
        text = "\n".join(texts)
        request.usage["input"] += tokens(text)
        return vector(text, positive(item, "outputDimensionality"), salt=task or "")

    def error(self, refused: Refused) -> bytes:
        status = STATUS.get(refused.status, "INTERNAL")
        return json.dumps({"error": {"code": refused.status, "message": refused.message, "status": status}}).encode()


class VertexEmbeddingsSim(GeminiEmbeddingsSim):
    """Vertex AI: `:predict` for the models of text, and `:embedContent`, which has its settings in
    `embedContentConfig`, for the Gemini models; only the first of those has both."""

    name = "vertex-embeddings"
    key_header = "authorization"
    key_prefix = "Bearer "
    models = "/v1/projects/p1/locations/global/publishers/google/models/"

    def embed(self, request: Recorded, body: Any) -> Any:
        predicts = model_in(request.path, self.models, ":predict")
        embeds = model_in(request.path, self.models, ":embedContent")
        model = predicts or embeds or ""
        first = model == "gemini-embedding-001"
        if (embeds and "gemini" in model) or (predicts and (first or model.startswith("text-embedding-"))):
            return self._predict(request, body, first) if predicts else self._embed(request, body)
        raise Refused(f"Publisher Model `{request.path[4:]}` was not found or does not serve this method.", 404)

    def _predict(self, request: Recorded, body: Any, first: bool) -> Any:
        only(body, {"instances", "parameters"})
        instances, parameters = body.get("instances"), body.get("parameters") or {}
        only(parameters, {"outputDimensionality", "autoTruncate"}, "parameters")
        if not isinstance(instances, list) or not 1 <= len(instances) <= (1 if first else 250):
            raise Refused("The number of instances is out of range.")
        request.usage = {"input": 0}
        predictions = []
        for one in instances:
            only(one, {"content", "task_type", "title"}, "instance")
            self._task(one.get("task_type"), one.get("title"))
            count = tokens(one["content"])
            request.usage["input"] += count
            size = positive(parameters, "outputDimensionality")
            statistics = {"token_count": count, "truncated": False}
            values = vector(one["content"], size, salt=one.get("task_type") or "")
            predictions.append({"embeddings": {"values": values, "statistics": statistics}})
        return {"predictions": predictions, "metadata": {"billableCharacterCount": 1}}

    def _embed(self, request: Recorded, body: Any) -> Any:
        only(body, {"content", "embedContentConfig"})
        config = body.get("embedContentConfig") or {}
        only(config, {"taskType", "title", "outputDimensionality", "autoTruncate"}, "embedContentConfig")
        self._task(config.get("taskType"), config.get("title"))
        text = "\n".join(part["text"] for part in body["content"]["parts"])
        request.usage = {"input": tokens(text)}
        values = vector(text, positive(config, "outputDimensionality"), salt=config.get("taskType") or "")
        usage = {"promptTokenCount": request.usage["input"], "totalTokenCount": request.usage["input"]}
        return {"embedding": {"values": values}, "usageMetadata": usage, "truncated": False}

    @staticmethod
    def _task(task: Any, title: Any) -> None:
        if task is not None and task not in TASKS:
            raise Refused(f"Invalid value at 'task_type': {task!r}")
        if title and task != "RETRIEVAL_DOCUMENT":
            raise Refused("Title is only applicable when TaskType is RETRIEVAL_DOCUMENT")
