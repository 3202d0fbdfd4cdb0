"""Pydantic AI's agents against the running gateway, with providers of other dialects than theirs behind."""

from __future__ import annotations

import asyncio

import pytest
from anthropic import AsyncAnthropic
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError, NativeOutput, ToolOutput, UnexpectedModelBehavior
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from support.cast import UNFORCED, others
from support.sim import fail


def openai(url):
    return OpenAIProvider(base_url=url + "/v1", api_key="unused")


CLIENTS = {
    "openai_chat": lambda url, model: OpenAIChatModel(model, provider=openai(url)),
    "openai_responses": lambda url, model: OpenAIResponsesModel(model, provider=openai(url)),
    "anthropic": lambda url, model: AnthropicModel(
        model, provider=AnthropicProvider(anthropic_client=AsyncAnthropic(base_url=url, api_key="unused", max_retries=0))
    ),
    "gemini": lambda url, model: GoogleModel(model, provider=GoogleProvider(base_url=url, api_key="unused")),
}
PAIRS = [(client, behind) for client in CLIENTS for behind in others(client)]


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
def model(cast, pair):
    return CLIENTS[pair[0]](cast.gateway.url, pair[1])


@pytest.fixture
def told(pair):
    """How the simulators repeat what the tool said: for Google the framework makes an object of it."""
    said = '{"return_value": "sunny in a city"}' if pair[0] == "gemini" else "sunny in a city"
    return f"tools said: {said}"


def armed(model, **more):
    agent = Agent(model, instructions="Be brief.", retries=0, **more)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Weather of a city."""
        return f"sunny in {city}"

    return agent


def test_an_agent_with_a_tool(cast, model, behind, told):
    done = armed(model).run_sync("get_weather please")
    assert done.output == told
    asked = cast[behind].requests
    assert len(asked) == 2
    assert done.usage.requests == 2
    assert done.usage.input_tokens == sum(one.usage["input"] for one in asked)
    assert done.usage.output_tokens == sum(one.usage["output"] for one in asked)


def test_a_streamed_agent_with_a_tool(model, told):
    async def go():
        async with armed(model).run_stream("get_weather please") as run:
            return [piece async for piece in run.stream_text(delta=True, debounce_by=None)]

    assert "".join(asyncio.run(go())) == told


@pytest.mark.parametrize("how", [ToolOutput, NativeOutput])
def test_structured_output(model, behind, how):
    # Ollama has no word for a call that must be made.
    how = NativeOutput if behind in UNFORCED else how
    if isinstance(model, AnthropicModel):
        # For a model that it does not know to be Claude's it has nothing but a call that must be made.
        how = ToolOutput
    agent = Agent(model, output_type=how(Dog), retries=0)
    if how is ToolOutput and behind in UNFORCED:
        with pytest.raises(UnexpectedModelBehavior):
            agent.run_sync("a dog")
    else:
        assert agent.run_sync("a dog").output == Dog(name="a name", age=7)


def test_a_conversation_goes_on(model):
    agent = armed(model)
    first = agent.run_sync("get_weather please")
    second = agent.run_sync("and now", message_history=first.all_messages())
    assert second.output == "echo: and now"


def test_errors_keep_their_status(cast, model, behind):
    cast[behind].always(fail(400))
    with pytest.raises(ModelHTTPError) as caught:
        Agent(model).run_sync("x")
    assert caught.value.status_code == 400
