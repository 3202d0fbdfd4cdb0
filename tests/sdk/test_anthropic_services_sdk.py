"""The official Anthropic SDK: message batches and files."""

from __future__ import annotations

import anthropic
import pytest

from support.services import CLIENT_KEY
from support.sim import fail


@pytest.fixture
def client(services):
    with anthropic.Anthropic(base_url=services.gateway.url, api_key=CLIENT_KEY, max_retries=0) as made:
        yield made


def ask(custom_id):
    params = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    return {"custom_id": custom_id, "params": params}


def test_message_batches(services, client):
    made = client.messages.batches.create(requests=[ask("one"), ask("two")])
    assert made.request_counts.processing == 2
    assert services.claude.last.header("x-api-key") == services.claude.key
    assert client.messages.batches.retrieve(made.id).processing_status == "in_progress"
    assert made.id in [one.id for one in client.messages.batches.list()]
    assert client.messages.batches.cancel(made.id).processing_status == "canceling"
    answer = client.get(f"/v1/messages/batches/{made.id}/results", cast_to=str)
    assert [line.count("custom_id") for line in answer.splitlines()] == [1, 1]
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_files(services, client):
    made = client.beta.files.upload(file=("a.txt", b"hello" * 900, "text/plain"))
    assert made.size_bytes == 4500
    assert client.beta.files.retrieve_metadata(made.id).filename == "a.txt"
    assert made.id in [one.id for one in client.beta.files.list()]
    assert client.beta.files.download(made.id).read() == b"hello" * 900
    assert client.beta.files.delete(made.id).id == made.id


def test_errors_are_the_sdks_own(services, client):
    services.claude.script(fail(529))
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.batches.create(requests=[ask("one")])
    assert caught.value.status_code == 529
    assert len(services.claude.requests) == 1, "what makes something is not tried twice"
