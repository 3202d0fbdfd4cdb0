"""LiteLLM as a client of the running gateway, with providers of other dialects than it speaks behind."""

from __future__ import annotations

import json
import os

import pytest
from pydantic import BaseModel, ValidationError

from support.cast import UNFORCED, others
from support.sim import fail

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or importing it asks the network

import litellm  # noqa: E402

litellm.suppress_debug_info = True
litellm.telemetry = False

OWN = {"openai": "openai_chat", "anthropic": "anthropic", "ollama_chat": "ollama"}
PAIRS = [(prefix, behind) for prefix, own in OWN.items() for behind in others(own)]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Dog(BaseModel):
    name: str
    age: int


@pytest.fixture(params=PAIRS, ids="-to-".join)
def pair(request):
    return request.param


@pytest.fixture
def behind(pair):
    return pair[1]


@pytest.fixture
def ask(cast, pair):
    prefix, behind = pair

    def go(messages, **more):
        said = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        return litellm.completion(
            model=f"{prefix}/{behind}",
            api_base=cast.gateway.url + ("/v1" if prefix == "openai" else ""),
            api_key="unused",
            messages=said,
            max_tokens=99,
            num_retries=0,
            max_retries=0,
            **more,
        )

    return go


def test_completion(cast, ask, behind):
    answer = ask("good morning")
    assert answer.choices[0].message.content == "echo: good morning"
    assert answer.choices[0].finish_reason == "stop"
    truth = cast[behind].last.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (truth["input"], truth["output"])


def test_stream(ask):
    chunks = list(ask("long 12", stream=True, stream_options={"include_usage": True}))
    whole = litellm.stream_chunk_builder(chunks)
    assert whole.choices[0].message.content == " ".join(f"w{n}" for n in range(1, 13))
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.completion_tokens == 12


@pytest.mark.parametrize("streamed", [False, True])
def test_the_tool_loop(ask, streamed):
    def answer(messages):
        found = ask(messages, tools=[WEATHER], stream=streamed)
        return (litellm.stream_chunk_builder(list(found)) if streamed else found).choices[0]

    messages = [{"role": "user", "content": "get_weather please"}]
    first = answer(messages)
    assert first.finish_reason == "tool_calls"
    call = first.message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "a city"})
    messages += [first.message.model_dump(exclude_none=True)]
    messages += [{"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": "sunny"}]
    assert answer(messages).message.content == "tools said: sunny"


def test_structured_output(ask, pair):
    content = ask("a dog", response_format=Dog).choices[0].message.content
    if pair[0] == "anthropic" and pair[1] in UNFORCED:
        # For a model that it does not know to be Claude's it wants a call that must be made, and here none can be.
        with pytest.raises(ValidationError):
            Dog.model_validate_json(content)
    else:
        assert Dog.model_validate_json(content) == Dog(name="a name", age=7)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, litellm.BadRequestError), (429, litellm.RateLimitError), (500, litellm.InternalServerError)],
)
def test_typed_errors(cast, ask, behind, status, kind):
    cast[behind].always(fail(status))
    with pytest.raises(kind):
        ask("x")
