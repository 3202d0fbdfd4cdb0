"""OpenAI's SDK as it speaks to Azure (deployments in the path, `api-key`), before providers of every dialect."""

from __future__ import annotations

import io

import httpx
import openai
import pytest

from support.cast import MODELS
from support.services import CLIENT_KEY
from support.sim.openai_services import sound

VERSION = "2024-10-21"
WAV = b"RIFF" + bytes(range(256)) * 40


def azure(url, key):
    return openai.AzureOpenAI(azure_endpoint=url, api_version=VERSION, api_key=key, max_retries=0)


@pytest.mark.parametrize("deployment", MODELS)
def test_chat_with_a_deployment(cast, deployment):
    with azure(cast.gateway.url, "unused") as client:
        said = [{"role": "user", "content": "good morning"}]
        answer = client.chat.completions.create(model=deployment, messages=said)
        assert answer.choices[0].message.content == "echo: good morning"
        chunks = client.chat.completions.create(model=deployment, messages=said, stream=True)
        words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == "echo: good morning"
    assert "api-version" not in cast[deployment].last.path


@pytest.mark.parametrize("deployment", MODELS)
def test_responses(cast, deployment):
    with openai.OpenAI(base_url=f"{cast.gateway.url}/openai/v1", api_key="unused", max_retries=0) as client:
        assert client.responses.create(model=deployment, input="good morning").output_text == "echo: good morning"
    with azure(cast.gateway.url, "unused") as client:
        assert client.responses.create(model=deployment, input="good day").output_text == "echo: good day"


def test_the_key_and_who_it_is(services):
    with azure(services.gateway.url, CLIENT_KEY) as client:
        assert client.completions.create(model="instruct", prompt="hi", max_tokens=9).choices[0].text == "echo: hi"
    line = services.gateway.audit_where(lambda line: line.get("model_asked") == "instruct")
    assert (line["tenant"], line["status"]) == ("acme", 200)
    assert CLIENT_KEY not in str(services.openai.last.headers)
    with azure(services.gateway.url, "wrong") as client, pytest.raises(openai.AuthenticationError):
        client.completions.create(model="instruct", prompt="hi")


def test_services_of_a_deployment(services):
    with azure(services.gateway.url, CLIENT_KEY) as client:
        assert len(client.images.generate(model="painter", prompt="a red cube", n=2).data) == 2
        assert client.audio.transcriptions.create(model="ear", file=("a.wav", io.BytesIO(WAV))).text
        assert client.audio.speech.create(model="voice", voice="alloy", input="hello").content == sound("hello")


def test_the_path_alone_names_the_model(services):
    """Azure's own API takes bodies without `model`."""
    at = f"{services.gateway.url}/openai/deployments"
    with httpx.Client(headers={"api-key": CLIENT_KEY}, params={"api-version": VERSION}, timeout=30) as http:
        chat = http.post(f"{at}/talk/chat/completions", json={"messages": [{"role": "user", "content": "hi"}]})
        assert chat.json()["choices"][0]["message"]["content"] == "echo: hi"
        image = http.post(f"{at}/painter/images/generations", json={"prompt": "a red cube"})
        assert image.status_code == 200 and services.openai.last.json["model"] == "gpt-image-1"
        heard = http.post(f"{at}/ear/audio/transcriptions", files={"file": ("a.wav", WAV, "audio/wav")})
        assert heard.status_code == 200, heard.text
        unknown = http.post(f"{at}/nobody/chat/completions", json={"messages": []})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
