"""Every lane, unary and streamed: the same simulated answer reads the same in either client dialect."""

from __future__ import annotations

import json

import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, read, read_stream, usage
from support.gateway import body_for, path_for
from support.sim import stream
from support.world import model_for

LANES = [(client, provider) for client in DIALECTS for provider in DIALECTS]
OPENAI_TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}},
}
ANTHROPIC_TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}
OPENAI_BARE = {"type": "function", "function": {"name": "bare", "parameters": {"type": "object", "properties": {}}}}
ANTHROPIC_BARE = {"name": "bare", "input_schema": {"type": "object", "properties": {}}}
FINISH = {
    OPENAI: {"stop": "stop", "length": "length", "tools": "tool_calls", "sequence": "stop"},
    ANTHROPIC: {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use", "sequence": "stop_sequence"},
}


def tools(client):
    return [OPENAI_TOOL, OPENAI_BARE] if client == OPENAI else [ANTHROPIC_TOOL, ANTHROPIC_BARE]


def ask(gateway, client, provider, streamed, messages="hi", model=None, **more):
    body = body_for(client, model or model_for(provider), messages, **more)
    if streamed:
        body["stream"] = True
        if client == OPENAI:
            body["stream_options"] = {"include_usage": True}
    answer = gateway.http.post(path_for(client), json=body)
    assert answer.status_code == 200, answer.text
    if streamed:
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = read_stream(client, answer.content)
        assert seen.error is None
    else:
        assert answer.headers["content-type"] == "application/json"
        assert (
            int(answer.headers["content-length"]) == len(answer.content) if "content-length" in answer.headers else True
        )
        seen = read(client, answer.json())
    assert seen.done
    return seen, answer


@pytest.fixture(params=LANES, ids=[f"{c}-to-{p}" for c, p in LANES])
def lane(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["unary", "stream"])
def streamed(request):
    return request.param


def test_text_and_usage(gateway, world, lane, streamed):
    client, provider = lane
    seen, answer = ask(gateway, client, provider, streamed, "good morning Grüße \U0001f600")
    assert seen.text == "echo: good morning Grüße \U0001f600"
    assert seen.finish == FINISH[client]["stop"]
    truth = world.sim(provider).last.usage
    found = usage(client, seen.usage)
    assert (found["input"], found["output"]) == (truth["input"], truth["output"])
    line = gateway.audited(answer)
    assert (line["usage"]["input"], line["usage"]["output"]) == (truth["input"], truth["output"])
    assert (line["usage_status"], line["client_dialect"]) == ("complete", client)


def test_one_tool_call(gateway, world, lane, streamed):
    client, provider = lane
    seen, answer = ask(gateway, client, provider, streamed, "look please", tools=tools(client))
    (ident, name, arguments) = seen.calls[0]
    assert (len(seen.calls), name, arguments) == (1, "look", {"q": "a q"})
    assert ident and seen.finish == FINISH[client]["tools"]
    assert gateway.audited(answer)["finish_reason"]


def test_parallel_tool_calls_one_without_arguments(gateway, world, lane, streamed):
    client, provider = lane
    seen, _ = ask(gateway, client, provider, streamed, "every tool", tools=tools(client))
    assert [(name, arguments) for _, name, arguments in seen.calls] == [("look", {"q": "a q"}), ("bare", {})]
    assert len({ident for ident, _, _ in seen.calls}) == 2


def test_the_tool_loop(gateway, world, lane, streamed):
    """The ids that came out go in again, and the provider knows them."""
    client, provider = lane
    seen, _ = ask(gateway, client, provider, streamed, "every tool", tools=tools(client))
    if client == OPENAI:
        calls = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}} for i, n, a in seen.calls
        ]
        turn = [{"role": "assistant", "content": None, "tool_calls": calls}]
        turn += [{"role": "tool", "tool_call_id": i, "content": f"result of {n}"} for i, n, _ in seen.calls]
    else:
        uses = [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in seen.calls]
        results = [{"type": "tool_result", "tool_use_id": i, "content": f"result of {n}"} for i, n, _ in seen.calls]
        turn = [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    messages = [{"role": "user", "content": "every tool"}, *turn]
    seen, _ = ask(gateway, client, provider, streamed, messages, tools=tools(client))
    assert seen.text == "tools said: result of look; result of bare"


def test_thinking(gateway, world, streamed):
    """Claude's thoughts reach either client, with their signature, and can be replayed."""
    for client in DIALECTS:
        more = (
            {"reasoning_effort": "low"}
            if client == OPENAI
            else {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}
        )
        seen, answer = ask(gateway, client, ANTHROPIC, streamed, "look please", tools=tools(client), **more)
        assert seen.thought == world.claude.last.answer.thought
        assert seen.signature, "without the signature the thought cannot be replayed"
        assert [name for _, name, _ in seen.calls] == ["look"]
        ident, name, arguments = seen.calls[0]
        if client == OPENAI:
            block = {"type": "thinking", "thinking": seen.thought, "signature": seen.signature}
            turn = [
                {
                    "role": "assistant",
                    "content": seen.text,
                    "thinking_blocks": [block],
                    "tool_calls": [
                        {
                            "id": ident,
                            "type": "function",
                            "function": {"name": name, "arguments": json.dumps(arguments)},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": ident, "content": "r"},
            ]
        else:
            turn = [
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": seen.thought, "signature": seen.signature},
                    {"type": "text", "text": seen.text},
                    {"type": "tool_use", "id": ident, "name": name, "input": arguments},
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": ident, "content": "r"}]},
            ]  # fmt: skip
        again, _ = ask(
            gateway,
            client,
            ANTHROPIC,
            streamed,
            [{"role": "user", "content": "look please"}, *turn],
            tools=tools(client),
            **more,
        )
        assert again.text == "tools said: r"


@pytest.mark.parametrize("client", [OPENAI, ANTHROPIC])
def test_reasoning_tokens(gateway, world, client, streamed):
    """At an OpenAI provider: the simulated Anthropic does not count thinking apart."""
    provider = OPENAI
    more = (
        {"reasoning_effort": "low"}
        if client == OPENAI
        else {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}
    )
    _, answer = ask(gateway, client, provider, streamed, "think of it", model="mini", **more)
    assert gateway.audited(answer)["usage"]["reasoning"] == world.openai.last.usage["reasoning"] > 0


def test_length(gateway, world, lane, streamed):
    client, provider = lane
    more = {"max_completion_tokens": 5} if client == OPENAI else {"max_tokens": 5}
    seen, _ = ask(gateway, client, provider, streamed, "long 20", **more)
    assert (seen.text, seen.finish) == ("w1 w2 w3 w4 w5", FINISH[client]["length"])


def test_stop_sequence(gateway, world, lane, streamed):
    client, provider = lane
    more = {"stop": "w4"} if client == OPENAI else {"stop_sequences": ["w4"]}
    seen, answer = ask(gateway, client, provider, streamed, "long 20", **more)
    assert seen.text.rstrip() == "w1 w2 w3"
    # OpenAI does not say which stop was met, so its `stop` cannot become Anthropic's `stop_sequence`.
    wanted = "sequence" if provider == ANTHROPIC else "stop"
    assert seen.finish == FINISH[client][wanted]
    if client == ANTHROPIC and provider == ANTHROPIC and not streamed:
        assert answer.json()["stop_sequence"] == "w4"


def test_refusal(gateway, world, lane, streamed):
    client, provider = lane
    seen, _ = ask(gateway, client, provider, streamed, "refuse it")
    assert "can't help" in (seen.text + seen.refusal)
    if client == ANTHROPIC:
        assert seen.finish == "refusal"
    elif provider == ANTHROPIC:
        assert seen.finish == "content_filter"
    else:
        assert seen.refusal


def test_structured_output(gateway, world, lane, streamed):
    client, provider = lane
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["name", "n"],
        "additionalProperties": False,
    }
    more = (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}}}
        if client == OPENAI
        else {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    )
    seen, _ = ask(gateway, client, provider, streamed, "go", **more)
    assert json.loads(seen.text) == {"name": "a name", "n": 7}
    assert seen.finish == FINISH[client]["stop"]


def test_json_object(gateway, world, streamed):
    seen, _ = ask(gateway, OPENAI, OPENAI, streamed, "say json", response_format={"type": "json_object"})
    assert json.loads(seen.text) == {"echo": "say json"}


def test_cached_tokens(gateway, world, streamed):
    system = [{"type": "text", "text": "word " * 60, "cache_control": {"type": "ephemeral"}}]
    seen, answer = ask(gateway, ANTHROPIC, ANTHROPIC, streamed, "hi", system=system)
    assert seen.usage["cache_creation_input_tokens"] == 60
    line = gateway.audited(answer)
    assert (line["usage"]["cache_write"], line["usage"]["input"]) == (60, world.claude.last.usage["input"])
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "hi again"}]
    seen, answer = ask(gateway, OPENAI, ANTHROPIC, streamed, messages)
    found = usage(OPENAI, seen.usage)
    assert (found["cache_read"], found["input"]) == (60, world.claude.last.usage["input"])
    assert gateway.audited(answer)["usage"]["cache_read"] == 60


def test_cached_tokens_of_openai_for_an_anthropic_client(gateway, world, streamed):
    seen, _ = ask(gateway, ANTHROPIC, OPENAI, streamed, "word " * 1100 + "again")
    truth = world.openai.last.usage
    assert truth["cache_read"] > 0
    assert seen.usage["cache_read_input_tokens"] == truth["cache_read"]
    assert usage(ANTHROPIC, seen.usage)["input"] == truth["input"]


def test_logprobs_and_n_in_the_identity_lane(gateway, world):
    answer = gateway.chat("gpt", "x y", n=2, logprobs=True, top_logprobs=1).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert [t["token"] for t in answer["choices"][0]["logprobs"]["content"]] == ["echo:", " x", " y"]


def test_usage_is_kept_from_an_openai_client_that_did_not_ask(gateway, world):
    answer = gateway.chat("claude", "long 5", stream=True)
    seen = read_stream(OPENAI, answer.content)
    assert seen.done and seen.text == "w1 w2 w3 w4 w5"
    assert seen.usage == {}
    assert all(chunk["choices"] for chunk in seen.events)
    assert gateway.audited(answer)["usage"]["output"] == 5


@pytest.mark.parametrize(
    "shape",
    [{"pieces": 1}, {"pieces": 7}, {"pieces": 1000}, {"events_a_write": 10}, {"crlf": True}, {"comments": True}],
    ids=str,
)
def test_any_cut_gives_the_same_stream(gateway, world, lane, shape):
    client, provider = lane
    world.sim(provider).script(stream(**shape))
    seen, answer = ask(gateway, client, provider, True, "long 40 ü\U0001f600", tools=tools(client))
    whole, _ = ask(gateway, client, provider, False, "long 40 ü\U0001f600", tools=tools(client))
    assert (seen.text, seen.finish, seen.calls) == (whole.text, whole.finish, whole.calls)
    assert usage(client, seen.usage) == usage(client, whole.usage)


def test_a_hundred_chunks(gateway, world, lane):
    client, provider = lane
    seen, _ = ask(
        gateway, client, provider, True, "long 100", **({"max_completion_tokens": 500} if client == OPENAI else {})
    )
    assert seen.text.split() == [f"w{n}" for n in range(1, 101)]


def test_two_interleaved_streamed_calls(gateway, world):
    """OpenAI may interleave the arguments of two calls; Anthropic's blocks may not overlap."""
    first = '{"index":0,"id":"call_a","type":"function","function":{"name":"look","arguments":""}}'
    second = '{"index":1,"id":"call_b","type":"function","function":{"name":"look","arguments":""}}'
    more = [
        '{"index":0,"function":{"arguments":"{\\"q\\":"}}',
        '{"index":1,"function":{"arguments":"{\\"q\\":"}}',
        '{"index":0,"function":{"arguments":"1}"}}',
        '{"index":1,"function":{"arguments":"2}"}}',
    ]
    head = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    chunks = [head + f'{{"tool_calls":[{part}]}},"finish_reason":null}}]}}' for part in [first, second, *more]]
    chunks.append(head + '{},"finish_reason":"tool_calls"}]}')
    body = "".join(f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"]).encode()
    world.openai.script(stream(body=body))
    seen, _ = ask(gateway, ANTHROPIC, OPENAI, True, "look", tools=tools(ANTHROPIC))
    assert sorted((ident, arguments["q"]) for ident, _, arguments in seen.calls) == [("call_a", 1), ("call_b", 2)]


def test_a_stream_without_its_last_blank_line(gateway, world):
    body = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}]}\n\n'
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b"data: [DONE]"
    )
    world.openai.script(stream(body=body))
    seen, _ = ask(gateway, ANTHROPIC, OPENAI, True)
    assert (seen.text, seen.finish) == ("hi", "end_turn")
