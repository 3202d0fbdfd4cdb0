"""examples/local-with-cloud-fallback: the local servers go away one after the other."""

from __future__ import annotations

from support.sim import AnthropicSim, OpenAISim


def test_it(run_example):
    llama, ollama = OpenAISim(None, compatible=True), OpenAISim(None, compatible=True)
    with OpenAISim("sk-o") as openai, AnthropicSim("sk-a") as claude, llama, ollama:
        env = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a"}
        addresses = {
            "llamacpp": llama.base_url,
            "ollama": ollama.base_url,
            "anthropic": claude.base_url,
            "openai": openai.base_url,
        }
        gateway = run_example("local-with-cloud-fallback", addresses, env)

        def who(model="chat", **more):
            answer = gateway.chat(model, "Who are you?", **more)
            assert answer.status_code == 200, answer.text
            return answer.headers["x-tollgate-provider"]

        assert who() == "llamacpp"
        assert llama.last.json["model"] == "qwen3-8b" and llama.last.header("authorization") is None
        llama.stop()
        assert who() == who(stream=True) == "ollama"
        assert who("local/mistral") == "ollama"
        assert ollama.last.json["model"] == "mistral"
        ollama.stop()
        assert who() == who(stream=True) == "anthropic"
        assert who("code") == "openai"
        assert gateway.chat("local/mistral").status_code == 503
