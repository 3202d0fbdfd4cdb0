"""Rerank: both client formats against every provider format, in a real Envoy."""

from __future__ import annotations

import pytest

from support.gateway import Gateway
from support.sim import fail, raw
from support.sim.vectors import ranked
from support.vectors import SECRETS, Vectors

QUERY = "what is the capital of the united states"
DOCUMENTS = [
    "Carson City is the capital of the state of Nevada",
    "Saipan is an island",
    "Washington, D.C. is the capital of the United States",
    "Capital punishment has existed in the united states",
]
MODELS = {
    "cohere-rerank": "cohere",
    "jina-rerank": "jina",
    "voyage-rerank": "voyage",
    "bedrock-rerank": "bedrock",
    "amazon-rerank": "bedrock",
}


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    vectors = Vectors()
    gateway = Gateway(vectors.config(), tmp_path_factory.mktemp("rerank"), SECRETS)
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


def post(gateway, path, model, documents=DOCUMENTS, **more):
    return gateway.http.post(path, json={"model": model, "query": QUERY, "documents": documents, **more})


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_every_lane(gateway, vectors, path, model):
    answer = post(gateway, path, model, top_n=3)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [(one["index"], one["relevance_score"]) for one in body["results"]] == ranked(QUERY, DOCUMENTS, 3)
    line = gateway.audited(answer)
    if model == "cohere-rerank":
        assert body["meta"]["billed_units"] == {"search_units": 1}
        assert line["search_units"] == 1
    elif MODELS[model] in ("jina", "voyage"):
        assert line["usage"]["input"] == vectors.sims[[sim.name for sim in vectors.sims].index(MODELS[model])].last.usage["input"]
        assert line["usage_status"] == "complete"
        if path != "/v2/rerank":
            assert body["usage"]["total_tokens"] == line["usage"]["input"]


@pytest.mark.parametrize("model", MODELS)
def test_documents_come_back_where_they_are_wanted(gateway, vectors, model):
    answer = post(gateway, "/v1/rerank", model, return_documents=True)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [one["document"] for one in results] == [{"text": DOCUMENTS[one["index"]]} for one in results]


@pytest.mark.parametrize("model", MODELS)
def test_documents_that_are_objects(gateway, vectors, model):
    objects = [{"text": text, "title": f"t{at}"} for at, text in enumerate(DOCUMENTS)]
    answer = post(gateway, "/v1/rerank", model, documents=objects)
    assert answer.status_code == 200, answer.text
    assert [one["index"] for one in answer.json()["results"]] == [index for index, _ in ranked(QUERY, DOCUMENTS, None)]


def test_named_fields_of_objects(gateway, vectors):
    objects = [{"a": text, "b": "noise"} for text in DOCUMENTS]
    answer = post(gateway, "/v1/rerank", "voyage-rerank", documents=objects, rank_fields=["a"])
    assert answer.status_code == 200, answer.text
    assert vectors.voyage.last.json["documents"][1] == "a: Saipan is an island"


def test_identity_changes_the_model_alone(gateway, vectors):
    post(gateway, "/v2/rerank", "cohere-rerank", top_n=2)
    body = {"model": "rerank-v3.5", "query": QUERY, "documents": DOCUMENTS, "top_n": 2}
    assert vectors.cohere.last.json == body and list(vectors.cohere.last.json) == list(body)


def test_fallback_and_errors(gateway, vectors):
    vectors.jina.script(fail(500))
    answer = post(gateway, "/v1/rerank", "rerank-chain")
    assert answer.headers["x-tollgate-provider"] == "cohere"
    answer = post(gateway, "/v2/rerank", "openai")
    assert answer.status_code == 400 and "no endpoint for rerank" in answer.text
    answer = post(gateway, "/v1/rerank", "voyage-rerank", documents=[])
    assert answer.status_code == 400 and "documents" in answer.text


@pytest.mark.parametrize("results", ["[]", '[{"index":7,"relevance_score":0.4}]'])
def test_an_answer_about_other_documents_is_none(gateway, vectors, results):
    vectors.jina.script(raw(f'{{"model":"j","results":{results},"usage":{{"total_tokens":3}}}}'.encode()))
    answer = post(gateway, "/v1/rerank", "rerank-chain")
    assert answer.headers["x-tollgate-provider"] == "cohere", answer.text
    assert [one["index"] for one in answer.json()["results"]] == [index for index, _ in ranked(QUERY, DOCUMENTS, None)]


def test_a_limit_that_only_cohere_knows(gateway, vectors):
    answer = post(gateway, "/v2/rerank", "cohere-rerank", max_tokens_per_doc=100)
    assert vectors.cohere.last.json["max_tokens_per_doc"] == 100
    answer = post(gateway, "/v2/rerank", "jina-rerank", max_tokens_per_doc=100)
    assert answer.status_code == 200, answer.text
    assert "max_tokens_per_doc" in answer.headers["x-tollgate-warnings"]


@pytest.mark.parametrize("model", ["bedrock-rerank", "cohere-rerank", "voyage-rerank"])
def test_as_on_bedrock(gateway, vectors, model):
    body = {"query": QUERY, "documents": DOCUMENTS, "top_n": 2, "api_version": 2}
    answer = gateway.http.post(f"/model/{model}/invoke", json=body)
    assert answer.status_code == 200, answer.text
    assert "x-tollgate-warnings" not in answer.headers
    found = [(one["index"], one["relevance_score"]) for one in answer.json()["results"]]
    assert found == ranked(QUERY, DOCUMENTS, 2)
    if model == "bedrock-rerank":
        assert vectors.bedrock.last.json == body
