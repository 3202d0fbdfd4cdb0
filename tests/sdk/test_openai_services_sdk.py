"""The official OpenAI SDK: text completions, and the services that are passed through."""

from __future__ import annotations

import io

import openai
import pytest

from support.services import CLIENT_KEY
from support.sim import fail
from support.sim.openai_services import STORED, sound

WAV = b"RIFF" + bytes(range(256)) * 40


@pytest.fixture
def client(services):
    with openai.OpenAI(base_url=services.gateway.url + "/v1", api_key=CLIENT_KEY, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", ["instruct", "talk"])
def test_completions(client, model):
    answer = client.completions.create(model=model, prompt="good morning", max_tokens=20)
    assert answer.object == "text_completion"
    assert answer.choices[0].text == "echo: good morning"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize("model", ["instruct", "talk"])
def test_streamed_completions(client, model):
    options = {"include_usage": True}
    stream = client.completions.create(model=model, prompt="long 9", stream=True, stream_options=options)
    chunks = list(stream)
    assert "".join(one.choices[0].text for one in chunks if one.choices) == " ".join(f"w{n}" for n in range(1, 10))
    assert chunks[-1].usage.completion_tokens == 9
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"


def test_moderations(services, client):
    assert client.moderations.create(model="moderator", input="kill").results[0].flagged
    services.openai.script(fail(503))
    assert not client.moderations.create(model="moderator", input=["peace"]).results[0].flagged
    assert services.backup.last.json["model"] == "omni-moderation-2024-09-26"


def test_images(services, client):
    made = client.images.generate(model="painter", prompt="a red cube", n=2)
    assert len(made.data) == 2 and made.usage.output_tokens == 544
    picture = io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(900))
    picture.name = "a.png"
    edited = client.images.edit(model="painter", prompt="bluer", image=[picture])
    assert edited.data[0].b64_json
    assert b"gpt-image-1" in services.openai.last.body


def test_an_image_in_parts(client):
    events = list(client.images.generate(model="painter", prompt="a cube", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    assert events[-1].usage.output_tokens == 272


def test_speech(client):
    with client.audio.speech.with_streaming_response.create(model="voice", voice="alloy", input="hello") as answer:
        assert b"".join(answer.iter_bytes()) == sound("hello")
    assert client.audio.speech.create(model="voice", voice="alloy", input="again").content == sound("again")


def test_transcriptions(client):
    told = client.audio.transcriptions.create(model="ear", file=("a.wav", WAV))
    assert told.text.startswith("heard ") and told.usage.input_tokens == 14
    assert client.audio.transcriptions.create(model="whisper", file=("a.wav", WAV), response_format="text")
    events = list(client.audio.transcriptions.create(model="ear", file=("a.wav", WAV), stream=True))
    assert events[-1].type == "transcript.text.done" and events[-1].text == told.text


def test_files_and_batches(services, client):
    content = b'{"custom_id":"1"}\n' * 4000
    made = client.files.create(file=("in.jsonl", content), purpose="batch")
    assert made.bytes == len(content)
    assert [one.id for one in client.files.list()] == [made.id]
    assert client.files.retrieve(made.id).filename == "in.jsonl"
    assert client.files.content(made.id).content == content
    batch = client.batches.create(input_file_id=made.id, endpoint="/v1/responses", completion_window="24h")
    assert client.batches.retrieve(batch.id).status == "validating"
    assert client.batches.cancel(batch.id).status == "cancelling"
    assert batch.id in [one.id for one in client.batches.list()]
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File"):
        client.files.retrieve(made.id)


def test_stored_responses(client):
    where = {"x-tollgate-provider": "openai"}
    assert client.responses.retrieve(STORED, extra_headers=where).status == "completed"
    assert client.responses.cancel(STORED, extra_headers=where).status == "cancelled"
    assert list(client.responses.input_items.list(STORED, extra_headers=where)) == []
    client.responses.delete(STORED, extra_headers=where)
    with pytest.raises(openai.BadRequestError, match="x-tollgate-provider"):
        client.responses.retrieve(STORED)


def test_a_conversation_is_made_short(client):
    compacted = client.responses.compact(model="gpt", input="a long story")
    assert compacted.object == "response.compaction"
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    assert compacted.usage.output_tokens == 20


def test_errors_are_the_sdks_own(services, client):
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="nobody", voice="alloy", input="x")
    services.openai.script(fail(429, "1"))
    services.backup.script(fail(429, "1"))
    with pytest.raises(openai.RateLimitError):
        client.moderations.create(model="moderator", input="x")
    with openai.OpenAI(base_url=services.gateway.url + "/v1", api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            stranger.files.list()
