// Reads the output fields of a program as the model writes them. Leaving the loop early cancels the call, in Python and
// at the model.
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
const draft = runtime.program(signature("ticket: str -> summary: str, answer: str"));

const stream = draft.stream({ ticket: "Where is my parcel? It should have been here on Monday." });
let current = "";
for await (const { field, delta } of stream) {
  if (field !== current) process.stdout.write(`${current === "" ? "" : "\n"}${field}: `);
  current = field;
  process.stdout.write(delta);
}

// The whole result and its meta, after the last piece.
const outcome = await stream.outcome;
console.log(
  outcome.ok
    ? `\n${Object.keys(outcome.value).join(", ")} in ${outcome.meta.lmCalls} request`
    : outcome.error.code,
);
