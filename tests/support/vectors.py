"""A world of providers that embed and rerank, and what clients of each format send and read."""

from __future__ import annotations

from typing import Any

from .sim.bedrock_embeddings import BedrockEmbeddingsSim
from .sim.cohere_embeddings import CohereEmbeddingsSim
from .sim.gemini_embeddings import GeminiEmbeddingsSim, VertexEmbeddingsSim
from .sim.ollama_embeddings import OllamaEmbeddingsSim
from .sim.openai_embeddings import JinaSim, OpenAIEmbeddingsSim, VoyageSim
from .sim.server import Simulator
from .sim.vectors import decoded

SECRETS = {
    "OPENAI_VECTOR_KEY": "sk-vectors-1f8e0d6b5c4a3928",
    "GEMINI_VECTOR_KEY": "AIzaVectors-9d4c2b1a0f8e7d6c",
    "VERTEX_VECTOR_KEY": "ya29.vectors-2b3c4d5e6f708192",
    "COHERE_VECTOR_KEY": "co-vectors-5a4b3c2d1e0f9a8b",
    "BEDROCK_VECTOR_KEY": "ABSKvectors-0a1b2c3d4e5f6071",
    "VOYAGE_VECTOR_KEY": "pa-vectors-7c6d5e4f3a2b1c0d",
    "JINA_VECTOR_KEY": "jina_vectors-3e2d1c0b9a8f7e6d",
}


class Vectors:
    """Simulators and the configuration over them."""

    def __init__(self) -> None:
        self.openai = OpenAIEmbeddingsSim(SECRETS["OPENAI_VECTOR_KEY"])
        self.plain = OpenAIEmbeddingsSim(SECRETS["OPENAI_VECTOR_KEY"], plain=True)
        self.gemini = GeminiEmbeddingsSim(SECRETS["GEMINI_VECTOR_KEY"])
        self.vertex = VertexEmbeddingsSim(SECRETS["VERTEX_VECTOR_KEY"])
        self.cohere = CohereEmbeddingsSim(SECRETS["COHERE_VECTOR_KEY"])
        self.bedrock = BedrockEmbeddingsSim(SECRETS["BEDROCK_VECTOR_KEY"])
        self.ollama = OllamaEmbeddingsSim()
        self.voyage = VoyageSim(SECRETS["VOYAGE_VECTOR_KEY"])
        self.jina = JinaSim(SECRETS["JINA_VECTOR_KEY"])
        self.sims: list[Simulator] = [
            self.openai,
            self.plain,
            self.gemini,
            self.vertex,
            self.cohere,
            self.bedrock,
            self.ollama,
            self.voyage,
            self.jina,
        ]

    def config(self) -> dict[str, Any]:
        """The gateway.yaml."""
        key = {name: f"{name.upper()}_VECTOR_KEY" for name in ("openai", "gemini", "cohere", "bedrock", "voyage", "jina")}
        providers = {
            "openai": {"preset": "openai", "base_url": self.openai.base_url, "api_key_env": key["openai"]},
            "plain": {"dialect": "openai_chat", "base_url": self.plain.base_url, "api_key_env": key["openai"]},
            "gemini": {"preset": "gemini", "base_url": self.gemini.origin, "api_key_env": key["gemini"]},
            "vertex": {
                "base_url": f"{self.vertex.origin}/v1/projects/p1/locations/global",
                "preset": "vertex",
                "api_key_env": "VERTEX_VECTOR_KEY",
            },
            "cohere": {"preset": "cohere", "base_url": self.cohere.origin, "api_key_env": key["cohere"]},
            "bedrock": {"preset": "bedrock", "base_url": self.bedrock.origin, "api_key_env": key["bedrock"]},
            "ollama": {"preset": "ollama", "base_url": self.ollama.origin},
            "voyage": {"preset": "voyage", "base_url": self.voyage.base_url, "api_key_env": key["voyage"]},
            "jina": {"preset": "jina", "base_url": self.jina.base_url, "api_key_env": key["jina"]},
            "chatter": {"preset": "anthropic", "base_url": "http://127.0.0.1:9", "auth": "none"},
        }
        models = {
            "openai": "openai/text-embedding-3-small",
            "ada": "openai/text-embedding-ada-002",
            "plain": "plain/text-embedding-3-small",
            "gemini": "gemini/gemini-embedding-001",
            "google": "gemini/gemini-embedding-001",
            "gemini-2": "gemini/gemini-embedding-2",
            "vertex": "vertex/text-embedding-005",
            "vertex-1": "vertex/gemini-embedding-001",
            "vertex-2": "vertex/gemini-embedding-2",
            "vertex-then-gemini": ["vertex/gemini-embedding-2", "gemini/gemini-embedding-2"],
            "cohere": "cohere/embed-v4.0",
            "titan": "bedrock/amazon.titan-embed-text-v2:0",
            "titan-1": "bedrock/amazon.titan-embed-text-v1",
            "nova": "bedrock/amazon.nova-2-multimodal-embeddings-v1:0",
            "bedrock-cohere": "bedrock/us.cohere.embed-v4:0",
            "ollama": "ollama/nomic-embed-text",
            "voyage": "voyage/voyage-3.5",
            "chain": ["openai/text-embedding-3-small", "cohere/embed-v4.0"],
            "skips": ["chatter/claude", "gemini/gemini-embedding-001"],
            "chatter": "chatter/claude",
            "strict": {"targets": ["cohere/embed-v4.0"], "drop_params": False},
            "tuned": {
                "targets": [{"provider": "cohere", "model": "embed-v4.0", "params": {"input_type": "clustering"}}]
            },
            "alias": {"targets": ["openai/text-embedding-3-large"], "aliases": ["other-name"]},
            "cohere-rerank": "cohere/rerank-v3.5",
            "jina-rerank": "jina/jina-reranker-v2",
            "voyage-rerank": "voyage/rerank-2.5",
            "bedrock-rerank": "bedrock/cohere.rerank-v3-5:0",
            "amazon-rerank": "bedrock/amazon.rerank-v1:0",
            "rerank-chain": ["jina/jina-reranker-v2", "cohere/rerank-v3.5"],
        }
        return {"providers": providers, "models": models}

    def clear(self) -> None:
        """No scripts, no records."""
        for sim in self.sims:
            sim.clear()

    def faults(self) -> list[str]:
        """What any simulator found wrong with framing or headers."""
        return [f"{sim.name}: {fault}" for sim in self.sims for fault in sim.faults]

    def stop(self) -> None:
        """Ends the simulators."""
        for sim in self.sims:
            sim.stop()


CLIENTS = ["openai", "openai_base64", "gemini_batch", "gemini", "cohere", "cohere_base64", "cohere_v1", "ollama", "ollama_prompt"]
ONE_ONLY = {"gemini", "ollama_prompt"}


def asked(client: str, model: str, texts: list[str], **more: Any) -> tuple[str, dict[str, Any]]:
    """Path and body of a client's request."""
    if client == "openai":
        return "/v1/embeddings", {"model": model, "input": texts, **more}
    if client == "openai_base64":
        return "/v1/embeddings", {"model": model, "input": texts, "encoding_format": "base64", **more}
    if client == "gemini_batch":
        requests = [{"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **more} for text in texts]
        return f"/v1beta/models/{model}:batchEmbedContents", {"requests": requests}
    if client == "gemini":
        return f"/v1beta/models/{model}:embedContent", {"content": {"parts": [{"text": texts[0]}]}, **more}
    if client == "cohere_v1":
        return "/v1/embed", {"model": model, "texts": texts, "input_type": "search_document", **more}
    if client.startswith("cohere"):
        kind = "base64" if client.endswith("base64") else "float"
        body = {"model": model, "texts": texts, "input_type": "search_document", "embedding_types": [kind]}
        return "/v2/embed", body | more
    if client == "ollama":
        return "/api/embed", {"model": model, "input": texts, **more}
    return "/api/embeddings", {"model": model, "prompt": texts[0], **more}


def got(client: str, answer: Any) -> list[list[float]]:
    """The vectors of a client's answer."""
    if client == "openai":
        return [item["embedding"] for item in answer["data"]]
    if client == "openai_base64":
        return [decoded(item["embedding"]) for item in answer["data"]]
    if client == "gemini_batch":
        return [item["values"] for item in answer["embeddings"]]
    if client == "gemini":
        return [answer["embedding"]["values"]]
    if client == "cohere":
        return answer["embeddings"]["float"]
    if client == "cohere_base64":
        return [decoded(item) for item in answer["embeddings"]["base64"]]
    if client in ("cohere_v1", "ollama"):
        return answer["embeddings"]
    return [answer["embedding"]]
