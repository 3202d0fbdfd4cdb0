// Anthropic's official SDK for Node: what it gets of each provider, as one JSON object { provider: { case: result } }.
// Arguments: the gateway's URL, and the providers as JSON.
import Anthropic from "@anthropic-ai/sdk";

const [url, providers] = process.argv.slice(2);
const client = new Anthropic({ baseURL: url, apiKey: "unused", maxRetries: 0 });
const user = (content) => ({ role: "user", content });
const tool = {
  name: "get_weather",
  description: "Weather of a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

async function loop(ask) {
  const messages = [user("get_weather please")];
  const first = await ask(messages);
  const use = first.content.find((block) => block.type === "tool_use");
  const result = { type: "tool_result", tool_use_id: use.id, content: "sunny" };
  const after = await ask([...messages, { role: "assistant", content: first.content }, user([result])]);
  return { stop: first.stop_reason, call: [use.name, use.input], text: after.content.at(-1).text };
}

const cases = {
  async create(base) {
    const answer = await client.messages.create({ ...base, system: "Be brief.", messages: [user("good morning")] });
    const { input_tokens, output_tokens } = answer.usage;
    return { type: answer.type, role: answer.role, text: answer.content[0].text, stop: answer.stop_reason, tokens: [input_tokens, output_tokens] };
  },
  async stream(base) {
    let text = "";
    const stream = client.messages.stream({ ...base, messages: [user("long 12")] }).on("text", (piece) => (text += piece));
    const final = await stream.finalMessage();
    return { text, same: final.content[0].text === text, stop: final.stop_reason, output: final.usage.output_tokens };
  },
  async events(base) {
    const kinds = [];
    for await (const event of await client.messages.create({ ...base, messages: [user("long 3")], stream: true })) {
      if (event.type !== "ping" && kinds.at(-1) !== event.type) kinds.push(event.type);
    }
    return kinds;
  },
  tools: (base) => loop((messages) => client.messages.create({ ...base, tools: [tool], messages })),
  streamedTools: (base) => loop((messages) => client.messages.stream({ ...base, tools: [tool], messages }).finalMessage()),
  async thinking(base) {
    const ask = (messages) =>
      client.messages
        .stream({ ...base, model: `${base.model}-thinking`, max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 1024 }, messages })
        .finalMessage();
    const first = await ask([user("think")]);
    const after = await ask([user("think"), { role: "assistant", content: first.content }, user("more")]);
    return { kinds: first.content.map((block) => block.type), text: first.content.at(-1).text, after: after.content.at(-1).text };
  },
  async count(base) {
    return (await client.messages.countTokens({ model: base.model, messages: [user("one two three")], tools: [tool] })).input_tokens;
  },
  async error(base) {
    try {
      await client.messages.create({ ...base, model: "none-such", messages: [user("x")] });
      return "no error";
    } catch (error) {
      return { typed: error instanceof Anthropic.NotFoundError, type: error.error?.error?.type };
    }
  },
};

const results = {};
for (const provider of JSON.parse(providers)) {
  const base = { model: provider, max_tokens: 99 };
  const found = (results[provider] = {});
  for (const [name, act] of Object.entries(cases)) {
    found[name] = await act(base).catch((error) => `${error.stack}`);
  }
}
console.log(JSON.stringify(results));
