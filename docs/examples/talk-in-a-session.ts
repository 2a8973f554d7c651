// A conversation: each call has the turns before it in its prompt, as DSPy's History puts them there.
import { http, signature, startRuntime } from "dspex";

await using runtime = await startRuntime({
  lm: {
    default: http({
      model: process.env["MODEL"] ?? "gpt-4.1-mini",
      apiKey: () => process.env["OPENAI_API_KEY"],
      baseURL: process.env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1",
    }),
  },
});
const qa = runtime.program(signature("question -> answer"));

await using chat = await runtime.session("user-42", { ttlMs: 600_000 });
await chat.call(qa, { question: "Where is my order A-48213?" });
const { answer } = await chat.call(qa, { question: "And when will it be here?" });
console.log(answer);

// The same id is the same conversation, wherever in the service it is asked for.
const again = await runtime.session("user-42");
for (const { question } of again.history()) console.log(question);
