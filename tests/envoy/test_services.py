"""Services that are passed through: moderations, images, audio, files, batches, stored responses."""

from __future__ import annotations

import json
import threading

import pytest

from support.answers import error_of, sse
from support.services import CLIENT_KEY
from support.sim import fail, raw, reset, stream
from support.sim.behaviour import Steps
from support.sim.openai_services import STORED, sound

AUTH = {"authorization": f"Bearer {CLIENT_KEY}"}
WAV = b"RIFF" + bytes(range(256)) * 64 + b"\r\n--not a boundary\r\n"


@pytest.fixture
def http(services):
    services.gateway.http.headers.update(AUTH)
    return services.gateway.http


def upload(http, content=b'{"a":1}\n', headers=None):
    files = {"file": ("batch.jsonl", content, "application/jsonl")}
    return http.post("/v1/files", files=files, data={"purpose": "batch"}, headers=headers or {})


# -- with a model ---------------------------------------------------------------------------------------------


def test_a_json_request_changes_only_its_model(services, http):
    body = b'{ "input": "I will kill\\u00e9 you" , "model":"moderator"}'
    answer = http.post("/v1/moderations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"][0]["flagged"] is True
    assert services.openai.last.body == body.replace(b"moderator", b"omni-moderation-latest")
    assert services.openai.last.header("authorization") == "Bearer " + services.openai.key
    assert answer.content == bytes(services.openai.last.sent)
    assert answer.headers["x-tollgate-provider"] == "openai"
    assert answer.headers["x-tollgate-model"] == "omni-moderation-latest"
    line = services.gateway.audited(answer)
    assert (line["model_asked"], line["model"], line["tenant"]) == ("moderator", "omni-moderation-latest", "acme")
    assert line["usage_status"] == "missing"
    assert "usage" not in line and "cost_usd" not in line


@pytest.mark.parametrize("behaviour", [fail(503), fail(429, "0"), fail(500), reset()])
def test_falls_back(services, http, behaviour):
    services.openai.script(behaviour)
    answer = http.post("/v1/images/generations", json={"model": "painter", "prompt": "a red cube"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-tollgate-provider"] == "backup"
    assert services.backup.last.json == {"model": "gpt-image-1-mini", "prompt": "a red cube"}
    assert services.backup.last.header("authorization") == "Bearer " + services.backup.key
    assert len(services.gateway.audited(answer)["attempts"]) == 2


def test_images_are_metered(services, http):
    answer = http.post("/v1/images/generations", json={"model": "painter", "prompt": "a red cube", "n": 2})
    truth = services.openai.last.usage
    line = services.gateway.audited(answer)
    assert line["usage_status"] == "complete"
    assert (line["usage"]["input"], line["usage"]["output"]) == (truth["input"], truth["output"])
    assert line["cost_usd"] == pytest.approx((truth["input"] * 5 + truth["output"] * 40) / 1e6)
    assert answer.content == bytes(services.openai.last.sent)


def test_images_as_a_stream(services, http):
    steps = Steps(1)
    services.openai.script(stream(steps=steps))
    body = {"model": "painter", "prompt": "a red cube", "stream": True, "partial_images": 1}
    with http.stream("POST", "/v1/images/generations", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        pieces = answer.iter_bytes()
        first = next(pieces)
        assert b"partial_image" in first and steps.taken == 1, "the first event came before the second left"
        steps.release(9)
        whole = first + b"".join(pieces)
    assert whole == bytes(services.openai.last.sent)
    assert [name for name, _ in sse(whole)] == ["image_generation.partial_image", "image_generation.completed"]
    line = services.gateway.audited(answer)
    assert line["stream"] is True and line["usage"]["output"] == 272


def test_an_image_edit_is_a_form(services, http):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    files = [("image[]", ("a.png", picture, "image/png"))]
    answer = http.post("/v1/images/edits", files=files, data={"model": "painter", "prompt": "bluer"})
    assert answer.status_code == 200, answer.text
    assert b'name="model"\r\n\r\ngpt-image-1\r\n' in services.openai.last.body
    assert picture in services.openai.last.body
    services.openai.script(fail(500))
    answer = http.post("/v1/images/edits", files=files, data={"prompt": "bluer", "model": "painter"})
    assert b"gpt-image-1-mini" in services.backup.last.body and picture in services.backup.last.body


def test_speech_is_bytes_that_come_as_they_are_made(services, http):
    steps = Steps(1)
    services.openai.script(stream(steps=steps))
    body = {"model": "voice", "input": "good morning", "voice": "alloy"}
    with http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        pieces = answer.iter_bytes()
        first = next(pieces)
        assert steps.taken == 1, "the first bytes came before the others left"
        steps.release(99)
        audio = first + b"".join(pieces)
    assert audio == sound("good morning")
    line = services.gateway.audited(answer)
    assert line["status"] == 200 and line["usage_status"] == "missing"


def test_speech_as_events(services, http):
    body = {"model": "voice", "input": "good morning", "voice": "alloy", "stream_format": "sse"}
    answer = http.post("/v1/audio/speech", json=body)
    assert answer.content == bytes(services.openai.last.sent)
    line = services.gateway.audited(answer)
    assert line["usage"]["output"] == 80 and line["stream"] is True


@pytest.mark.parametrize("model_first", [True, False])
def test_a_transcription(services, http, model_first):
    model, file = ("model", (None, "ear")), ("file", ("a.wav", WAV, "audio/wav"))
    parts = [model, file] if model_first else [file, model]
    answer = http.post("/v1/audio/transcriptions", files=parts)
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"].startswith("heard ")
    sent = services.openai.last.body
    assert WAV in sent and b"gpt-4o-transcribe" in sent and b"\r\near\r\n" not in sent
    line = services.gateway.audited(answer)
    assert line["usage"]["input"] == 14
    assert line["cost_usd"] == pytest.approx((14 * 2.5 + 2 * 10) / 1e6)


def test_a_transcription_as_text_and_as_a_stream(services, http):
    files = {"file": ("a.wav", WAV, "audio/wav")}
    answer = http.post("/v1/audio/transcriptions", files=files, data={"model": "whisper", "response_format": "text"})
    assert answer.headers["content-type"].startswith("text/plain") and answer.text.startswith("heard ")
    answer = http.post("/v1/audio/transcriptions", files=files, data={"model": "ear", "stream": "true"})
    assert sse(answer.content)[-1][1].startswith('{"type":"transcript.text.done"')
    assert services.gateway.audited(answer)["usage"]["output"] == 2


def test_a_large_form(services, http):
    audio = b"RIFF" + bytes(range(256)) * (8 << 12)
    files = {"file": ("a.wav", audio, "audio/wav")}
    services.openai.script(fail(503))
    answer = http.post("/v1/audio/transcriptions", files=files, data={"model": "ear"})
    assert answer.status_code == 200, answer.text
    assert audio in services.backup.last.body


# -- what a client did wrong, and what a provider says of it ----------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/moderations", b"{", None),
        ("/v1/moderations", b"[]", None),
        ("/v1/images/generations", b'{"model": 7}', "model"),
    ],
)
def test_a_bad_body_is_named(services, http, path, body, param):
    answer = http.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert error_of("openai_chat", answer.json())["param"] == param
    assert not services.openai.requests


def test_a_form_that_is_none(services, http):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = http.post("/v1/audio/transcriptions", content=b"not a form", headers=headers)
    assert answer.status_code == 400 and "no form" in answer.json()["error"]["message"]
    parts = [("model", (None, "ear")), ("model", (None, "whisper")), ("file", ("a.wav", WAV, "audio/wav"))]
    answer = http.post("/v1/audio/transcriptions", files=parts)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "model"
    assert not services.openai.requests


def test_an_unknown_model(services, http):
    answer = http.post("/v1/audio/speech", json={"model": "voices", "input": "x", "voice": "alloy"})
    assert answer.status_code == 404 and "voice" in answer.json()["error"]["message"]


def test_a_model_without_the_service(services, http):
    answer = http.post("/v1/audio/speech", json={"model": "talk", "input": "x", "voice": "alloy"})
    assert answer.status_code == 400
    assert "speech" in answer.json()["error"]["message"]


def test_a_refusal_passes_as_it_came(services, http):
    answer = http.post("/v1/audio/speech", json={"model": "voice", "input": "x"})
    assert answer.status_code == 400
    assert answer.content == bytes(services.openai.last.sent)
    assert answer.json()["error"]["param"] == "voice"
    assert services.gateway.audited(answer)["error"]["message"].startswith("Missing required parameter")
    services.openai.script(raw(b"<html>no</html>", "text/html", 451))
    answer = http.post("/v1/moderations", json={"model": "moderator", "input": "x"})
    assert (answer.status_code, answer.content) == (451, b"<html>no</html>")


def test_all_targets_fail(services, http):
    services.openai.script(fail(500))
    services.backup.script(fail(529))
    answer = http.post("/v1/moderations", json={"model": "moderator", "input": "x"})
    assert answer.status_code == 529
    assert len(error_of("openai_chat", answer.json())["attempts"]) == 2


def test_a_key_is_needed(services):
    answer = services.gateway.http.get("/v1/files", headers={"authorization": "Bearer nobody"})
    assert answer.status_code == 401
    answer = services.gateway.http.get("/v1/files?provider=openai", headers={"authorization": ""})
    assert answer.status_code == 401
    assert not services.openai.requests


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/v1/files", 405),
        ("GET", "/v1/moderations", 405),
        ("POST", "/v1/batches/b", 405),
        ("GET", "/v1/files/..%2fmodels", 404),
        ("GET", "/v1/files/a/secrets", 404),
        ("GET", "/v1/images", 404),
    ],
)
def test_other_paths_and_methods(services, http, method, path, status):
    assert http.request(method, path).status_code == status
    assert not services.openai.requests


# -- without a model ------------------------------------------------------------------------------------------


def test_the_life_of_a_file(services, http):
    content = bytes(range(256)) * 5000
    made = upload(http, content)
    assert made.status_code == 200, made.text
    ident = made.json()["id"]
    assert services.openai.uploaded[ident][1] == content
    assert made.headers["x-tollgate-provider"] == "openai" and "x-tollgate-model" not in made.headers
    listed = http.get("/v1/files", params={"purpose": "batch", "limit": 3})
    assert [one["id"] for one in listed.json()["data"]] == [ident]
    assert services.openai.last.query == "purpose=batch&limit=3"
    assert services.openai.last.header("content-length") is None
    assert http.get(f"/v1/files/{ident}").json()["bytes"] == len(content)
    assert http.get(f"/v1/files/{ident}/content").content == content
    gone = http.delete(f"/v1/files/{ident}")
    assert gone.json()["deleted"] is True and services.openai.last.method == "DELETE"
    answer = http.get(f"/v1/files/{ident}")
    assert answer.status_code == 404 and answer.content == bytes(services.openai.last.sent)
    line = services.gateway.audited(gone)
    assert (line["method"], line["provider"], line["status"]) == ("DELETE", "openai", 200)


def test_a_batch(services, http):
    ident = upload(http).json()["id"]
    body = {"input_file_id": ident, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    made = http.post("/v1/batches", json=body)
    assert made.status_code == 200, made.text
    assert services.openai.last.json == body
    batch = made.json()["id"]
    assert http.get(f"/v1/batches/{batch}").json()["status"] == "validating"
    cancelled = http.post(f"/v1/batches/{batch}/cancel")
    assert cancelled.json()["status"] == "cancelling"
    assert services.openai.last.body == b"" and services.openai.last.header("content-length") == "0"
    assert batch in [one["id"] for one in http.get("/v1/batches").json()["data"]]


def test_what_makes_something_is_not_tried_twice(services, http):
    services.openai.script(fail(500))
    assert upload(http).status_code == 500
    assert len(services.openai.requests) == 1


@pytest.mark.parametrize("by", ["header", "query"])
def test_the_client_names_the_provider(services, http, by):
    headers = {"x-tollgate-provider": "backup"} if by == "header" else {}
    query = "?provider=backup&limit=2" if by == "query" else "?limit=2"
    answer = http.get(f"/v1/files{query}", headers=headers)
    assert answer.status_code == 200 and answer.headers["x-tollgate-provider"] == "backup"
    assert services.backup.last.query == "limit=2"
    assert services.backup.last.header("x-tollgate-provider") is None
    body = {"model": "moderator", "input": "x"}
    answer = http.post("/v1/moderations?provider=backup", json=body)
    assert services.backup.last.json["model"] == "omni-moderation-2024-09-26"
    assert not services.openai.requests


def test_nobody_knows_which_provider(services, http):
    answer = http.get(f"/v1/responses/{STORED}")
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "openai, backup" in message and "x-tollgate-provider" in message
    answer = http.get(f"/v1/responses/{STORED}?provider=nobody")
    assert answer.status_code == 400 and "nobody" in answer.json()["error"]["message"]
    answer = http.get(f"/v1/responses/{STORED}?provider=anthropic")
    assert answer.status_code == 400
    assert not services.openai.requests


def test_stored_responses(services, http):
    base, by = f"/v1/responses/{STORED}", {"x-tollgate-provider": "openai"}
    answer = http.get(base, headers=by)
    assert answer.json()["status"] == "completed"
    assert services.gateway.audited(answer)["usage_status"] == "missing", "it was counted when it was made"
    assert http.get(f"{base}/input_items", headers=by).json()["object"] == "list"
    assert http.post(f"{base}/cancel", headers=by).json()["status"] == "cancelled"
    assert http.delete(base, headers=by).json()["deleted"] is True


def test_a_conversation_is_made_short(services, http):
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    answer = http.post("/v1/responses/compact", json={"model": "gpt", "input": said})
    assert answer.status_code == 200, answer.text
    assert services.openai.last.json == {"model": "gpt-4o", "input": said}
    assert answer.content == bytes(services.openai.last.sent)
    assert answer.json()["output"][-1]["type"] == "compaction"
    line, usage = services.gateway.audited(answer), answer.json()["usage"]
    assert (line["usage"]["input"], line["usage"]["output"]) == (usage["input_tokens"], usage["output_tokens"])
    assert line["usage_status"] == "complete" and line["cost_usd"] > 0
    answer = http.get("/v1/responses/compact")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = http.post("/v1/responses/compact", json={"model": "talk", "input": said})
    assert answer.status_code == 400 and "responses_compact" in answer.json()["error"]["message"]


def test_a_request_may_do_without_a_model(services, http):
    answer = http.post("/v1/moderations", json={"input": "x"}, headers={"x-tollgate-provider": "openai"})
    assert answer.status_code == 200 and services.openai.last.json == {"input": "x"}
    answer = http.post("/v1/moderations", json={"input": "x"})
    assert answer.status_code == 400 and "model" in answer.json()["error"]["message"]


def test_files_of_anthropic_are_others(services, http):
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "files-api-2025-04-14"}
    answer = http.post("/v1/files", files={"file": ("a.pdf", b"%PDF", "application/pdf")}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "file"
    assert services.claude.last.header("authorization") is None
    answer = http.get("/v1/files/file_none", headers=headers)
    assert answer.status_code == 404 and error_of("anthropic", answer.json())["type"] == "not_found_error"


def test_an_answer_that_breaks_off(services, http):
    upload(http, b"x" * 300_000)
    ident = next(iter(services.openai.uploaded))
    services.openai.script(stream(stop_after=2))
    failed = False
    try:
        answer = http.get(f"/v1/files/{ident}/content", headers={"x-mine": "cut"})
        failed = len(answer.content) < 300_000
    except Exception:
        failed = True
    assert failed
    line = services.gateway.audit_where(lambda one: one["path"].endswith("/content") and one.get("error"))
    assert line["error"]["message"]


def test_many_at_once(services, http):
    content = bytes(range(256)) * 900
    ident = upload(http, content).json()["id"]
    wrong = []

    def one(number):
        answer = services.gateway.http.get(f"/v1/files/{ident}/content", headers=AUTH)
        if answer.content != content:
            wrong.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert json.loads(upload(http).content)["object"] == "file"
