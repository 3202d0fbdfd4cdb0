"""The simulated Gemini: accepted by Google's own SDK, and as strict as the real one."""

from __future__ import annotations

import httpx
import pytest
from google import genai
from google.genai import errors, types

from support.sim import GeminiSim, fail

TEXT = {"role": "user", "parts": [{"text": "hi"}]}
DECLARED = {"functionDeclarations": [{"name": "f", "description": "F", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "1"}}}]}


@pytest.fixture(scope="module")
def sim():
    with GeminiSim() as running:
        yield running


@pytest.fixture
def client(sim):
    sim.clear()
    return genai.Client(api_key=sim.key, http_options=types.HttpOptions(base_url=sim.base_url))


def post(sim, body, model="gemini-2.5-flash", action="generateContent", key=None):
    headers = {"x-goog-api-key": key or sim.key}
    return httpx.post(f"{sim.origin}/v1beta/models/{model}:{action}", json={"contents": [TEXT]} | body, headers=headers)


def test_the_sdk_takes_its_answers(client):
    assert client.models.generate_content(model="gemini-2.5-flash", contents="hi").text == "echo: hi"
    pieces = list(client.models.generate_content_stream(model="gemini-3-flash-preview", contents="long 5"))
    assert "".join(piece.text or "" for piece in pieces) == "w1 w2 w3 w4 w5"
    assert pieces[-1].usage_metadata.candidates_token_count == 5
    assert client.models.count_tokens(model="gemini-2.5-flash", contents="one two three").total_tokens == 3 + 3


def test_the_sdk_reads_what_it_found(client):
    config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="search please", config=config)
    found = answer.candidates[0].grounding_metadata
    segment = found.grounding_supports[0].segment
    assert answer.text.encode()[segment.start_index : segment.end_index].decode() == segment.text
    assert [chunk.web.title for chunk in found.grounding_chunks] == ["The sky", "Blue"]


def test_the_sdk_reads_its_errors(client, sim):
    sim.script(fail(429))
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-2.5-flash", contents="hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize(
    "body",
    [
        {"contents": []},
        {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]},
        {"contents": [TEXT, CALL]},
        {"contents": [TEXT, CALL, {"role": "user", "parts": [{"text": "no result"}]}], "tools": [DECLARED]},
        {"contents": [TEXT, RESULT], "tools": [DECLARED]},
        {"unheard": 1},
        {"tools": [{"functionDeclarations": [{"name": "a b"}]}]},
        {"tools": [{"googleSearch": {}}, DECLARED]},
        {"tools": [{"googleSearch": {"maxUses": 1}}]},
        {"tools": [{"googleSearch": {}}], "generationConfig": {"responseMimeType": "application/json"}},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {}}}]}]},
        {"generationConfig": {"stopSequences": ["a", "b", "c", "d", "e", "f"]}},
        {"generationConfig": {"logprobs": 2}},
        {"generationConfig": {"responseSchema": {"type": "OBJECT"}}},
        {"generationConfig": {"responseMimeType": "application/json"}, "tools": [DECLARED]},
    ],
    ids=lambda body: next(iter(body)),
)
def test_what_it_refuses(sim, body):
    answer = post(sim, body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT"), answer.text
    assert sim.last.refused


def test_what_it_takes(sim):
    assert post(sim, {"contents": [TEXT, CALL, RESULT], "tools": [DECLARED]}).status_code == 200
    assert post(sim, {"tools": [DECLARED], "generationConfig": {"responseMimeType": "application/json"}}, "gemini-3-pro-preview").status_code == 200
    assert post(sim, {}, "gemini-missing").status_code == 404
    assert post(sim, {}, key="wrong").status_code == 400


def test_counts_have_a_form_of_their_own(sim):
    whole = {"model": "models/gemini-2.5-flash", "contents": [TEXT], "systemInstruction": {"parts": [{"text": "be brief"}]}}
    assert post(sim, {}, action="countTokens").json()["totalTokens"] == 1 + 3
    both = post(sim, {"generateContentRequest": whole}, action="countTokens")
    assert both.status_code == 400
    url = f"{sim.origin}/v1beta/models/gemini-2.5-flash:countTokens"
    headers = {"x-goog-api-key": sim.key}
    assert httpx.post(url, json={"generateContentRequest": whole}, headers=headers).json()["totalTokens"] == 3 + 3
    wrong = whole | {"model": "models/another"}
    assert httpx.post(url, json={"generateContentRequest": wrong}, headers=headers).status_code == 400
