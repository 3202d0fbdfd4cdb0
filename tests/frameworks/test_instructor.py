"""Instructor, which makes objects of answers, against the running gateway with providers of other dialects behind."""

from __future__ import annotations

import anthropic
import instructor
import openai
import pytest
from pydantic import BaseModel

from support.cast import UNFORCED, others


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def from_openai(mode):
    def make(url):
        return instructor.from_openai(openai.OpenAI(base_url=url + "/v1", api_key="unused", max_retries=0), mode=mode)

    return make


def from_anthropic(mode):
    def make(url):
        return instructor.from_anthropic(anthropic.Anthropic(base_url=url, api_key="unused", max_retries=0), mode=mode)

    return make


CLIENTS = {
    "openai-tools": ("openai_chat", from_openai(instructor.Mode.TOOLS)),
    "openai-strict-tools": ("openai_chat", from_openai(instructor.Mode.TOOLS_STRICT)),
    "openai-schema": ("openai_chat", from_openai(instructor.Mode.JSON_SCHEMA)),
    "openai-responses-tools": ("openai_responses", from_openai(instructor.Mode.RESPONSES_TOOLS)),
    "anthropic-tools": ("anthropic", from_anthropic(instructor.Mode.ANTHROPIC_TOOLS)),
}
CASES = [
    (client, behind)
    for client, (own, _) in CLIENTS.items()
    for behind in others(own)
    if "tools" not in client or behind not in UNFORCED
]
ASKED = {"messages": [{"role": "user", "content": "a dog"}], "max_tokens": 99, "max_retries": 0}


@pytest.fixture(params=CASES, ids="-to-".join)
def case(request):
    return request.param


@pytest.fixture
def client(cast, case):
    return CLIENTS[case[0]][1](cast.gateway.url)


def test_an_object(client, case):
    made = client.create(model=case[1], response_model=Dog, **ASKED)
    assert made.model_dump() == {"name": "a name", "age": 7}


def test_an_object_that_grows(client, case):
    seen = list(client.create_partial(model=case[1], response_model=Dog, **ASKED))
    assert seen[-1].model_dump() == {"name": "a name", "age": 7}
