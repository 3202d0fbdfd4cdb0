"""When the next target of the chain is tried, when it is not, and what an exhausted chain says."""

from __future__ import annotations

import time

import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, error_of, read, read_stream
from support.gateway import body_for, path_for
from support.sim import empty, fail, hang, malformed, raw, refuse_connections, reset, stream, stream_error, truncated
from support.world import CLAUDE, GPT

TRIGGERS = {
    "408": fail(408),
    "409": fail(409),
    "429": fail(429),
    "429-with-retry-after": fail(429, "1"),
    "500": fail(500),
    "502-html": fail(502, html=True),
    "503": fail(503),
    "504": fail(504),
    "529": fail(529),
    "reset": reset(),
    "closed": refuse_connections(),
    "empty-200": empty(),
    "malformed-200": malformed(),
    "truncated-200": truncated(),
    "html-200": raw(b"<html><body>Sign in</body></html>", "text/html"),
    "error-object-200": raw(b'{"error":{"message":"upstream overloaded","type":"server_error","code":503}}'),
}
STREAM_TRIGGERS = {
    name: TRIGGERS[name] for name in ("429", "500", "529", "reset", "closed", "empty-200", "malformed-200", "html-200")
} | {
    "error-event": stream_error(0),
}


def ask(gateway, client, model, streamed, messages="hello"):
    body = body_for(client, model, messages) | ({"stream": True} if streamed else {})
    return gateway.http.post(path_for(client), json=body)


def text(client, answer, streamed):
    return (read_stream(client, answer.content) if streamed else read(client, answer.json())).text


@pytest.fixture(params=DIALECTS)
def client(request):
    return request.param


@pytest.mark.parametrize("chain", ["gpt-then-claude", "claude-then-gpt", "gpt-then-second"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_triggers(gateway, world, client, chain, trigger):
    first, second = {
        "gpt-then-claude": (world.openai, world.claude),
        "claude-then-gpt": (world.claude, world.openai),
        "gpt-then-second": (world.openai, world.second),
    }[chain]
    first.script(TRIGGERS[trigger])
    answer = ask(gateway, client, chain, False)
    assert answer.status_code == 200, answer.text
    assert text(client, answer, False) == "echo: hello"
    assert (len(first.requests), len(second.requests)) == (1, 1)
    assert answer.headers["x-tollgate-attempts"] == "2"
    assert (
        answer.headers["x-tollgate-provider"]
        == {"gpt-then-claude": "claude", "claude-then-gpt": "openai", "gpt-then-second": "second"}[chain]
    )
    line = gateway.audited(answer)
    assert [one["provider"] for one in line["attempts"]][-1] == line["provider"]
    assert len(line["attempts"]) == 2
    assert line["attempts"][0]["reason"]


@pytest.mark.parametrize("chain", ["gpt-then-claude", "claude-then-gpt"])
@pytest.mark.parametrize("trigger", STREAM_TRIGGERS)
def test_triggers_of_streams(gateway, world, client, chain, trigger):
    first = world.openai if chain.startswith("gpt") else world.claude
    first.script(STREAM_TRIGGERS[trigger])
    answer = ask(gateway, client, chain, True)
    assert answer.status_code == 200, answer.text
    seen = read_stream(client, answer.content)
    assert (seen.text, seen.done, seen.error) == ("echo: hello", True, None)
    assert answer.headers["x-tollgate-attempts"] == "2"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", ["dead-then-gpt", "dead-then-claude"])
def test_connection_refused(gateway, world, client, model, streamed):
    answer = ask(gateway, client, model, streamed)
    assert text(client, answer, streamed) == "echo: hello"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_does_not_resolve(make_gateway, world, scheme):
    """Envoy itself has no address to try then; the chain goes on all the same, from any place in it."""
    nameless = {"preset": "openai_compatible", "base_url": f"{scheme}://nobody.invalid:8443/v1", "auth": "none"}
    gateway = make_gateway(
        providers={"nameless": nameless},
        models={
            "first": ["nameless/m", f"openai/{GPT}"],
            "middle": ["dead/m", "nameless/m", f"openai/{GPT}"],
            "alone": "nameless/m",
        },
    )
    for model, attempts in (("first", "2"), ("middle", "3")):
        answer = gateway.chat(model)
        assert (answer.status_code, answer.headers["x-tollgate-attempts"]) == (200, attempts), answer.text
        assert text(OPENAI, answer, False).startswith("echo: ")
    tries = gateway.audited(answer)["attempts"]
    assert [one["provider"] for one in tries] == ["dead", "nameless", "openai"]
    assert "no such host" in tries[1]["reason"]
    alone = gateway.chat("alone")
    assert (alone.status_code, alone.json()["error"]["attempts"][0]["provider"]) == (503, "nameless")


@pytest.mark.parametrize("streamed", [False, True])
def test_silence_before_the_headers(gateway, world, client, streamed):
    world.openai.script(hang())
    began = time.monotonic()
    answer = ask(gateway, client, "quick", streamed)
    assert text(client, answer, streamed) == "echo: hello"
    assert 0.9 < time.monotonic() - began < 10
    assert "1000 ms" in gateway.audited(answer)["attempts"][0]["reason"]
    world.openai.wait_for(lambda sim: sim.last.aborted)


def test_silence_after_the_headers_of_a_stream(gateway, world, client):
    """The time to the first token counts, not the time to the status line."""
    world.openai.script(stream(before_first=30))
    answer = ask(gateway, client, "quick", True)
    assert text(client, answer, True) == "echo: hello"


def test_a_slow_stream_outlives_the_first_token_timeout(gateway, world, client):
    world.openai.script(stream(between=0.12))
    answer = ask(gateway, client, "quick", True, "long 12")
    assert text(client, answer, True) == " ".join(f"w{n}" for n in range(1, 13))
    assert not world.claude.requests


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
@pytest.mark.parametrize("streamed", [False, True])
def test_other_refusals_are_the_clients_to_see(gateway, world, client, status, streamed):
    world.openai.script(fail(status))
    answer = ask(gateway, client, "gpt-then-claude", streamed)
    assert answer.status_code == status
    error_of(client, answer.json())
    assert (len(world.openai.requests), len(world.claude.requests)) == (1, 0)
    assert answer.headers["x-tollgate-attempts"] == "1"


def test_each_try_is_translated_afresh_with_its_own_path_key_and_model(gateway, world, client):
    world.openai.script(fail(503))
    world.second.script(fail(503))
    assert ask(gateway, client, "three", False).status_code == 200
    first, second, third = world.openai.last, world.second.last, world.claude.last
    assert (first.path, first.json["model"], first.header("authorization")) == (
        "/v1/chat/completions",
        GPT,
        f"Bearer {world.openai.key}",
    )
    assert (second.path, second.json["model"], second.header("authorization")) == (
        "/v1/chat/completions",
        "gpt-4.1",
        f"Bearer {world.second.key}",
    )
    assert (third.path, third.json["model"], third.header("x-api-key")) == ("/v1/messages", CLAUDE, world.claude.key)
    assert third.header("authorization") is None and third.header("anthropic-version")
    for request, sim in ((first, world.openai), (second, world.second), (third, world.claude)):
        assert request.header("host") == f"127.0.0.1:{sim.port}"


@pytest.mark.parametrize(
    ("client", "status", "kind"),
    [
        (OPENAI, 503, None),
        (ANTHROPIC, 529, "overloaded_error"),
        (ANTHROPIC, 429, "rate_limit_error"),
        (OPENAI, 429, None),
        (ANTHROPIC, 500, "api_error"),
    ],
)
def test_an_exhausted_chain_lists_its_attempts(gateway, world, client, status, kind):
    world.openai.script(fail(500))
    world.second.script(fail(429))
    world.claude.script(fail(status))
    answer = ask(gateway, client, "three", False)
    assert answer.status_code == status
    error = error_of(client, answer.json())
    attempts = error["attempts"]
    assert [one["provider"] for one in attempts] == ["openai", "second", "claude"]
    assert [one["model"] for one in attempts] == [GPT, "gpt-4.1", CLAUDE]
    assert [one["status"] for one in attempts] == [500, 429, status]
    assert all(one["reason"] and one["ms"] >= 0 for one in attempts)
    assert kind is None or error["type"] == kind
    assert answer.headers["x-tollgate-attempts"] == "3"


def test_an_exhausted_chain_keeps_retry_after(gateway, world, client):
    world.openai.script(fail(500))
    world.claude.script(fail(429, "17"))
    answer = ask(gateway, client, "gpt-then-claude", False)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "17")


def test_nobody_there(gateway, world, client):
    answer = ask(gateway, client, "dead", False)
    assert answer.status_code == 503
    error = error_of(client, answer.json())
    assert [one["provider"] for one in error["attempts"]] == ["dead"]


def test_a_stream_whose_whole_chain_fails_is_a_plain_error(gateway, world, client):
    world.openai.script(stream_error(0))
    world.claude.script(stream_error(0))
    answer = ask(gateway, client, "gpt-then-claude", True)
    assert answer.status_code in (500, 503, 529)
    assert answer.headers["content-type"].startswith("application/json")
    assert len(error_of(client, answer.json())["attempts"]) == 2


def test_error_bodies_that_are_no_json(gateway, world, client):
    world.openai.script(fail(403, html=True))
    answer = ask(gateway, client, "gpt", False)
    assert answer.status_code == 403
    error = error_of(client, answer.json())
    assert "openai" in str(answer.json()), "an error says who failed"
    assert "<html" not in error["message"].lower() or len(error["message"]) < 1000


@pytest.mark.parametrize(
    "body",
    [
        b'{"detail":"Not Found"}',
        b'{"error":{"message":"no such thing","type":"x","param":null,"code":null}}',
        b'{"type":"error","error":{"type":"x","message":"no such thing"}}',
        b"not found",
        b"",
    ],
)
@pytest.mark.parametrize(
    ("model", "client"), [("gpt", OPENAI), ("claude", ANTHROPIC), ("gpt", ANTHROPIC), ("claude", OPENAI)]
)
def test_errors_of_any_shape_come_in_the_clients(gateway, world, client, model, body):
    """Also where nothing is translated: a proxy before a provider answers in whatever shape it likes."""
    (world.openai if model == "gpt" else world.claude).script(raw(body, status=404))
    answer = ask(gateway, client, model, False)
    assert answer.status_code == 404
    error_of(client, answer.json())


@pytest.mark.parametrize(("provider", "model", "status", "openai_type", "anthropic_type"), [
    ("openai", "gpt", 400, "invalid_request_error", "invalid_request_error"),
    ("openai", "gpt", 403, None, "permission_error"),
    ("openai", "gpt", 404, "invalid_request_error", "not_found_error"),
    ("claude", "claude", 400, "invalid_request_error", "invalid_request_error"),
    ("claude", "claude", 413, None, "request_too_large"),
])  # fmt: skip
def test_errors_speak_the_clients_dialect(gateway, world, provider, model, status, openai_type, anthropic_type):
    sim = world.openai if provider == "openai" else world.claude
    for client, kind in ((OPENAI, openai_type), (ANTHROPIC, anthropic_type)):
        sim.script(fail(status))
        answer = ask(gateway, client, model, False)
        assert answer.status_code == status
        error = error_of(client, answer.json())
        assert kind is None or error["type"] == kind

SPOKEN = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "what is said?"},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        ],
    }
]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_target_cannot_take_goes_to_one_that_can(gateway, world, streamed):
    world.clear()
    answer = ask(gateway, "openai_chat", "claude-then-gpt", streamed, SPOKEN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-tollgate-provider"] == "openai"
    assert text("openai_chat", answer, streamed)
    assert not world.claude.requests and len(world.openai.requests) == 1
    first, second = gateway.audited(answer)["attempts"]
    assert first["reason"] == "skipped: messages[0].content[1]: audio is not supported by Anthropic"
    assert first["status"] is None and second["status"] == 200


@pytest.mark.parametrize("streamed", [False, True])
def test_nor_does_it_end_there_when_the_router_goes_on_by_itself(make_gateway, world, streamed):
    gateway = make_gateway(models={"deaf-between": ["dead/nothing", f"claude/{CLAUDE}", f"openai/{GPT}"]})
    answer = ask(gateway, OPENAI, "deaf-between", streamed, SPOKEN)
    assert answer.status_code == 200, answer.text
    assert text(OPENAI, answer, streamed) and not world.claude.requests
    assert [one["provider"] for one in gateway.audited(answer)["attempts"]] == ["claude", "dead", "openai"]


def test_what_nobody_can_take_is_refused(gateway, world):
    world.clear()
    answer = ask(gateway, "openai_chat", "claude", False, SPOKEN)
    assert answer.status_code == 400 and not world.claude.requests
    assert answer.json()["error"]["param"] == "messages[0].content[1]"
    # One that could was asked and failed: what it said is what counts.
    world.openai.script(fail(503))
    answer = ask(gateway, "openai_chat", "gpt-then-claude", False, SPOKEN)
    assert answer.status_code == 503, answer.text
    skipped = [attempt for attempt in answer.json()["error"]["attempts"] if attempt["status"] is None]
    assert [attempt["provider"] for attempt in skipped] == ["claude"]
