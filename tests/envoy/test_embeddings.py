"""Embeddings: every client format against every provider format, in a real Envoy."""

from __future__ import annotations

import json

import pytest

from support.gateway import Gateway
from support.sim import fail, malformed, raw
from support.sim.vectors import decoded, single, vector
from support.vectors import CLIENTS, ONE_ONLY, SECRETS, Vectors, asked, got

TEXTS = ["Ruby is a programmer's best friend", "café ☕ \"quoted\" \\ and\nlines"]

# A public model, the simulator behind it, and what that mixes into its vectors beyond the text, by what the client says
# the vectors are for: nothing, or "document".
PROVIDERS = {
    "openai": ("openai", "", ""),
    "plain": ("plain", "", ""),
    "gemini": ("gemini", "", "RETRIEVAL_DOCUMENT"),
    "gemini-2": ("gemini", "", "RETRIEVAL_DOCUMENT"),
    "vertex": ("vertex", "", "RETRIEVAL_DOCUMENT"),
    "vertex-1": ("vertex", "", "RETRIEVAL_DOCUMENT"),
    "vertex-2": ("vertex", "", "RETRIEVAL_DOCUMENT"),
    "cohere": ("cohere", "search_document", "search_document"),
    "titan": ("bedrock", "", ""),
    "titan-1": ("bedrock", "", ""),
    "nova": ("bedrock", "GENERIC_INDEX", "GENERIC_INDEX"),
    "bedrock-cohere": ("bedrock", "search_document", "search_document"),
    "ollama": ("ollama", "", ""),
    "voyage": ("voyage", "", "document"),
}
ONE_BY_ONE = {"titan", "titan-1", "nova", "vertex-1", "vertex-2"}


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    vectors = Vectors()
    gateway = Gateway(vectors.config(), tmp_path_factory.mktemp("embeddings"), SECRETS)
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


def post(gateway, client, model, texts, headers=None, **more):
    path, body = asked(client, model, texts, **more)
    return gateway.http.post(path, json=body, headers=headers or {})


def salt(model, client):
    return PROVIDERS[model][2 if client.startswith("cohere") else 1]


@pytest.mark.parametrize("model", PROVIDERS)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_lane(gateway, vectors, client, model):
    sim = getattr(vectors, PROVIDERS[model][0])
    texts = TEXTS[:1] if client in ONE_ONLY or model in ONE_BY_ONE else TEXTS
    answer = post(gateway, client, model, texts)
    assert answer.status_code == 200, answer.text
    found = got(client, answer.json())
    # What comes as text has the digits that the provider wrote, and reads as the same 32 bits.
    assert [[single(value) for value in one] for one in found] == [
        vector(text, salt=salt(model, client)) for text in texts
    ]
    assert len(sim.requests) == 1
    line = gateway.audited(answer)
    assert line["model_asked"] == model
    if model == "gemini" or (client, model) == ("ollama_prompt", "ollama"):
        assert line["usage_status"] == "estimated"
        assert 0 < line["usage"]["input"] < 40
    else:
        assert line["usage"]["input"] == sim.last.usage["input"]
        assert line["usage_status"] == "complete"


@pytest.mark.parametrize("client", [client for client in CLIENTS if client not in ONE_ONLY])
@pytest.mark.parametrize("model", sorted(ONE_BY_ONE - {"vertex-1"}))
def test_several_inputs_to_a_model_that_takes_one(gateway, vectors, client, model):
    answer = post(gateway, client, model, TEXTS)
    assert answer.status_code == 400
    assert "one input a request" in answer.text
    assert not vectors.bedrock.requests and not vectors.vertex.requests


@pytest.mark.parametrize("client", ["openai", "ollama", "cohere", "gemini"])
@pytest.mark.parametrize("model", ["openai", "gemini", "cohere", "titan", "nova", "ollama", "voyage"])
def test_the_length_of_vectors(gateway, vectors, client, model):
    name = {"openai": "dimensions", "ollama": "dimensions", "cohere": "output_dimension"}.get(client)
    answer = post(gateway, client, model, TEXTS[:1], **{name or "outputDimensionality": 5})
    assert answer.status_code == 200, answer.text
    assert len(got(client, answer.json())[0]) == 5


def test_identity_changes_the_model_alone(gateway, vectors):
    for client, model, sim, upstream in [
        ("openai", "openai", vectors.openai, "text-embedding-3-small"),
        ("gemini_batch", "gemini", vectors.gemini, "gemini-embedding-001"),
        ("cohere", "cohere", vectors.cohere, "embed-v4.0"),
        ("ollama", "ollama", vectors.ollama, "nomic-embed-text"),
    ]:
        path, body = asked(client, model, TEXTS)
        text = json.dumps(body, indent=1)
        answer = gateway.http.post(path, content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        wanted = text.replace(f'"model": "{model}"', f'"model": "{upstream}"')
        assert sim.last.body.decode() == wanted.replace(f"models/{model}", f"models/{upstream}")
        assert answer.content == bytes(sim.last.sent)


def test_the_paths_of_vertex(gateway, vectors):
    root = "/v1beta1/projects/p/locations/l/publishers/google/models"
    config = {"taskType": "RETRIEVAL_QUERY", "outputDimensionality": 4, "autoTruncate": True}
    one = {"content": {"parts": [{"text": TEXTS[0]}]}, "embedContentConfig": config}
    instances = [{"content": text, "task_type": "RETRIEVAL_QUERY"} for text in TEXTS]
    several = {"instances": instances, "parameters": {"outputDimensionality": 4, "autoTruncate": True}}
    for model, salt in [("vertex-2", "RETRIEVAL_QUERY"), ("openai", ""), ("cohere", "search_query"), ("vertex", None)]:
        salt = "RETRIEVAL_QUERY" if salt is None else salt
        answer = gateway.http.post(f"{root}/{model}:embedContent", json=one)
        assert answer.status_code == 200, answer.text
        found = answer.json()["embedding"]["values"]
        assert [single(value) for value in found] == vector(TEXTS[0], 4, salt=salt), model
        if model == "vertex-2":
            assert vectors.vertex.last.json == one
            continue
        answer = gateway.http.post(f"{root}/{model}:predict", json=several)
        assert answer.status_code == 200, answer.text
        found = [one["embeddings"]["values"] for one in answer.json()["predictions"]]
        assert [[single(value) for value in one] for one in found] == [vector(text, 4, salt=salt) for text in TEXTS]
    assert vectors.vertex.last.json == several
    answer = gateway.http.post(f"{root}/openai:predict", json={"instances": [{"prompt": "a cat"}]})
    assert answer.status_code == 400 and "instances[0].content" in answer.json()["error"]["message"]


def test_another_number_of_vectors_than_of_inputs_is_no_answer(gateway, vectors):
    short = raw(b'{"object":"list","data":[{"index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":1,"total_tokens":1}}')
    vectors.openai.script(short)
    answer = post(gateway, "openai", "chain", TEXTS)
    assert answer.headers["x-tollgate-provider"] == "cohere"
    assert "1 embeddings for 2 inputs" in gateway.audited(answer)["attempts"][0]["reason"]
    vectors.openai.script(short)
    answer = gateway.http.post("/v1/embeddings", json={"model": "chain", "input": [17, 4, 99]})
    assert answer.headers["x-tollgate-provider"] == "openai"


def test_ollama_embeds_nothing_for_nothing(gateway, vectors):
    for nothing in ({}, {"input": []}, {"input": ""}):
        answer = gateway.http.post("/api/embed", json={"model": "ollama", **nothing})
        assert (answer.status_code, answer.json()["embeddings"]) == (200, []), nothing
    answer = gateway.http.post("/api/embeddings", json={"model": "ollama", "prompt": ""})
    assert (answer.status_code, answer.json()["embedding"]) == (200, [])


def test_base64_is_made_for_a_server_that_does_not_know_it(gateway, vectors):
    answer = post(gateway, "openai_base64", "plain", TEXTS)
    assert [decoded(item["embedding"]) for item in answer.json()["data"]] == [vector(text) for text in TEXTS]


def test_token_ids(gateway, vectors):
    ids = [[17, 4, 99], [3]]
    answer = gateway.http.post("/v1/embeddings", json={"model": "openai", "input": ids})
    assert got("openai", answer.json()) == [vector("17 4 99"), vector("3")]
    for model in ("gemini", "cohere", "nova", "titan"):
        answer = gateway.http.post("/v1/embeddings", json={"model": model, "input": [17, 4, 99]})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "input"


def test_what_vectors_are_for_is_carried(gateway, vectors):
    for client, said in [("cohere", {"input_type": "search_query"}), ("gemini", {"taskType": "RETRIEVAL_QUERY"})]:
        for model, word in [("cohere", "search_query"), ("gemini", "RETRIEVAL_QUERY"), ("voyage", "query")]:
            answer = post(gateway, client, model, TEXTS[:1], **said)
            assert got(client, answer.json()) == [vector(TEXTS[0], salt=word)], (client, model)
    answer = gateway.http.post("/v1/embeddings", json={"model": "gemini", "input": "x", "input_type": "search_query"})
    assert got("openai", answer.json()) == [vector("x", salt="RETRIEVAL_QUERY")]


def test_what_is_lost_is_said(gateway, vectors):
    answer = post(gateway, "cohere", "openai", TEXTS, truncate="END")
    warnings = answer.headers["x-tollgate-warnings"]
    assert "input_type" in warnings and "truncate" in warnings
    assert answer.json()["texts"] == TEXTS
    answer = post(gateway, "openai", "cohere", TEXTS, user="u1")
    assert "user" in answer.headers["x-tollgate-warnings"]
    answer = post(gateway, "openai", "strict", TEXTS, user="u1")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "user"


def test_a_kind_of_values_that_the_provider_has_not(gateway, vectors):
    answer = post(gateway, "cohere", "openai", TEXTS, embedding_types=["int8"])
    assert answer.status_code == 400 and "int8" in answer.text
    answer = post(gateway, "cohere", "openai", TEXTS, embedding_types=["float", "int8"])
    assert list(answer.json()["embeddings"]) == ["float"]
    assert "int8" in answer.headers["x-tollgate-warnings"]
    answer = post(gateway, "cohere", "cohere", TEXTS, embedding_types=["float", "int8"])
    assert list(answer.json()["embeddings"]) == ["float", "int8"]


def test_own_fields_of_a_target(gateway, vectors):
    answer = post(gateway, "openai", "tuned", TEXTS)
    assert got("openai", answer.json()) == [vector(text, salt="clustering") for text in TEXTS]
    assert "x-tollgate-warnings" not in answer.headers


def test_fallback(gateway, vectors):
    vectors.openai.script(fail(503))
    answer = post(gateway, "ollama", "chain", TEXTS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-tollgate-provider"] == "cohere"
    vectors.openai.script(malformed())
    answer = post(gateway, "openai", "chain", TEXTS)
    assert answer.headers["x-tollgate-provider"] == "cohere"
    short = raw(b'{"object":"list","data":[{"index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":1}}')
    vectors.openai.script(short)
    answer = post(gateway, "cohere", "chain", TEXTS)
    assert answer.headers["x-tollgate-provider"] == "cohere"
    assert "1 embeddings for 2 inputs" in gateway.audited(answer)["attempts"][0]["reason"]


def test_a_provider_without_embeddings_is_left_out(gateway, vectors):
    answer = post(gateway, "openai", "skips", TEXTS)
    assert answer.status_code == 200
    attempts = gateway.audited(answer)["attempts"]
    assert attempts[0]["provider"] == "chatter"
    assert attempts[0]["reason"] == "the provider has no endpoint for embeddings"
    answer = post(gateway, "openai", "chatter", TEXTS)
    assert answer.status_code == 400
    assert "no endpoint for embeddings" in answer.json()["error"]["message"]


def test_refusals_and_unknown_models(gateway, vectors):
    answer = post(gateway, "openai", "ada", TEXTS, dimensions=7)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "dimensions"
    answer = post(gateway, "openai", "nothing", TEXTS)
    assert answer.status_code == 404
    answer = gateway.http.post("/v1/embeddings", json={"model": "cohere"})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "input"
    answer = gateway.http.get("/v1/embeddings")
    assert answer.status_code == 405


def test_limits_keep_their_retry_after(gateway, vectors):
    vectors.cohere.always(fail(429, "7"))
    answer = post(gateway, "openai", "cohere", TEXTS)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_money(gateway, vectors):
    for model, dollars in [("openai", 0.02), ("cohere", 0.12), ("gemini-2", None), ("titan", 0.02)]:
        answer = post(gateway, "openai", model, TEXTS[:1])
        line = gateway.audited(answer)
        if dollars is not None:
            assert float(line["cost_usd"]) == pytest.approx(dollars * line["usage"]["input"] / 1e6), model
    assert gateway.metric("tollgate_tokens_total", model="openai") or gateway.metric("tollgate_tokens", model="openai")


def test_many_long_vectors(gateway, vectors):
    texts = [f"text number {number}" for number in range(96)]
    answer = post(gateway, "openai_base64", "cohere", texts, dimensions=1536)
    found = got("openai_base64", answer.json())
    assert len(found) == 96
    assert found[95] == vector(texts[95], 1536, salt="search_document")


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("titan", {"inputText": "a", "dimensions": 5, "normalize": True}),
        ("nova", {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX", "text": {"truncationMode": "END", "value": "a"}}}),
        ("bedrock-cohere", {"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float", "int8"]}),
    ],
)
def test_a_model_of_bedrock_is_invoked_in_its_own_words(gateway, vectors, model, body):
    answer = gateway.http.post(f"/model/{model}/invoke", json=body)
    assert answer.status_code == 200, answer.text
    assert vectors.bedrock.last.json == body
    assert answer.content == bytes(vectors.bedrock.last.sent)
    line = gateway.audited(answer)
    assert (line["usage"]["input"], line["usage_status"]) == (vectors.bedrock.last.usage["input"], "complete")
    elsewhere = gateway.http.post("/model/openai/invoke", json=body)
    assert elsewhere.status_code == 400 and "Bedrock" in elsewhere.json()["message"]


def test_the_words_of_openais_peers(gateway, vectors):
    body = {"model": "openai", "input": TEXTS, "output_dimension": 4, "truncation": False}
    answer = gateway.http.post("/v1/embeddings", json=body)
    assert answer.status_code == 200, answer.text
    assert got("openai", answer.json()) == [vector(text, 4) for text in TEXTS]
    answer = gateway.http.post("/v1/embeddings", json={"model": "openai", "input": "a", "input_type": "query"})
    assert answer.status_code == 200 and "input_type" in answer.headers["x-tollgate-warnings"]
    answer = gateway.http.post("/v1/embeddings", json={"model": "openai", "input": "a", "output_dtype": "int8"})
    assert answer.status_code == 400 and "int8" in answer.json()["error"]["message"]
    body = {"model": "voyage", "input": ["a"], "input_type": "search_query", "dimensions": 4}
    answer = gateway.http.post("/v1/embeddings", json=body)
    assert got("openai", answer.json()) == [vector("a", 4, salt="query")]
    # What is already said as the provider says it passes as it came.
    body = {"model": "voyage-3.5", "input": ["a"], "input_type": "query", "output_dimension": 4}
    answer = gateway.http.post("/v1/embeddings", json=body | {"model": "voyage"})
    assert vectors.voyage.last.json == body
    # Of a server whose kind is not known nobody knows what it takes.
    answer = gateway.http.post("/v1/embeddings", json={"model": "plain", "input": "a", "input_type": "passage"})
    assert answer.status_code == 400 and vectors.plain.last.json["input_type"] == "passage"
