"""Clients and providers that do what nobody should: no trap, no bypass, no leak, an answer all the same."""

from __future__ import annotations

import gzip
import json

import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, error_of, read, read_stream
from support.gateway import body_for, path_for
from support.sim import fail, raw, stream
from support.world import CLAUDE, GPT

PLAIN = {"content-type": "application/json"}


def post(gateway, dialect, body):
    return gateway.http.post(path_for(dialect), content=body, headers=PLAIN)


@pytest.mark.parametrize("second", ['"model":"gpt-4-32k"', '"mod\\u0065l":"gpt-4-32k"', '"model":7'])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_second_model_field_does_not_get_past_the_route(gateway, world, second, place):
    """Readers disagree about duplicate names; what the gateway decided must be what the provider reads."""
    pair = f'"model":"gpt",{second}' if place == "after" else f'{second},"model":"gpt"'
    answer = post(gateway, OPENAI, f'{{{pair},"messages":[{{"role":"user","content":"x"}}]}}')
    if answer.status_code == 200:
        last = {}
        first = {}
        for name, value in json.loads(world.openai.last.body, object_pairs_hook=list):
            last[name] = value
            first.setdefault(name, value)
        assert (first["model"], last["model"]) == (GPT, GPT)
    else:
        assert answer.status_code in (400, 404)
        assert not world.openai.requests


@pytest.mark.parametrize("second", ['"stream":false', '"stream":true'])
def test_a_second_stream_field(gateway, world, second):
    answer = post(
        gateway, OPENAI, f'{{"model":"gpt","stream":true,{second},"messages":[{{"role":"user","content":"x"}}]}}'
    )
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert "echo: x" in answer.text.replace('"}}]', "") or "echo" in answer.text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["gpt", "claude"])
@pytest.mark.parametrize("bomb", ["[" * 50_000 + "]" * 50_000, '{"a":' * 50_000 + "1" + "}" * 50_000])
def test_depth(gateway, world, dialect, model, bomb):
    """A body nested fifty thousand deep must not run a stack out."""
    body = json.dumps(body_for(dialect, model)).replace('"hi"', f'[{{"type":"text","text":"x","deep":{bomb}}}]')
    answer = post(gateway, dialect, body)
    assert answer.status_code in (200, 400)
    assert gateway.chat("gpt").status_code == 200


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["gpt", "claude"])
def test_text_of_every_kind(gateway, world, dialect, model):
    text = 'quote " backslash \\ newline \n tab \t nul-escape \\u0000 lone é \U0001f469\u200d\U0001f469 \u2028\u2029 </script> {"model":"x"} data: [DONE]'
    for streamed in (False, True):
        answer = gateway.ask(dialect, model, text, **({"stream": True} if streamed else {}))
        assert answer.status_code == 200, answer.text
        seen = read_stream(dialect, answer.content) if streamed else read(dialect, answer.json())
        assert seen.text == "echo: " + text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_bytes_that_are_not_utf8(gateway, world, dialect):
    answer = post(gateway, dialect, json.dumps(body_for(dialect, "gpt", "@@")).encode().replace(b"@@", b"\xff\xfe\xc3"))
    assert answer.status_code == 400
    error_of(dialect, answer.json())


def test_ten_thousand_messages(gateway, world):
    messages = [{"role": ("user", "assistant")[n % 2], "content": f"m{n}"} for n in range(10_001)]
    assert gateway.chat("claude", messages).status_code == 200
    assert len(world.claude.last.json["messages"]) == 10_001


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        b": nothing but comments\n\n: more\n\n",
        b"data: \n\n",
        b"data: {\n\n",
        b"data: [DONE]\n\n",
        b"event: message_stop\ndata: {}\n\n",
        b"\xff\xfe\xfd",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"choices":[]}',
        b'{"choices":null,"usage":null}',
        b"[" * 20_000,
        b"0" * 100_000,
    ],
)
def test_answers_that_are_none(gateway, world, client, streamed, body):
    """Whatever comes with a 200, the chain goes on and the client gets an answer."""
    world.openai.script(raw(body, "text/event-stream" if streamed else "application/json"))
    answer = gateway.ask(client, "gpt-then-claude", **({"stream": True} if streamed else {}))
    assert answer.status_code == 200, answer.text
    seen = read_stream(client, answer.content) if streamed else read(client, answer.json())
    assert (seen.text, answer.headers["x-tollgate-provider"]) == ("echo: hi", "claude")


@pytest.mark.parametrize("client", DIALECTS)
def test_a_whole_answer_to_a_request_for_a_stream(gateway, world, client):
    """A peer that ignores `stream`: its text still reaches the client, as a stream, or the next target's does."""
    whole = gateway.chat("gpt").content
    world.openai.script(raw(whole, "application/json"))
    answer = gateway.ask(client, "gpt-then-claude", stream=True)
    assert answer.status_code == 200
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert read_stream(client, answer.content).text == "echo: hi"
    else:
        assert read(client, answer.json()).text == "echo: hi"


@pytest.mark.parametrize("client", DIALECTS)
def test_gzip_that_nobody_asked_for(gateway, world, client):
    body = gzip.compress(gateway.chat("gpt").content)
    behaviour = raw(body)
    behaviour.headers["content-encoding"] = "gzip"
    world.openai.script(behaviour)
    answer = gateway.ask(client, "gpt-then-claude")
    assert answer.status_code == 200
    assert read(client, answer.json()).text == "echo: hi"


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirects_are_not_followed_and_not_passed_on(gateway, world, client, status):
    world.openai.script(fail(status, location="http://internal.example/secret"))
    answer = gateway.ask(client, "gpt")
    assert answer.status_code >= 400
    assert "location" not in answer.headers
    error_of(client, answer.json())


def test_a_provider_cannot_speak_for_the_gateway(gateway, world):
    lies = {
        "x-tollgate-provider": "evil",
        "x-tollgate-cost": "0",
        "x-tollgate-attempts": "99",
        "x-tollgate-request-id": "evil",
        "x-tollgate-backoff": "30",
        "x-tollgate-anything": "evil",
        "access-control-allow-origin": "*",
        "strict-transport-security": "max-age=1",
    }
    world.openai.script(stream(headers=lies))
    answer = gateway.chat("gpt")
    assert (answer.headers["x-tollgate-provider"], answer.headers["x-tollgate-attempts"]) == ("openai", "1")
    assert float(answer.headers["x-tollgate-cost"]) > 0
    assert "evil" not in str(answer.headers)
    assert "x-tollgate-backoff" not in answer.headers and "access-control-allow-origin" not in answer.headers
    world.openai.script(fail(503, x_tollgate_backoff="30"))
    assert gateway.chat("gpt-then-claude").status_code == 200
    assert "x-tollgate-backoff" not in gateway.chat("gpt").headers


def test_nothing_of_the_providers_envoy_is_told(gateway, world):
    answer = gateway.messages("claude")
    assert not [name for name in answer.headers if name.startswith("x-envoy-")]


def test_audit_lines_stay_lines(make_gateway, world):
    gateway = make_gateway(audit={"content": True})
    text = 'line one\nline two\r\n{"request_id":"forged"}\n"quoted" \\ \u2028 \U0001f600 \t end'
    answer = gateway.chat("gpt", text)
    line = gateway.audited(answer)
    assert "line two" in str(line["prompt"])
    raw_lines = gateway.envoy.out_file.read_text().split("\n")
    assert all(json.loads(one) for one in raw_lines if one)
    assert not [one for one in gateway.audit() if one.get("request_id") == "forged"]


def test_a_forged_request_id_or_model_name_cannot_break_a_metric_or_a_line(gateway, world):
    for name in ("a;tenant=evil;", 'x"y', "new\nline", "ü" * 300, "x" * 20_000):
        answer = gateway.chat(name)
        assert answer.status_code in (400, 404)
    assert not gateway.metric("tollgate_requests", tenant="evil")
    assert gateway.chat("gpt").status_code == 200
    names = {tags.get("model") for sample, tags, _ in gateway.metrics() if sample == "tollgate_requests"}
    assert not [name for name in names if name and len(name) > 300], "an unknown model's name makes no metric"


def test_unknown_models_make_no_metric_each(gateway, world):
    """Names that clients make up must not grow Envoy's memory for ever."""
    for n in range(50):
        gateway.chat(f"made-up-{n}")
    names = {tags.get("model") for _, tags, _ in gateway.metrics()}
    assert not [name for name in names if name and name.startswith("made-up-")]


def test_wildcard_models_make_no_metric_each(gateway, world):
    for n in range(50):
        assert gateway.chat(f"any/gpt-4o-{n}").status_code == 200
    names = {tags.get("model") for _, tags, _ in gateway.metrics()}
    assert len([name for name in names if name and "gpt-4o-" in name]) < 10


def test_paths_with_tricks(gateway, world):
    for path in (
        "/v1/chat/completions/",
        "//v1/chat/completions",
        "/v1/./chat/completions",
        "/v1/x/../chat/completions",
        "/v1/chat%2Fcompletions",
        "/V1/CHAT/COMPLETIONS",
    ):
        answer = gateway.http.post(path, json=body_for(OPENAI, "gpt"))
        assert answer.status_code in (200, 400, 404), path
    for request in world.openai.requests:
        assert request.path == "/v1/chat/completions"


def test_counting_tokens_is_answered_in_the_clients_dialect(gateway):
    answer = gateway.http.post(
        "/v1/messages/count_tokens?beta=true",
        json={"model": "claude", "messages": [{"role": "user", "content": "hi"}]},
        headers={"anthropic-version": "2023-06-01"},
    )
    assert answer.status_code == 200
    assert answer.json()["input_tokens"] > 0


def test_a_model_name_that_is_the_providers_own(gateway, world):
    """Only what models say is reachable, not provider/model at will."""
    for name in (GPT, CLAUDE, f"openai/{GPT}", "second/gpt-4.1"):
        assert gateway.chat(name).status_code == 404
    assert not world.openai.requests and not world.second.requests
