"""The official clients of OpenAI, Cohere, Gemini and Ollama: embeddings and rerank, from providers of other shapes."""

from __future__ import annotations

import cohere
import ollama
import openai
import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from support.gateway import Gateway
from support.sim import fail
from support.sim.vectors import decoded, ranked, single, vector
from support.vectors import SECRETS, Vectors

TEXTS = ["the quick brown fox", "jumps over the lazy dog"]
# What each provider mixes into its vectors, by what they are for.
SALTS = {
    "openai": {},
    "gemini": {"document": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"},
    "cohere": {None: "search_document", "document": "search_document", "query": "search_query"},
    "bedrock-cohere": {None: "search_document", "document": "search_document", "query": "search_query"},
    "ollama": {},
    "voyage": {"document": "document", "query": "query"},
    "titan": {},
}
SEVERAL = [name for name in SALTS if name != "titan"]


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    vectors = Vectors()
    gateway = Gateway(vectors.config(), tmp_path_factory.mktemp("embeddings-sdk"), SECRETS)
    yield vectors, gateway
    try:
        gateway.assert_sound()
    finally:
        gateway.stop()
        vectors.stop()


@pytest.fixture
def gateway(standing):
    return standing[1]


@pytest.fixture
def vectors(standing):
    standing[0].clear()
    yield standing[0]
    assert not standing[0].faults()


def expected(model, texts, purpose=None, size=None):
    return [vector(text, size, salt=SALTS[model].get(purpose, "")) for text in texts]


def singles(found):
    return [[single(value) for value in one] for one in found]


@pytest.mark.parametrize("form", ["float", "base64", None])
@pytest.mark.parametrize("model", SEVERAL)
def test_openai(gateway, vectors, model, form):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="unused", max_retries=0) as client:
        more = {} if form is None else {"encoding_format": form}
        answer = client.embeddings.create(model=model, input=TEXTS, **more)
    found = [item.embedding for item in answer.data]
    if form == "base64":
        found = [decoded(one) if isinstance(one, str) else one for one in found]
    assert singles(found) == expected(model, TEXTS)
    assert [item.index for item in answer.data] == [0, 1]
    assert answer.usage.total_tokens > 0


def test_openai_dimensions_and_errors(gateway, vectors):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="unused", max_retries=0) as client:
        for model in ("gemini", "cohere", "ollama"):
            answer = client.embeddings.create(model=model, input="one text", dimensions=6)
            assert len(answer.data[0].embedding) == 6
        with pytest.raises(openai.BadRequestError) as refused:
            client.embeddings.create(model="titan", input=TEXTS)
        assert refused.value.param == "input"
        with pytest.raises(openai.NotFoundError):
            client.embeddings.create(model="nothing", input="x")
        vectors.cohere.always(fail(429))
        with pytest.raises(openai.RateLimitError):
            client.embeddings.create(model="cohere", input="x")


@pytest.mark.parametrize("model", SEVERAL)
def test_cohere(gateway, vectors, model):
    client = cohere.ClientV2(api_key="unused", base_url=gateway.url)
    answer = client.embed(model=model, texts=TEXTS, input_type="search_query", embedding_types=["float"])
    assert singles(answer.embeddings.float_) == expected(model, TEXTS, "query")
    assert answer.texts == TEXTS and answer.id
    if model != "gemini":
        assert answer.meta.billed_units is None or answer.meta.billed_units.input_tokens > 0


def test_cohere_first_version(gateway, vectors):
    client = cohere.Client(api_key="unused", base_url=gateway.url)
    for model in ("openai", "gemini", "ollama"):
        answer = client.embed(model=model, texts=TEXTS, input_type="search_document")
        assert singles(answer.embeddings) == expected(model, TEXTS, "document")


@pytest.mark.parametrize("model", ["cohere-rerank", "jina-rerank", "voyage-rerank", "bedrock-rerank"])
def test_cohere_rerank(gateway, vectors, model):
    documents = [*TEXTS, "a fox and another fox"]
    client = cohere.ClientV2(api_key="unused", base_url=gateway.url)
    answer = client.rerank(model=model, query="quick fox", documents=documents, top_n=2)
    assert [(one.index, one.relevance_score) for one in answer.results] == ranked("quick fox", documents, 2)
    first = cohere.Client(api_key="unused", base_url=gateway.url)
    answer = first.rerank(model=model, query="quick fox", documents=documents, top_n=2, return_documents=True)
    assert [one.document.text for one in answer.results] == [documents[one.index] for one in answer.results]


@pytest.mark.parametrize("model", SEVERAL)
def test_gemini(gateway, vectors, model):
    client = genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=gateway.url))
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=7)
    # Of a model whose name has "gemini" in it and that it does not know, the client takes all texts for one input.
    name = "google" if model == "gemini" else model
    answer = client.models.embed_content(model=name, contents=TEXTS, config=config)
    assert singles(one.values for one in answer.embeddings) == expected(model, TEXTS, "query", 7)


@pytest.mark.parametrize("model", ["openai", "cohere", "vertex", "vertex-1", "vertex-2", "google"])
def test_gemini_as_on_vertex(gateway, vectors, model):
    client = genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=Credentials(token="unused"),
        http_options=types.HttpOptions(base_url=gateway.url),
    )
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=7, auto_truncate=True)
    texts = TEXTS if model in ("openai", "cohere", "vertex") else TEXTS[:1]
    answer = client.models.embed_content(model=model, contents=texts, config=config)
    salts = {"openai": "", "cohere": "search_query"}
    salt = salts.get(model, "RETRIEVAL_QUERY")
    assert singles(one.values for one in answer.embeddings) == [vector(text, 7, salt=salt) for text in texts]
    assert "openai" in [listed.name.rsplit("/", 1)[-1] for listed in client.models.list(config={"page_size": 4})]


def test_models_that_embed(gateway):
    client = genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=gateway.url))
    listed = {one.name: one.supported_actions for one in client.models.list(config={"page_size": 5})}
    assert len(listed) > 20
    assert "embedContent" in listed["models/voyage"] and "generateContent" not in listed["models/voyage"]
    assert "generateContent" in listed["models/chatter"] and "embedContent" not in listed["models/chatter"]
    second = cohere.ClientV2(api_key="unused", base_url=gateway.url)
    ranking = [one.name for one in second.models.list(endpoint="rerank").models]
    assert "voyage-rerank" in ranking and "openai" not in ranking
    assert second.models.get("voyage").endpoints == ["embed", "rerank"]
    assert ollama.Client(host=gateway.url).show("voyage").capabilities == ["embedding"]


@pytest.mark.parametrize("model", SEVERAL)
def test_ollama(gateway, vectors, model):
    client = ollama.Client(host=gateway.url)
    answer = client.embed(model=model, input=TEXTS)
    assert singles(answer.embeddings) == expected(model, TEXTS)
    answer = client.embeddings(model=model, prompt=TEXTS[0])
    assert singles([answer.embedding]) == expected(model, TEXTS[:1])


def test_ollama_reads_its_errors(gateway, vectors):
    with pytest.raises(ollama.ResponseError) as refused:
        ollama.Client(host=gateway.url).embed(model="titan", input=TEXTS)
    assert refused.value.status_code == 400
    assert "one input a request" in refused.value.error
