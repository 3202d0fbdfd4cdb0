"""boto3's `bedrock-runtime` and Anthropic's clients for the clouds against the running gateway, with each provider
dialect behind."""

from __future__ import annotations

import hashlib
import json

import anthropic
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from support.sim import BedrockSim, OllamaSim, fail, stream_error
from support.sim.tls import PrivateCA
from support.world import CLAUDE, GPT

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEY = "bedrock-api-key-8f14e45fceea167a"
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "Weather of a city",
                "inputSchema": {
                    "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
                },
            }
        }
    ]
}


@pytest.fixture(scope="module")
def bedrock():
    with BedrockSim(KEY) as sim:
        yield sim


@pytest.fixture(scope="module")
def llama():
    with OllamaSim() as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, bedrock, llama):
    for sim in (bedrock, llama):
        sim.clear()
    yield make_gateway(
        providers={
            "bedrock": {"base_url": bedrock.base_url, "api_key_env": "BEDROCK_TEST_KEY"},
            "ollama": {"base_url": llama.base_url},
        },
        models={"bedrock": f"bedrock/{SONNET}", "ollama": "ollama/llama3.2", "gpt": f"openai/{GPT}", "claude": f"claude/{CLAUDE}"},
        env={"BEDROCK_TEST_KEY": KEY},
    )
    assert not bedrock.faults + llama.faults


@pytest.fixture
def client(gate):
    # In clear text boto3 sends no bearer token; a gateway without keys takes any signature.
    made = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=gate.url,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )
    yield made
    made.close()


@pytest.fixture(params=["gpt", "claude", "ollama", "bedrock"])
def model(request):
    return request.param


def user(text):
    return {"role": "user", "content": [{"text": text}]}


def test_converse(client, model):
    answer = client.converse(modelId=model, messages=[user("good morning")], system=[{"text": "be brief"}])
    assert answer["output"]["message"]["content"] == [{"text": "echo: good morning"}]
    assert answer["stopReason"] == "end_turn" and answer["usage"]["totalTokens"] > 0


def test_converse_stream(client, model):
    answer = client.converse_stream(modelId=model, messages=[user("long 9")], inferenceConfig={"maxTokens": 50})
    events = list(answer["stream"])
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert "".join(delta["text"] for delta in deltas) == " ".join(f"w{n}" for n in range(1, 10))
    assert [next(iter(event)) for event in events[-2:]] == ["messageStop", "metadata"]
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 9


def test_tools(client, model):
    messages = [user("get_weather please")]
    answer = client.converse(modelId=model, messages=messages, toolConfig=TOOLS)
    assert answer["stopReason"] == "tool_use"
    messages.append(answer["output"]["message"])
    [call] = [block["toolUse"] for block in answer["output"]["message"]["content"] if "toolUse" in block]
    assert (call["name"], call["input"]) == ("get_weather", {"city": "a city"})
    result = {"toolUseId": call["toolUseId"], "content": [{"json": {"sky": "blue"}}], "status": "success"}
    messages.append({"role": "user", "content": [{"toolResult": result}]})
    final = client.converse(modelId=model, messages=messages, toolConfig=TOOLS)
    assert '"sky"' in final["output"]["message"]["content"][0]["text"]


def test_tools_streamed(client, model):
    answer = client.converse_stream(modelId=model, messages=[user("get_weather please")], toolConfig=TOOLS)
    events = list(answer["stream"])
    [start] = [event["contentBlockStart"]["start"]["toolUse"] for event in events if "contentBlockStart" in event]
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    arguments = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    assert start["name"] == "get_weather" and json.loads(arguments) == {"city": "a city"}


@pytest.mark.parametrize("model", ["claude", "bedrock"])
def test_thinking(client, model):
    more = {
        "inferenceConfig": {"maxTokens": 3000},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    }
    answer = client.converse(modelId=model, messages=[user("hm")], **more)
    message = answer["output"]["message"]
    assert message["content"][0]["reasoningContent"]["reasoningText"]["signature"]
    again = client.converse(modelId=model, messages=[user("hm"), message, user("go on")], **more)
    assert again["stopReason"] == "end_turn"


def test_pictures_arrive(client, model):
    png = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")
    said = {"role": "user", "content": [{"text": "see"}, {"image": {"format": "png", "source": {"bytes": png}}}]}
    answer = client.converse(modelId=model, messages=[said])
    assert "attached" in answer["output"]["message"]["content"][0]["text"]


def test_errors_are_the_sdks_own(client, gate, world):
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.converse(modelId="nobody", messages=[user("hi")])
    world.openai.script(fail(429, retry_after="2"))
    with pytest.raises(client.exceptions.ThrottlingException) as busy:
        client.converse(modelId="gpt", messages=[user("hi")])
    assert busy.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "2"
    world.openai.script(fail(400))
    with pytest.raises(client.exceptions.ValidationException):
        client.converse(modelId="gpt", messages=[user("hi")])
    broken = stream_error(after=2, kind="overloaded")
    broken.between = 0.05
    world.claude.script(broken)
    with pytest.raises(EventStreamError) as cut:
        list(client.converse_stream(modelId="claude", messages=[user("long 9")])["stream"])
    assert cut.value.response["Error"]["Code"] == "serviceUnavailableException"


def test_invoke_model(client, model):
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": [{"role": "user", "content": "good day"}]}
    answer = json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())
    assert answer["content"][0]["text"] == "echo: good day"
    streamed = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
    events = [json.loads(event["chunk"]["bytes"]) for event in streamed["body"]]
    assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop"
    text = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
    assert text == "echo: good day"


def test_a_signing_client_is_told_what_to_do(make_gateway, world):
    gate = make_gateway(keys=[{"id": "a", "sha256": "ab" * 32}])
    signing = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=gate.url,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError, match="AWS_BEARER_TOKEN_BEDROCK"):
        signing.converse(modelId="gpt", messages=[user("hi")])


def test_a_bearer_token_is_the_key(make_gateway, world, tmp_path, monkeypatch):
    authority = PrivateCA(tmp_path)
    cert, secret = authority.files(tmp_path, "localhost", "127.0.0.1")
    key = "tg-boto-key"
    gate = make_gateway(
        server={"tls": {"cert_file": str(cert), "key_file": str(secret)}},
        keys=[{"id": "boto", "sha256": hashlib.sha256(key.encode()).hexdigest()}],
    )
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    client = boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=gate.url, verify=str(authority.ca_file)
    )
    answer = client.converse(modelId="claude", messages=[user("good morning")])
    assert answer["output"]["message"]["content"] == [{"text": "echo: good morning"}]


# -- Anthropic's clients for the clouds -------------------------------------------------------------------------------


@pytest.fixture(params=["bedrock", "vertex"])
def cloud(request, gate):
    if request.param == "bedrock":
        made = anthropic.AnthropicBedrock(
            aws_access_key="a", aws_secret_key="b", aws_region="us-east-1", base_url=gate.url, max_retries=0
        )
    else:
        made = anthropic.AnthropicVertex(
            access_token="unused", project_id="p", region="us-east5", base_url=f"{gate.url}/v1", max_retries=0
        )
    with made:
        yield made


def test_anthropics_clients_for_the_clouds(cloud, model):
    said = [{"role": "user", "content": "long 9"}]
    answer = cloud.messages.create(model=model, max_tokens=99, messages=said)
    words = " ".join(f"w{n}" for n in range(1, 10))
    assert answer.content[0].text == words and answer.usage.output_tokens == 9
    with cloud.messages.stream(model=model, max_tokens=99, messages=said) as stream:
        assert "".join(stream.text_stream) == words
        assert stream.get_final_message().stop_reason == "end_turn"


def test_their_errors(cloud, world):
    with pytest.raises(anthropic.NotFoundError):
        cloud.messages.create(model="nobody", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    world.openai.script(fail(429))
    with pytest.raises(anthropic.RateLimitError):
        cloud.messages.create(model="gpt", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
