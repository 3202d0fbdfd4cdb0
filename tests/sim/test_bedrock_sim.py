"""The simulated Bedrock under AWS's own SDK: signatures, shapes and refusals."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.sim import BedrockSim, stream_error

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
LLAMA = "us.meta.llama4-maverick-17b-instruct-v1:0"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{SONNET}"


@pytest.fixture(scope="module")
def sim():
    with BedrockSim() as made:
        yield made


def sdk(sim, access="AKIASIMULATED", secret="simulated/secret+key", region="us-east-1"):
    return boto3.client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=sim.origin,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def user(*blocks):
    return {"role": "user", "content": [{"text": block} if isinstance(block, str) else block for block in blocks]}


@pytest.mark.parametrize("model", [SONNET, ARN, LLAMA])
def test_signed_requests_are_answered(sim, model):
    answer = sdk(sim).converse(modelId=model, messages=[user("good mörning")])
    assert answer["output"]["message"]["content"] == [{"text": "echo: good mörning"}]
    events = list(sdk(sim).converse_stream(modelId=model, messages=[user("long 3")])["stream"])
    assert next(iter(events[-1])) == "metadata"
    assert not sim.faults


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"secret": "another"}, "InvalidSignatureException"),
        ({"access": "AKIANOBODY"}, "UnrecognizedClientException"),
        ({"region": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_wrong_signatures_are_refused(sim, changed, kind):
    with pytest.raises(ClientError) as refused:
        sdk(sim, **changed).converse(modelId=SONNET, messages=[user("hi")])
    assert refused.value.response["Error"]["Code"] == kind
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


CALL = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t", "content": [{"text": "r"}]}}
DOCUMENT = {"document": {"format": "txt", "name": "a", "source": {"bytes": b"hi"}}}


@pytest.mark.parametrize(
    ("model", "request_", "words"),
    [
        (SONNET, {"messages": [user(" ")]}, "is blank"),
        (SONNET, {"messages": [user("a"), user("b")]}, "must alternate"),
        (SONNET, {"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "start with a user message"),
        (SONNET, {"messages": [user("a"), {"role": "assistant", "content": [CALL]}, user(RESULT)]}, "toolConfig"),
        (SONNET, {"messages": [user("a", RESULT)]}, "exceeds the number"),
        (SONNET, {"messages": [user(DOCUMENT)]}, "text block is required"),
        (SONNET, {"messages": [user("a", DOCUMENT, DOCUMENT)]}, "duplicate document names"),
        (SONNET, {"messages": [user("a")], "inferenceConfig": {"temperature": 0.5, "topP": 0.5}}, "cannot both"),
        (SONNET, {"messages": [user("a")], "inferenceConfig": {"stopSequences": [" "]}}, "non-whitespace"),
        (SONNET, {"messages": [user("a")], "additionalModelRequestFields": {"nothing": 1}}, "Extra inputs"),
        (LLAMA, {"messages": [user("a", {"cachePoint": {"type": "default"}})]}, "prompt caching"),
    ],
)
def test_what_bedrock_refuses_is_refused(sim, model, request_, words):
    with pytest.raises(ClientError, match=words):
        sdk(sim).converse(modelId=model, **request_)


def test_streams_end_with_exceptions(sim):
    sim.script(stream_error(after=1, kind="rate"))
    with pytest.raises(ClientError, match="throttlingException"):
        list(sdk(sim).converse_stream(modelId=SONNET, messages=[user("long 9")])["stream"])
