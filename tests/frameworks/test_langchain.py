"""LangChain's chat models against the running gateway, with providers of other dialects than theirs behind."""

from __future__ import annotations

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from support.cast import UNFORCED, others
from support.sim import fail

CLIENTS = {
    "openai_chat": lambda url, model: ChatOpenAI(
        model=model, base_url=url + "/v1", api_key="unused", max_retries=0, stream_usage=True
    ),
    "openai_responses": lambda url, model: ChatOpenAI(
        model=model, base_url=url + "/v1", api_key="unused", max_retries=0, use_responses_api=True
    ),
    "anthropic": lambda url, model: ChatAnthropic(
        model=model, base_url=url, api_key="unused", max_retries=0, max_tokens=512
    ),
    "gemini": lambda url, model: ChatGoogleGenerativeAI(
        model=model, base_url=url, api_key="unused", max_retries=0, vertexai=False
    ),
    "ollama": lambda url, model: ChatOllama(model=model, base_url=url),
}
PAIRS = [(client, behind) for client in CLIENTS for behind in others(client)]


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


@pytest.fixture(params=PAIRS, ids="-to-".join)
def pair(request):
    return request.param


@pytest.fixture
def behind(pair):
    return pair[1]


@pytest.fixture
def chat(cast, pair):
    return CLIENTS[pair[0]](cast.gateway.url, pair[1])


def test_invoke(cast, chat, behind):
    answer = chat.invoke([SystemMessage("Be brief."), HumanMessage("good morning")])
    assert answer.text == "echo: good morning"
    truth = cast[behind].last.usage
    assert answer.usage_metadata["input_tokens"] == truth["input"]
    assert answer.usage_metadata["output_tokens"] == truth["output"]


def test_stream(cast, chat, behind):
    whole = None
    for chunk in chat.stream("long 12"):
        whole = chunk if whole is None else whole + chunk
    assert whole.text == " ".join(f"w{n}" for n in range(1, 13))
    assert whole.usage_metadata["output_tokens"] == 12


@pytest.mark.parametrize("streamed", [False, True])
def test_the_tool_loop(chat, streamed):
    armed = chat.bind_tools([get_weather])

    def ask(messages):
        if not streamed:
            return armed.invoke(messages)
        whole = None
        for chunk in armed.stream(messages):
            whole = chunk if whole is None else whole + chunk
        return whole

    messages = [HumanMessage("get_weather please")]
    first = ask(messages)
    assert [(call["name"], call["args"]) for call in first.tool_calls] == [("get_weather", {"city": "a city"})]
    result = get_weather.invoke(first.tool_calls[0])
    assert isinstance(result, ToolMessage)
    assert ask([*messages, first, result]).text == "tools said: sunny in a city"


def test_structured_output(chat, pair):
    # Claude's model asks for a call that must be made, unless told that there is a schema for answers.
    told = {"method": "json_schema"} if pair[0] == "anthropic" and pair[1] in UNFORCED else {}
    assert chat.with_structured_output(Dog, **told).invoke("a dog") == Dog(name="a name", age=7)


def test_an_error_names_its_cause(cast, chat, behind):
    cast[behind].script(fail(429))
    with pytest.raises(Exception) as caught:
        chat.invoke("x")
    assert getattr(caught.value, "status_code", None) == 429 or "429 RESOURCE_EXHAUSTED" in str(caught.value)
