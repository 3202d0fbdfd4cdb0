"""Official clients of the smaller dialects, and of OpenAI's Responses, with a provider of every other dialect behind: a
question, a stream, and a conversation in which a tool is called. Each client's own file holds it to more."""

from __future__ import annotations

import json

import boto3
import cohere
import ollama
import openai
import pytest
from botocore.config import Config
from google import genai
from google.genai import types

from support.cast import others

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = ("get_weather", {"city": "a city"})
WORDS = " ".join(f"w{n}" for n in range(1, 10))


class Cohere:
    """`ClientV2`."""

    tools = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": CITY}}]

    def __init__(self, url):
        self.client = cohere.ClientV2(api_key="unused", base_url=url)

    def ask(self, model, text):
        return self.client.chat(model=model, messages=[self.said(text)]).message.content[0].text

    def stream(self, model, text):
        events = self.client.chat_stream(model=model, messages=[self.said(text)])
        return "".join(event.delta.message.content.text for event in events if event.type == "content-delta")

    def loop(self, model):
        messages = [self.said("get_weather please")]
        first = self.client.chat(model=model, messages=messages, tools=self.tools).message
        [call] = first.tool_calls
        messages += [first.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
        last = self.client.chat(model=model, messages=messages, tools=self.tools).message.content[-1].text
        return (call.function.name, json.loads(call.function.arguments)), last

    @staticmethod
    def said(text):
        return {"role": "user", "content": text}


class Ollama:
    """`Client`."""

    tools = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": CITY}}]

    def __init__(self, url):
        self.client = ollama.Client(host=url)

    def ask(self, model, text):
        return self.client.chat(model=model, messages=[Cohere.said(text)]).message.content

    def stream(self, model, text):
        parts = self.client.chat(model=model, messages=[Cohere.said(text)], stream=True)
        return "".join(part.message.content or "" for part in parts)

    def loop(self, model):
        messages = [Cohere.said("get_weather please")]
        first = self.client.chat(model=model, messages=messages, tools=self.tools).message
        [call] = first.tool_calls
        messages += [first, {"role": "tool", "tool_name": call.function.name, "content": "sunny"}]
        last = self.client.chat(model=model, messages=messages, tools=self.tools).message.content
        return (call.function.name, dict(call.function.arguments)), last


class Gemini:
    """google-genai."""

    def __init__(self, url):
        options = types.HttpOptions(base_url=url, retry_options=types.HttpRetryOptions(attempts=1))
        self.client = genai.Client(api_key="unused", vertexai=False, http_options=options)

    def ask(self, model, text):
        return self.client.models.generate_content(model=model, contents=text).text

    def stream(self, model, text):
        chunks = self.client.models.generate_content_stream(model=model, contents=text)
        return "".join(chunk.text or "" for chunk in chunks)

    def loop(self, model):
        declared = types.FunctionDeclaration(name="get_weather", description="Weather", parameters_json_schema=CITY)
        config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
        contents = [types.UserContent("get_weather please")]
        first = self.client.models.generate_content(model=model, contents=contents, config=config)
        [call] = first.function_calls
        told = types.FunctionResponse(id=call.id, name=call.name, response={"result": "sunny"})
        contents += [first.candidates[0].content, types.UserContent(types.Part(function_response=told))]
        last = self.client.models.generate_content(model=model, contents=contents, config=config).text
        # What the function said is an object there, and others are told it as one.
        return (call.name, call.args), last.replace('{"result": "sunny"}', "sunny")


class Bedrock:
    """boto3."""

    tools = {"tools": [{"toolSpec": {"name": "get_weather", "description": "Weather", "inputSchema": {"json": CITY}}}]}

    def __init__(self, url):
        self.client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )

    def ask(self, model, text):
        content = self.client.converse(modelId=model, messages=[self.said(text)])["output"]["message"]["content"]
        return content[0]["text"]

    def stream(self, model, text):
        events = self.client.converse_stream(modelId=model, messages=[self.said(text)])["stream"]
        deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
        return "".join(delta.get("text", "") for delta in deltas)

    def loop(self, model):
        messages = [self.said("get_weather please")]
        first = self.client.converse(modelId=model, messages=messages, toolConfig=self.tools)["output"]["message"]
        [call] = [block["toolUse"] for block in first["content"] if "toolUse" in block]
        result = {"toolUseId": call["toolUseId"], "content": [{"text": "sunny"}]}
        messages += [first, {"role": "user", "content": [{"toolResult": result}]}]
        last = self.client.converse(modelId=model, messages=messages, toolConfig=self.tools)["output"]["message"]
        return (call["name"], call["input"]), last["content"][-1]["text"]

    @staticmethod
    def said(text):
        return {"role": "user", "content": [{"text": text}]}


class Responses:
    """OpenAI's `client.responses`; its loop is streamed."""

    tools = [{"type": "function", "name": "get_weather", "description": "Weather", "parameters": CITY, "strict": False}]

    def __init__(self, url):
        self.client = openai.OpenAI(base_url=url + "/v1", api_key="unused", max_retries=0)

    def ask(self, model, text):
        return self.client.responses.create(model=model, input=text).output_text

    def stream(self, model, text):
        events = self.client.responses.create(model=model, input=text, stream=True)
        return "".join(event.delta for event in events if event.type == "response.output_text.delta")

    def loop(self, model):
        items = [Cohere.said("get_weather please")]

        def go():
            with self.client.responses.stream(model=model, input=items, tools=self.tools) as events:
                return events.get_final_response()

        first = go()
        [call] = [item for item in first.output if item.type == "function_call"]
        items.extend(item.to_dict(exclude_none=True) for item in first.output)
        for item in items:
            item.pop("parsed_arguments", None)
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
        return (call.name, json.loads(call.arguments)), go().output_text


CLIENTS = {"cohere": Cohere, "ollama": Ollama, "gemini": Gemini, "bedrock": Bedrock, "openai_responses": Responses}
PAIRS = [(client, behind) for client in CLIENTS for behind in others(client)]


@pytest.fixture(params=PAIRS, ids="-to-".join)
def pair(request):
    return request.param


@pytest.fixture
def client(cast, pair):
    return CLIENTS[pair[0]](cast.gateway.url)


def test_a_question(client, pair):
    assert client.ask(pair[1], "good morning") == "echo: good morning"


def test_a_stream(client, pair):
    assert client.stream(pair[1], "long 9") == WORDS


def test_a_tool_loop(client, pair):
    call, last = client.loop(pair[1])
    assert call == CALL
    assert last == "tools said: sunny"
