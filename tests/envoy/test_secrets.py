"""What must stay where it is: the gateway's keys from providers, providers' keys and words from clients."""

from __future__ import annotations

import hashlib
import json

import pytest

from support.gateway import bearer, body_for, path_for
from support.sim import AnthropicSim, OpenAISim, fail, raw
from support.world import CLAUDE, GPT

KEY, OTHER, MASTER = "tg-one-5d41402abc4b", "tg-two-7d793037a076", "tg-master-e4da3b7fbbce"
# As those of Azure, Cohere or Mistral: nothing in it says that it is a key.
PLAIN = "0f3a9c51e2d84b60b1946ac92492d234"
WITHHELD = {
    "authorization": "Bearer " + PLAIN,
    "x-api-key": PLAIN,
    "www_authenticate": "Bearer realm=x",
    "refresh": "1; url=http://other.example",
    "link": "<http://other.example>; rel=preload",
    "set_cookie": "session=1",
    "x_accel_redirect": "/internal",
}


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def providers():
    with OpenAISim(PLAIN) as plain, OpenAISim("sk-of-the-client") as open_one, AnthropicSim("sk-ant-client") as claude:
        yield plain, open_one, claude


@pytest.fixture(scope="module")
def gateway(make_gateway, standing_world, providers):
    plain, open_one, claude = providers
    return make_gateway(
        env={"PLAIN_KEY": PLAIN},
        providers={
            "plain": {"base_url": plain.base_url, "dialect": "openai_chat", "api_key_env": "PLAIN_KEY"},
            "mine": {"base_url": open_one.base_url, "dialect": "openai_chat", "auth": "passthrough"},
            "theirs": {"base_url": claude.base_url, "dialect": "anthropic", "auth": "passthrough"},
        },
        models={"plain": f"plain/{GPT}", "mine": f"mine/{GPT}", "theirs": f"theirs/{CLAUDE}", "plain/*": "plain/*"},
        keys=[{"id": name, "sha256": digest(key)} for name, key in (("one", KEY), ("two", OTHER))],
        master_key=digest(MASTER),
    )


@pytest.fixture(autouse=True)
def clear(providers):
    for sim in providers:
        sim.clear()


def ask(gateway, model, headers, dialect="openai_chat"):
    return gateway.http.post(path_for(dialect), json=body_for(dialect, model), headers=headers)


@pytest.mark.parametrize("second", [KEY, OTHER, MASTER])
@pytest.mark.parametrize("header", ["x-api-key", "api-key", "x-goog-api-key"])
def test_no_key_of_the_gateway_passes_through(gateway, providers, header, second):
    """Clients are configured with several places for a key, and fill them with the same or with others."""
    for model, sim in (("mine", providers[1]), ("theirs", providers[2])):
        assert ask(gateway, model, bearer(KEY) | {header: second}).status_code == 401
        seen = sim.last.text()
        assert not any(key in seen for key in (KEY, OTHER, MASTER)), seen


def test_the_clients_own_credential_passes_beside_one(gateway, providers):
    answer = ask(gateway, "mine", bearer("sk-of-the-client") | {"x-api-key": KEY})
    assert answer.status_code == 200
    assert KEY not in providers[1].last.text()


@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("status", [400, 401, 403, 503])
def test_a_providers_key_stays_from_clients_audit_and_page(gateway, providers, client, status):
    words = f"Incorrect API key provided: {PLAIN}. You can find your key at https://keys.example."
    error = {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}
    providers[0].script(raw(json.dumps(error).encode(), status=status))
    answer = ask(gateway, "plain", bearer(KEY), client)
    assert answer.status_code == status
    assert PLAIN not in answer.text and "[redacted]" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    line = gateway.audited(answer)
    assert PLAIN not in json.dumps(line) and "[redacted]" in json.dumps(line)
    assert PLAIN not in gateway.http.get("/health", headers=bearer(MASTER)).text


def test_part_of_a_key_that_was_refused_is_taken_out_too(gateway, providers):
    error = b'{"error":{"message":"Incorrect API key provided: sk-proj-********************aaaa.","type":"x","param":null,"code":null}}'
    providers[0].script(raw(error, status=401))
    answer = ask(gateway, "plain", bearer(KEY))
    assert answer.json()["error"]["message"] == "Incorrect API key provided: [redacted]"


@pytest.mark.parametrize("status", [200, 400])
def test_headers_that_are_nobodys_business(gateway, providers, status):
    behaviour = fail(400, **WITHHELD)
    behaviour.status = None if status == 200 else status
    providers[0].script(behaviour)
    answer = ask(gateway, "plain", bearer(KEY))
    assert answer.status_code == status
    assert not {name.replace("_", "-") for name in WITHHELD} & set(answer.headers)


def test_the_page_quotes_providers_to_the_master_key_alone(gateway, providers):
    words = "input was: a secret prompt of somebody"
    error = {"error": {"message": words, "type": "server_error", "param": None, "code": None}}
    providers[0].script(raw(json.dumps(error).encode(), status=503))
    ask(gateway, "plain", bearer(KEY))
    gateway.audit_where(lambda line: words in json.dumps(line))
    for headers in ({}, bearer(KEY), bearer("wrong")):
        page = gateway.http.get("/health", headers=headers)
        assert page.status_code == 200 and words not in page.text
        assert page.json()["targets"][f"plain/{GPT}"]["last_error"]["class"] == "server"
    assert words in gateway.http.get("/health", headers=bearer(MASTER)).text


def test_an_empty_list_of_keys_lets_nobody_in(make_gateway, world):
    gateway = make_gateway(keys=[])
    assert gateway.chat("gpt").status_code == 401
    assert not world.openai.requests


@pytest.mark.parametrize("name", ["..", ".", "../chat", "a/../b"])
def test_a_name_cannot_lead_elsewhere(gateway, providers, name):
    assert ask(gateway, f"plain/{name}", bearer(KEY)).status_code == 404
    assert not providers[0].requests


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": -5, "completion_tokens": "many"}, None])
def test_usage_that_says_nothing_is_estimated(gateway, providers, usage):
    choice = {"index": 0, "message": {"role": "assistant", "content": "word " * 200}, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": GPT, "choices": [choice], "usage": usage}
    providers[0].script(raw(json.dumps(body).encode()))
    answer = ask(gateway, "plain", bearer(KEY))
    assert answer.status_code == 200
    line = gateway.audited(answer)
    assert line["usage_status"] == "estimated" and line["usage"]["output"] > 100
