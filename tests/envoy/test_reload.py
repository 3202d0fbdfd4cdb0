"""A split rendering reloads live; a bad configuration is refused and the old one stays."""

from __future__ import annotations

import copy
import threading
import time

import httpx
import pytest

from support.gateway import chat_body
from support.sim import hang
from support.world import GPT


@pytest.fixture(scope="module")
def standing_split(make_gateway):
    return make_gateway(split=True)


@pytest.fixture
def gateway(standing_split, world):
    return standing_split


def until(check, timeout=15.0):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.1)
    return False


def test_a_new_model_appears_and_no_request_fails_meanwhile(gateway, world):
    statuses, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            statuses.append(gateway.chat("gpt").status_code)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        config = copy.deepcopy(gateway.config)
        config["models"]["brand-new"] = "claude/claude-haiku-4-5"
        gateway.write(config)
        assert until(lambda: gateway.chat("brand-new").status_code == 200)
        # Both workers take the new one, not one of them.
        assert until(lambda: all(gateway.chat("brand-new").status_code == 200 for _ in range(10)))
    finally:
        stop.set()
        asker.join(10)
    assert world.claude.last.json["model"] == "claude-haiku-4-5"
    assert set(statuses) == {200} and len(statuses) > 5


def test_a_new_provider_appears(gateway, world):
    """For new connections and for those that are kept alive: unknown before, working after, nothing in between."""
    config = copy.deepcopy(gateway.config)
    config["providers"]["fourth"] = {
        "base_url": world.second.base_url,
        "dialect": "openai_chat",
        "api_key_env": "SECOND_TEST_KEY",
    }
    config["models"]["fourth"] = ["dead/nothing", "fourth/gpt-4.1"]
    assert gateway.chat("gpt").status_code == 200
    gateway.write(config)
    statuses = []

    def works():
        statuses.append(gateway.chat("fourth").status_code)
        fresh = httpx.post(gateway.url + "/v1/chat/completions", json=chat_body("fourth"))
        statuses.append(fresh.status_code)
        return statuses[-2:] == [200, 200]

    assert until(works), statuses
    assert set(statuses) <= {200, 404}, statuses
    assert world.second.last.json["model"] == "gpt-4.1"


def test_a_time_limit_of_a_targets_own_comes_and_goes(gateway, world):
    """No request fails meanwhile, and both workers keep it."""
    statuses, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            statuses.append(gateway.chat("gpt-then-claude").status_code)

    def reason():
        world.openai.script(hang(3))
        answer = gateway.chat("gpt-then-claude")
        assert answer.status_code == 200, answer.text
        return gateway.audited(answer)["attempts"][0].get("reason", "")

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        config = copy.deepcopy(gateway.config)
        config["providers"]["openai"]["timeout"] = "300ms"
        gateway.write(config)
        time.sleep(3)
        del config["providers"]["openai"]["timeout"]
        gateway.write(config)
        time.sleep(3)
    finally:
        stop.set()
        asker.join(10)
    assert set(statuses) == {200} and len(statuses) > 5
    config["providers"]["openai"]["timeout"] = "300ms"
    gateway.write(config)
    assert until(lambda: "300 ms" in reason())
    assert until(lambda: all("300 ms" in reason() for _ in range(10)))


def test_a_bad_plugin_configuration_is_refused_and_the_old_one_stays(gateway, world):
    """What `render` would never write: somebody edits the rendered file by hand."""
    before = gateway.log()
    gateway.expected.append("Plugin configured to fail closed failed to load")
    changed = 0
    for path in sorted(gateway.rendered.rglob("*")):
        if path.is_file() and "gpt-then-claude" in path.read_text():
            text = path.read_text().replace('"models"', '"modles"').replace('\\"models\\"', '\\"modles\\"')
            if text != path.read_text():
                # File watches fire on a move, which is also how an orchestrator swaps a file.
                other = path.with_suffix(".new")
                other.write_text(text)
                other.replace(path)
                changed += 1
    assert changed, "no rendered file carries the plugin's configuration"
    assert until(
        lambda: "modles" in gateway.log()[len(before) :] or "config" in gateway.log()[len(before) :].lower(), 10
    )
    for _ in range(10):
        assert gateway.chat("gpt").status_code == 200
    # And it recovers with the next good one.
    config = copy.deepcopy(gateway.config)
    config["models"]["after-the-bad-one"] = f"openai/{GPT}"
    gateway.write(config)
    assert until(lambda: gateway.chat("after-the-bad-one").status_code == 200)


def test_render_refuses_a_bad_config_and_leaves_the_files(gateway):
    config = copy.deepcopy(gateway.config)
    config["models"]["broken"] = "nobody/model"
    kept = {path: path.read_bytes() for path in gateway.rendered.rglob("*") if path.is_file()}
    good = gateway.config
    with pytest.raises(RuntimeError, match="nobody"):
        gateway.write(config)
    gateway.config = good
    assert kept == {path: path.read_bytes() for path in gateway.rendered.rglob("*") if path.is_file()}
