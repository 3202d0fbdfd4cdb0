"""A search of the web between dialects: what is asked for, what the answer relies on, and the turn that is sent back. The
simulators refuse searches and citations that the real services refuse."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest

from support.cast import KEYS, MODELS
from support.sim.brain import FOUND, PAGES

SEARCHERS = ("anthropic", "openai_responses", "gemini")
CITED = [(words, url, title) for words, pages in PAGES for url, title in pages]
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
FUNCTION = {"name": "look", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}


@pytest.fixture(scope="module")
def gate(make_gateway, standing_cast):
    """Before the same providers, of which the one that speaks Responses is OpenAI: others of that dialect do not search."""
    config = standing_cast.config()
    config["providers"]["openai_responses"]["preset"] = "openai"
    return make_gateway(env=KEYS, providers=config["providers"], models=config["models"])


@pytest.fixture
def chat(cast, gate):
    with openai.OpenAI(base_url=gate.url + "/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.fixture
def claude(cast, gate):
    with anthropic.Anthropic(base_url=gate.url, api_key="unused", max_retries=0) as made:
        yield made


def said(text):
    return {"role": "user", "content": text}


def quoted(text, annotations):
    """What each annotation is of, in the words of the text."""
    pages = [(page["start_index"], page["end_index"], page["url"], page["title"]) for page in annotations]
    return [(text[start:end], url, title) for start, end, url, title in pages]


@pytest.mark.parametrize("provider", SEARCHERS)
def test_a_chat_client_gets_annotations(cast, chat, provider):
    answer = chat.chat.completions.create(
        model=provider, messages=[said("search please")], web_search_options={"search_context_size": "medium"}
    )
    message = answer.choices[0].message
    assert message.content == FOUND
    assert (message.tool_calls, answer.choices[0].finish_reason) == (None, "stop")
    assert quoted(message.content, [a.url_citation.model_dump() for a in message.annotations]) == CITED
    tools = cast[provider].last.json["tools"]
    assert len(tools) == 1 and "search" in str(tools[0]).lower()


@pytest.mark.parametrize("provider", SEARCHERS)
def test_a_chat_client_gets_annotations_in_a_stream(chat, provider):
    text, pages, finish = "", [], None
    with chat.chat.completions.create(
        model=provider, messages=[said("search please")], web_search_options={}, stream=True
    ) as events:
        for chunk in events:
            if not chunk.choices:
                continue
            delta = chunk.choices[0].delta
            text += delta.content or ""
            pages += [page["url_citation"] for page in (delta.model_extra or {}).get("annotations") or []]
            assert not delta.tool_calls
            finish = chunk.choices[0].finish_reason or finish
    assert (text, finish) == (FOUND, "stop")
    assert quoted(text, pages) == CITED


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_responses_client_gets_annotations(chat, provider, streamed):
    asked = {"model": provider, "input": "search please", "tools": [{"type": "web_search"}]}
    if streamed:
        with chat.responses.stream(**asked) as events:
            told = [event.annotation for event in events if event.type == "response.output_text.annotation.added"]
            answer = events.get_final_response()
        assert [page.url for page in told] == [url for _, url, _ in CITED]
    else:
        answer = chat.responses.create(**asked)
    assert answer.output_text == FOUND
    (part,) = answer.output[-1].content
    assert quoted(part.text, [page.model_dump() for page in part.annotations]) == CITED


@pytest.mark.parametrize("provider", ["gemini", "openai_responses"])
def test_an_anthropic_client_gets_blocks_of_pages(cast, claude, provider):
    asked = {"model": provider, "max_tokens": 512, "tools": [SEARCH]}
    answer = claude.messages.create(messages=[said("search please")], **asked)
    assert "".join(block.text for block in answer.content) == FOUND
    pages = [(block.text, page.url, page.title) for block in answer.content for page in block.citations or []]
    # White space stays with the words before it.
    assert [(text.rstrip(), url, title) for text, url, title in pages] == CITED
    assert answer.stop_reason == "end_turn"
    # The turn comes back to the same provider, and to one that did not search for it.
    turn = [said("search please"), {"role": "assistant", "content": answer.to_dict()["content"]}, said("go on")]
    for model in (provider, "anthropic", "openai_chat"):
        again = claude.messages.create(messages=turn, **{**asked, "model": model})
        assert again.content[0].text == "echo: go on"
        assert "That is all." in cast[model].last.body.decode()


@pytest.mark.parametrize("provider", ["gemini", "openai_responses"])
def test_an_anthropic_client_gets_pages_in_a_stream(claude, provider):
    asked = {"model": provider, "max_tokens": 512, "tools": [SEARCH], "messages": [said("search please")]}
    with claude.messages.stream(**asked) as events:
        answer = events.get_final_message()
    assert "".join(block.text for block in answer.content) == FOUND
    pages = [(page.url, page.title) for block in answer.content for page in block.citations or []]
    assert pages == [(url, title) for _, url, title in CITED]


@pytest.mark.parametrize("provider", ["anthropic", "openai_responses"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_gemini_client_gets_grounding(cast, gate, provider, streamed):
    verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "search please"}]}], "tools": [{"googleSearch": {}}]}
    answer = gate.http.post(f"/v1beta/models/{provider}:{verb}", json=body)
    assert answer.status_code == 200, answer.text
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    items = [json.loads(line) for line in lines] if streamed else [answer.json()]
    candidates = [candidate for item in items for candidate in item["candidates"]]
    text = "".join(part["text"] for candidate in candidates for part in candidate["content"]["parts"])
    found = candidates[-1]["groundingMetadata"]
    pages = [(chunk["web"]["uri"], chunk["web"]["title"]) for chunk in found["groundingChunks"]]
    cited = []
    for support in found["groundingSupports"]:
        segment = support["segment"]
        words = text.encode()[segment.get("startIndex", 0) : segment["endIndex"]].decode()
        assert words == segment["text"]
        cited += [(words, *pages[index]) for index in support["groundingChunkIndices"]]
    assert (text, cited) == (FOUND, CITED)


def test_anthropics_own_turn_goes_to_every_provider(cast, claude):
    answer = claude.messages.create(model="anthropic", max_tokens=512, tools=[SEARCH], messages=[said("search please")])
    kinds = [block.type for block in answer.content]
    assert kinds[:2] == ["server_tool_use", "web_search_tool_result"]
    turn = [said("search please"), {"role": "assistant", "content": answer.to_dict()["content"]}, said("go on")]
    for model in MODELS:
        again = claude.messages.create(model=model, max_tokens=512, tools=[SEARCH], messages=turn)
        assert again.content[0].text == "echo: go on", model
        sent = cast[model].last.body.decode()
        assert ("encrypted_content" in sent) == (model == "anthropic"), model


def test_a_search_beside_functions(cast, claude):
    asked = {"max_tokens": 512, "tools": [SEARCH, FUNCTION], "messages": [said("search please")]}
    answer = claude.messages.with_raw_response.create(model="gemini", **asked)
    assert "tools[0] dropped" in answer.headers["x-tollgate-warnings"]
    (tool,) = cast["gemini"].last.json["tools"]
    assert tool["functionDeclarations"][0]["name"] == "look"
    claude.messages.create(model="openai_responses", tool_choice={"type": "tool", "name": "web_search"}, **asked)
    sent = cast["openai_responses"].last.json
    assert [tool["type"] for tool in sent["tools"]] == ["web_search", "function"]
    assert sent["tool_choice"] == {"type": "web_search"}
    for model in ("openai_chat", "cohere", "bedrock", "ollama"):
        answer = claude.messages.with_raw_response.create(model=model, **asked)
        assert "web_search_20250305" in answer.headers["x-tollgate-warnings"]
        assert answer.parse().content[0].text == "echo: search please"
        assert "look" in cast[model].last.body.decode()
