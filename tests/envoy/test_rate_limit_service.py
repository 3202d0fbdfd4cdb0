"""Envoy's global rate limit filter behind the edge: requests and tokens at a rate limit service."""

from __future__ import annotations

import hashlib
import json

import pytest

from support.answers import ANTHROPIC, DIALECTS
from support.gateway import chat_body
from support.rate_limit_service import RateLimitService, descriptor
from support.sim import fail
from support.world import GPT, dead_port

ALICE, BOB = "tg-alice-98f13708210194c4", "tg-bob-3b5d5c3712955042"
KEYS = [
    {"id": "alice", "sha256": hashlib.sha256(ALICE.encode()).hexdigest(), "tenant": "acme"},
    {"id": "bob", "sha256": hashlib.sha256(BOB.encode()).hexdigest()},
]
PRICES = {GPT: {"input": 2.0, "output": 8.0}, "gpt-4o-2024-08-06": {"input": 2.0, "output": 8.0}}
DESCRIPTORS = [
    {"per": ["tenant"]},
    {"per": ["key"]},
    {"per": ["tenant", "model"], "counts": "tokens"},
    {"per": ["key"], "counts": "tokens"},
    {"per": ["provider"], "counts": "tokens"},
    {"per": ["key"], "counts": "microdollars"},
]


@pytest.fixture(scope="module")
def standing_service():
    service = RateLimitService()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def standing(make_gateway, standing_service):
    return make_gateway(keys=KEYS, prices=PRICES, state=state(standing_service.port, descriptors=DESCRIPTORS))


@pytest.fixture
def service(standing_service):
    standing_service.clear()
    return standing_service


@pytest.fixture
def gateway(world, service, standing):
    """Of every answer the tokens were reported, and no others, before the next test begins."""
    yield standing
    used = sum(
        sum(line["usage"].get(part, 0) for part in ("input", "output")) for line in standing.audit() if "usage" in line
    )
    service.wait_for_all("tokens", "provider", used)


@pytest.fixture(scope="module")
def nobody():
    return dead_port()


def state(port, **more):
    return {"rate_limit_service": {"address": f"127.0.0.1:{port}", "domain": "llm", "timeout": "2s", **more}}


def ask(gateway, client, model="gpt", key=ALICE, **more):
    answer = gateway.ask(client, model, key=key, **more)
    gateway.audited(answer)
    return answer


def test_requests_are_counted_when_they_come(world, service, gateway):
    for _ in range(3):
        assert ask(gateway, "openai_chat").status_code == 200
    assert service.counts[descriptor("requests", tenant="acme")] == 3
    assert service.counts[descriptor("requests", key="alice")] == 3
    assert service.domains == {"llm"}


@pytest.mark.parametrize("client", DIALECTS)
def test_over_the_limit_is_429_in_the_clients_dialect(world, service, gateway, client):
    service.limits[descriptor("requests", key="alice")] = 2
    assert [ask(gateway, client).status_code for _ in range(2)] == [200, 200]
    asked = len(world.openai.requests)
    answer = ask(gateway, client)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "33")
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    if client == ANTHROPIC:
        assert (answer.json()["type"], error["type"]) == ("error", "rate_limit_error")
    else:
        assert error["code"] == "rate_limit_exceeded"
    assert len(world.openai.requests) == asked, "no provider is asked"
    line = gateway.audited(answer)
    assert (line["status"], line["error"]["type"]) == (429, "rate_limit")
    assert not [name for name in answer.headers if name.startswith("x-envoy-")]
    # Nothing was used, and there is nothing to be said of it.
    assert "Invalid hits_addend" not in gateway.log()
    # Another key has a limit of its own.
    assert ask(gateway, client, key=BOB).status_code == 200


def test_a_retry_after_of_the_services_own_is_kept(world, service, gateway):
    service.limits[descriptor("requests", key="alice")] = 0
    service.headers["retry-after"] = "7"
    answer = ask(gateway, "openai_chat")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_tokens_are_added_when_the_answer_is_over(world, service, gateway, client, streamed):
    answer = ask(gateway, client, **({"stream": True} if streamed else {}))
    line = gateway.audited(answer)
    tokens = line["usage"]["input"] + line["usage"]["output"]
    assert tokens > 0
    service.wait_for(descriptor("tokens", tenant="acme", model="gpt"), tokens)
    service.wait_for(descriptor("tokens", key="alice"), tokens)
    service.wait_for(descriptor("tokens", provider="openai"), tokens)
    service.wait_for(descriptor("microdollars", key="alice"), round(line["cost_usd"] * 1_000_000))


def test_a_client_that_leaves_pays_for_what_it_got(world, service, gateway):
    body = chat_body("gpt", "count " * 400, stream=True)
    with gateway.http.stream(
        "POST", "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {ALICE}"}
    ) as answer:
        ident = answer.headers["x-tollgate-request-id"]
        next(answer.iter_lines())
    line = gateway.audited(ident)
    tokens = line["usage"]["input"] + line["usage"]["output"]
    service.wait_for(descriptor("tokens", key="alice"), tokens)


@pytest.mark.parametrize("client", DIALECTS)
def test_once_the_tokens_are_used_up_requests_are_refused(world, service, gateway, client):
    name = descriptor("tokens", key="alice")
    service.limits[name] = 1
    first = ask(gateway, client)
    assert first.status_code == 200, "the limit is not reached before the first answer"
    used = gateway.audited(first)["usage"]
    service.wait_for(name, used["input"] + used["output"])
    answer = ask(gateway, client)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "33")
    assert ask(gateway, client, key=BOB).status_code == 200
    # What was refused used nothing: the count of the other key came later and stands, this one's did not move.
    service.wait_for(name, used["input"] + used["output"])


def test_tokens_count_for_the_provider_that_answered(world, service, gateway):
    world.openai.script(fail(503))
    answer = ask(gateway, "openai_chat", "gpt-then-claude")
    line = gateway.audited(answer)
    assert line["provider"] == "claude"
    service.wait_for(descriptor("tokens", provider="claude"), line["usage"]["input"] + line["usage"]["output"])
    assert service.counts[descriptor("tokens", provider="openai")] == 0


def test_what_has_no_value_is_left_out(world, service, gateway):
    line = gateway.audited(ask(gateway, "openai_chat", key=BOB))
    service.wait_for(descriptor("tokens", key="bob"), line["usage"]["input"] + line["usage"]["output"])
    named = {entry for name in service.counts for entry in name}
    assert ("key", "bob") in named and not [entry for entry in named if entry[0] == "tenant"]


def test_what_the_gateway_answers_itself_is_not_counted(world, service, gateway):
    assert ask(gateway, "openai_chat", "none-such").status_code == 404
    assert gateway.chat("gpt", key="wrong").status_code == 401
    assert gateway.http.get("/health").status_code == 200
    gateway.audited(ask(gateway, "openai_chat", key=BOB))
    assert service.counts[descriptor("requests", key="bob")] == 1
    assert service.counts[descriptor("requests", key="alice")] == 0


@pytest.mark.parametrize("client", DIALECTS)
def test_a_service_out_of_reach(world, make_gateway, nobody, client):
    allowing = make_gateway(keys=KEYS, state=state(nobody))
    assert ask(allowing, client).status_code == 200
    refusing = make_gateway(keys=KEYS, state=state(nobody, on_error="refuse"))
    answer = ask(refusing, client)
    assert answer.status_code == 503
    assert "rate limit service" in answer.json()["error"]["message"]
    line = refusing.audited(answer)
    assert line["status"] == 503


def test_nothing_of_it_without_a_service(standing_gateway):
    assert "ratelimit" not in json.dumps(standing_gateway.rendered.read_text())
