// Vercel's AI SDK: what each of its models gets of each provider, as one JSON object
// { client: { provider: { case: result } } }. Arguments: the gateway's URL, and the pairs as JSON.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false; // or they are printed among the results
const [url, pairs] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "unused" });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: "unused" });
const clients = {
  openai_chat: (name) => openai.chat(name),
  openai_responses: (name) => openai.responses(name),
  anthropic: (name) => anthropic(name),
};
const dog = z.object({ name: z.string(), age: z.number() });
const tools = {
  get_weather: tool({
    description: "Weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`,
  }),
};
const tokens = ({ inputTokens, outputTokens }) => [inputTokens, outputTokens];

const cases = {
  async generateText(base) {
    const done = await generateText({ ...base, system: "Be brief.", prompt: "good morning" });
    return { text: done.text, finish: done.finishReason, tokens: tokens(done.usage) };
  },
  async streamText(base) {
    const done = streamText({ ...base, prompt: "long 12", onError: () => {} });
    let text = "";
    for await (const piece of done.textStream) text += piece;
    return { text, finish: await done.finishReason, output: (await done.usage).outputTokens };
  },
  async tools(base) {
    const done = await generateText({ ...base, tools, stopWhen: stepCountIs(3), prompt: "get_weather please" });
    return { text: done.text, calls: done.steps[0].toolCalls.map((call) => [call.toolName, call.input]), steps: done.steps.length };
  },
  async streamedTools(base) {
    const done = streamText({ ...base, tools, stopWhen: stepCountIs(3), prompt: "get_weather please", onError: () => {} });
    const kinds = new Set();
    for await (const part of done.fullStream) kinds.add(part.type);
    const steps = await done.steps;
    return {
      text: await done.text,
      calls: steps[0].toolCalls.map((call) => [call.toolName, call.input]),
      streamed: kinds.has("tool-input-delta"),
      steps: steps.length,
    };
  },
  async conversation(base) {
    // Nobody but OpenAI keeps what was said; without this, Responses' clients send earlier texts by their ids alone.
    const kept = { ...base, providerOptions: { openai: { store: false } } };
    const messages = [{ role: "user", content: "good morning" }];
    const first = await generateText({ ...kept, messages });
    messages.push(...first.response.messages, { role: "user", content: "good night" });
    return (await generateText({ ...kept, messages })).text;
  },
  async generateObject(base, provider) {
    // Of the models of Anthropic it does not know, it wants the object as the call of a tool; Ollama cannot be made to call.
    const structuredOutputMode = provider === "ollama" ? "outputFormat" : "jsonTool";
    const providerOptions = { anthropic: { structuredOutputMode } };
    return (await generateObject({ ...base, providerOptions, schema: dog, prompt: "a dog" })).object;
  },
  async streamObject(base) {
    const providerOptions = { anthropic: { structuredOutputMode: "outputFormat" } };
    const done = streamObject({ ...base, providerOptions, schema: dog, prompt: "a dog", onError: () => {} });
    for await (const _ of done.partialObjectStream);
    return await done.object;
  },
  async error(base, _, client) {
    try {
      await generateText({ ...base, model: clients[client]("none-such"), prompt: "x" });
      return "no error";
    } catch (error) {
      return APICallError.isInstance(error) ? { status: error.statusCode, message: error.message } : `${error}`;
    }
  },
};

const results = {};
for (const [client, provider] of JSON.parse(pairs)) {
  const base = { model: clients[client](provider), maxRetries: 0, maxOutputTokens: 99 };
  const found = {};
  for (const [name, act] of Object.entries(cases)) {
    found[name] = await act(base, provider, client).catch((error) => `${error.stack}`);
  }
  (results[client] ??= {})[provider] = found;
}
console.log(JSON.stringify(results));
