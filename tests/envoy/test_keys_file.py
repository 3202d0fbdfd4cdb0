"""Keys in a file of their own: good in both renderings, and changed live in the split one."""

from __future__ import annotations

import threading
import time

import pytest
import yaml

from support.access import ask, digest
from support.gateway import render, tollgate

OWN = "tg-own-2c26b46b68ffc68f"
FIRST = "tg-first-fcde2b2edba56bf4"


def until(check, timeout=20.0):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False


def everywhere(gateway, key, status):
    """Whether every worker answers so: each new connection may be another's."""
    return all(_fresh(gateway, key) == status for _ in range(12))


def _fresh(gateway, key):
    return ask(gateway, "openai", "gpt", key, connection="close").status_code


@pytest.fixture
def keys_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys.yaml"
    entry = {"id": "first", "sha256": digest(FIRST), "tenant": "filed", "models": ["gpt"]}
    path.write_text("# Keys of the teams\n" + yaml.safe_dump({"keys": [entry]}))
    return path


@pytest.fixture
def split(make_gateway, world, keys_file):
    return make_gateway(split=True, keys_file=str(keys_file), keys=[{"id": "own", "sha256": digest(OWN)}])


def minted(keys_file, name, *more):
    """A new key in the file."""
    done = tollgate("key", "new", "--file", str(keys_file), "--id", name, *more)
    assert done.returncode == 0, done.stderr
    return next(line for line in done.stdout.splitlines() if line.startswith("tg-"))


def rerendered(gateway):
    """Renders again, and says which files changed."""
    before = {path: path.read_bytes() for path in gateway.rendered.iterdir()}
    render(gateway.directory / "gateway.yaml", gateway.rendered, split=True)
    return {path.name for path in gateway.rendered.iterdir() if before.get(path) != path.read_bytes()}


def test_keys_of_a_file_in_a_single_bootstrap(make_gateway, world, keys_file):
    gateway = make_gateway(keys_file=str(keys_file))
    answer = ask(gateway, "openai", "gpt", FIRST)
    assert answer.status_code == 200, answer.text
    line = gateway.audited(answer)
    assert (line["key_id"], line["tenant"]) == ("first", "filed")
    assert ask(gateway, "openai", "claude", FIRST).status_code == 403
    assert ask(gateway, "openai", "gpt", OWN).status_code == 401
    assert ask(gateway, "openai", "gpt").status_code == 401


def test_an_empty_file_lets_nobody_in(make_gateway, world, keys_file):
    keys_file.write_text("# nobody yet\n")
    gateway = make_gateway(keys_file=str(keys_file))
    assert ask(gateway, "openai", "gpt").status_code == 401


def test_keys_come_and_go_live_while_others_are_served(split, world, keys_file):
    assert everywhere(split, FIRST, 200) and everywhere(split, OWN, 200)
    statuses, stop = [], threading.Event()

    def serve():
        while not stop.is_set():
            statuses.append(_fresh(split, FIRST))

    asker = threading.Thread(target=serve)
    asker.start()
    try:
        second = minted(keys_file, "second", "--tenant", "late")
        assert everywhere(split, second, 401)
        assert rerendered(split) == {"keys.yaml"}, "a new key changes nothing else"
        assert until(lambda: everywhere(split, second, 200))
        done = tollgate("key", "revoke", "--file", str(keys_file), "second")
        assert done.returncode == 0, done.stderr
        assert rerendered(split) == {"keys.yaml"}
        assert until(lambda: everywhere(split, second, 401))
    finally:
        stop.set()
        asker.join(10)
    assert set(statuses) == {200} and len(statuses) > 20, statuses
    assert "# Keys of the teams" in keys_file.read_text()


def test_a_machine_that_is_built_afresh_finds_the_keys(split, world, keys_file):
    """The edge alone gets another machine, as after a trap: nobody tells that one of the keys."""
    ecds = split.rendered / "ecds.yaml"
    text = ecds.read_text()
    assert "- OPENAI_TEST_KEY" in text
    other = ecds.with_suffix(".new")
    # Another environment is another machine. The cluster's filters and the keys' stay in the old one, so a request gets
    # no further than the edge: but who asks is known.
    other.write_text(text.replace("- OPENAI_TEST_KEY", "- OPENAI_TEST_KEY\n            - ANOTHER_VARIABLE"))
    machines = "/stats?filter=wasm.envoy.wasm.runtime.v8.created"
    before = split.envoy.ask(machines)
    other.replace(ecds)

    def listed(key):
        headers = {"authorization": f"Bearer {key}", "connection": "close"}
        return split.http.get("/v1/models", headers=headers).status_code

    assert until(lambda: split.envoy.ask(machines) != before), before
    for _ in range(30):
        assert listed(FIRST) == 200 and listed("tg-nobody") == 401


def test_bad_keys_are_refused_and_the_old_ones_stay(split, world, keys_file):
    path = split.rendered / "keys.yaml"
    other = path.with_suffix(".new")
    other.write_text(path.read_text().replace(digest(FIRST), "not a digest"))
    other.replace(path)
    assert until(lambda: "bad keys, the old ones stay" in split.log()), split.log()[-2000:]
    assert everywhere(split, FIRST, 200)
    third = minted(keys_file, "third")
    assert rerendered(split) == {"keys.yaml"}
    assert until(lambda: everywhere(split, third, 200))


def test_a_key_twice_is_refused_with_its_place(make_gateway, tmp_path, keys_file):
    config = {
        "models": {"a": "ollama/a"},
        "keys_file": str(keys_file),
        "keys": [{"id": "other", "sha256": digest(FIRST)}],
    }
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(config))
    done = tollgate("render", "--config", str(path))
    assert done.returncode == 1
    assert "keys_file: keys[0].sha256: is the key of `other` already" in done.stderr
