"""examples/istio: the resource's patches, applied to a bootstrap like Istio's, are a gateway. There is no Istio here."""

from __future__ import annotations

import httpx
import pytest
import yaml

from support.envoy import REPO, Envoy, module_file
from support.gateway import chat_body, tollgate
from support.sim import AnthropicSim, OpenAISim

INTERNAL = "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"


def bootstrap():
    """What of a proxy's bootstrap matters here: Istio has the same extension, and lets only some statistics be."""
    return {
        "node": {"id": "router~10.0.0.1~gateway.istio-system", "cluster": "gateway"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "bootstrap_extensions": [
            {
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": {
                    "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
                    "type_url": INTERNAL,
                    "value": {"buffer_size_kb": 64},
                },
            }
        ],
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [{"tag_name": "cluster_name", "regex": r"^cluster\.((.+?)\.)"}],
            "stats_matcher": {"inclusion_list": {"patterns": [{"prefix": "cluster_manager"}, {"prefix": "wasm"}]}},
        },
        "static_resources": {"clusters": [], "listeners": []},
    }


def patched(resource):
    """As istiod does: what is added is added, and lists that are merged are joined."""
    found = bootstrap()
    for patch in resource["spec"]["configPatches"]:
        assert patch["match"] == {"context": "GATEWAY"}
        value, operation = patch["patch"]["value"], patch["patch"]["operation"]
        if patch["applyTo"] == "BOOTSTRAP":
            assert operation == "MERGE" and set(value) == {"stats_config"}
            for name, items in value["stats_config"].items():
                found["stats_config"].setdefault(name, []).extend(items)
        else:
            assert operation == "ADD"
            found["static_resources"][{"CLUSTER": "clusters", "LISTENER": "listeners"}[patch["applyTo"]]].append(value)
    return found


@pytest.fixture
def rendered(tmp_path):
    """Renders the example with the providers at these addresses; the resource."""

    def render(addresses, *more):
        config = yaml.safe_load((REPO / "examples" / "istio" / "gateway.yaml").read_text())
        for provider, url in addresses.items():
            config["providers"][provider]["base_url"] = url
        (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(config))
        at = ["--config", str(tmp_path / "gateway.yaml"), "--module", str(module_file())]
        done = tollgate("render", "--target", "istio", *at, *more)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)

    return render


def test_it(rendered, tmp_path):
    with OpenAISim("sk-o") as openai, AnthropicSim("sk-a") as claude:
        addresses = {"openai": openai.base_url, "anthropic": claude.base_url}
        resource = rendered(addresses, "--listen", "127.0.0.1:0")
        assert resource["spec"]["workloadSelector"] == {"labels": {"istio": "ingressgateway"}}
        (tmp_path / "envoy.yaml").write_text(yaml.safe_dump(patched(resource)))
        envoy = Envoy(tmp_path / "envoy.yaml", tmp_path, {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a"})
        try:
            host, port = envoy.listener()
            url = f"http://{host}:{port}/v1/chat/completions"
            answer = httpx.post(url, json=chat_body("smart", "Good morning"), timeout=30)
            assert answer.headers["x-tollgate-provider"] == "anthropic"
            claude.stop()
            answer = httpx.post(url, json=chat_body("smart", "Good morning"), timeout=30)
            assert answer.json()["choices"][0]["message"]["content"] == "echo: Good morning"
            assert answer.headers["x-tollgate-provider"] == "openai"
            counted = envoy.ask("/stats/prometheus?filter=tollgate.requests")
            assert 'tollgate_requests{model="smart",provider="openai",status="200"} 1' in counted
        finally:
            envoy.stop()


def test_where_it_listens_and_for_whom(rendered):
    resource = rendered({}, "--workload", "app=llm")
    assert resource["spec"]["workloadSelector"] == {"labels": {"app": "llm"}}
    listener = next(p["patch"]["value"] for p in resource["spec"]["configPatches"] if p["applyTo"] == "LISTENER")
    assert listener["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 10000}
