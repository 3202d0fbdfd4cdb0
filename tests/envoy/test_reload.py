"""A split rendering reloads live; a bad configuration is refused and the old one stays."""

from __future__ import annotations

import copy
import threading
import time

import pytest

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
    config = copy.deepcopy(gateway.config)
    config["providers"]["fourth"] = {
        "base_url": world.second.base_url,
        "dialect": "openai_chat",
        "api_key_env": "SECOND_TEST_KEY",
    }
    config["models"]["fourth"] = ["dead/nothing", "fourth/gpt-4.1"]
    gateway.write(config)
    assert until(lambda: gateway.chat("fourth").status_code == 200)
    assert world.second.last.json["model"] == "gpt-4.1"


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
