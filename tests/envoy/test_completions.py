"""The older text completions: to a provider that has them, and to one that only knows conversations."""

from __future__ import annotations

import json

import pytest

from support.answers import error_of, sse
from support.services import CLIENT_KEY
from support.sim import cut, fail, stream_error


@pytest.fixture
def ask(services):
    def post(model, prompt="say hi", **more):
        body = {"model": model, "prompt": prompt, **more}
        headers = {"authorization": f"Bearer {CLIENT_KEY}"}
        return services.gateway.http.post("/v1/completions", json=body, headers=headers)

    return post


def said(answer):
    """Text and finish of the first choice of a stream, and its usage."""
    text, finish, usage = "", None, None
    for _, data in sse(answer.content)[:-1]:
        chunk = json.loads(data)
        assert chunk["object"] == "text_completion"
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            text += choice["text"]
            finish = choice["finish_reason"] or finish
    assert sse(answer.content)[-1][1] == "[DONE]"
    return text, finish, usage


def test_bytes_pass_to_a_provider_of_the_dialect(services, ask):
    answer = ask("instruct", ["one", "two"], n=1, logprobs=2, echo=True, best_of=2, suffix=None)
    assert answer.status_code == 200, answer.text
    assert services.openai.last.path == "/v1/completions"
    assert answer.content == bytes(services.openai.last.sent)
    assert [choice["text"] for choice in answer.json()["choices"]] == ["oneecho: one", "twoecho: two"]
    line = services.gateway.audited(answer)
    truth = services.openai.last.usage
    assert (line["usage"]["input"], line["usage"]["output"]) == (truth["input"], truth["output"])
    assert line["client_dialect"] == "openai_completions"


def test_token_ids_pass_where_they_mean_something(services, ask):
    assert ask("instruct", [1, 2, 3]).status_code == 200
    assert services.openai.last.json["prompt"] == [1, 2, 3]
    answer = ask("talk", [1, 2, 3])
    assert answer.status_code == 400 and error_of("openai_chat", answer.json())["param"] == "prompt"
    answer = ask("talk", ["one", "two"])
    assert answer.status_code == 400 and "2 prompts" in answer.json()["error"]["message"]
    assert not services.chat.requests


@pytest.mark.parametrize("wants", [True, False])
def test_a_stream_of_the_dialect(services, ask, wants):
    more = {"stream_options": {"include_usage": True}} if wants else {}
    answer = ask("instruct", "long 9", stream=True, **more)
    text, finish, usage = said(answer)
    assert (text, finish) == (" ".join(f"w{n}" for n in range(1, 10)), "stop")
    assert (usage is not None) is wants
    assert services.openai.last.json["stream_options"] == {"include_usage": True}
    assert services.gateway.audited(answer)["usage"]["output"] == 9


def test_a_prompt_becomes_a_message(services, ask):
    answer = ask("talk", "good morning", max_tokens=50, stop="zzz", echo=True, user="u")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["object"] == "text_completion"
    assert body["choices"][0]["text"] == "good morningecho: good morning"
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    sent = services.chat.last.json
    assert sent["max_tokens"] == 50 and len(sent["messages"]) == 1
    answer = ask("talk", "long 40")
    assert services.chat.last.json["max_tokens"] == 16, "the default of the dialect"
    assert answer.json()["choices"][0]["finish_reason"] == "length"


def test_what_a_conversation_cannot_say_has_a_warning(ask):
    answer = ask("talk", "hi", suffix="the end", best_of=3, logprobs=1)
    for field in ("suffix", "best_of", "logprobs"):
        assert field in answer.headers["x-tollgate-warnings"], field


@pytest.mark.parametrize("wants", [True, False])
def test_a_translated_stream(services, ask, wants):
    more = {"stream_options": {"include_usage": True}} if wants else {}
    answer = ask("talk", "long 9", stream=True, echo=True, **more)
    assert answer.headers["content-type"].startswith("text/event-stream")
    text, finish, usage = said(answer)
    assert (text, finish) == ("long 9" + " ".join(f"w{n}" for n in range(1, 10)), "stop")
    assert (usage is not None) is wants


def test_falls_back_from_text_to_conversation(services, ask):
    services.openai.script(fail(503))
    answer = ask("instruct-then-talk", "hello")
    assert answer.json()["choices"][0]["text"] == "echo: hello"
    assert answer.headers["x-tollgate-provider"] == "chat_only"
    services.openai.script(stream_error(0))
    text, finish, _ = said(ask("instruct-then-talk", "hello", stream=True))
    assert (text, finish) == ("echo: hello", "stop")


def test_a_stream_that_breaks_off(services, ask):
    services.openai.script(cut(2, "end"))
    answer = ask("instruct", "long 9", stream=True)
    assert "error" in json.loads(sse(answer.content)[-1][1])
    services.chat.script(cut(2, "end"))
    answer = ask("talk", "long 9", stream=True)
    assert "error" in json.loads(sse(answer.content)[-1][1])


@pytest.mark.parametrize(("body", "param"), [({"model": "talk"}, "prompt"), ({"prompt": "x"}, "model")])
def test_what_is_missing_is_named(services, body, param):
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    answer = services.gateway.http.post("/v1/completions", json=body, headers=headers)
    assert answer.status_code == 400 and error_of("openai_chat", answer.json())["param"] == param


@pytest.mark.parametrize("model", ["gpt", "any/gpt-4o"])
def test_a_model_that_talks_is_asked_where_it_does(services, ask, model):
    answer = ask(model, "hello", echo=True, logprobs=1)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["text"] == "helloecho: hello"
    assert services.openai.last.path == "/v1/chat/completions"
    text, finish, usage = said(ask(model, "long 9", stream=True, stream_options={"include_usage": True}))
    assert (text, finish) == (" ".join(f"w{n}" for n in range(1, 10)), "stop") and usage


@pytest.mark.parametrize("model", ["instruct", "any/davinci-002", "any/ft:babbage-002:acme::1"])
def test_a_model_that_only_completes_is_asked_where_it_does(services, model):
    answer = services.gateway.chat(model, "hello there", key=CLIENT_KEY)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "echo: hello there"
    assert services.openai.last.path == "/v1/completions"


def test_a_chat_client_of_a_text_provider(make_gateway, services):
    gateway = make_gateway(
        {
            "providers": {
                "base": {
                    "base_url": services.openai.base_url,
                    "dialect": "openai_completions",
                    "api_key_env": "SERVICES_KEY",
                }
            },
            "models": {"base": "base/davinci-002"},
        },
        env={"SERVICES_KEY": services.openai.key},
    )
    answer = gateway.chat("base", "hello there")
    assert answer.json()["choices"][0]["message"]["content"] == "echo: hello there"
    turns = [{"role": role, "content": "x"} for role in ("user", "assistant", "user")]
    answer = gateway.messages("base", turns)
    assert answer.status_code == 400 and "messages[1]" in answer.json()["error"]["message"]
