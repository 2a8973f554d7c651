// An HTTP service with the runtime in it: POST a ticket, get its category; GET says how busy it is. SIGTERM stops it
// gracefully: requests on their way are answered, then the workers leave. Run it with a model of yours:
//   OPENAI_API_KEY=… npm run example docs/examples/embed-in-a-service.ts
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { DspexError, http, signature, startRuntime } from "dspex";

const runtime = await startRuntime({
  lm: {
    default: http({
      model: process.env["MODEL"] ?? "gpt-4.1-mini",
      apiKey: () => process.env["OPENAI_API_KEY"],
      ...(process.env["OPENAI_BASE_URL"] === undefined ? {} : { baseURL: process.env["OPENAI_BASE_URL"] }),
    }),
  },
  pools: { dspy: { size: 2 } },
});
const triage = runtime.program(
  signature(
    "ticket: str, language: str -> category: Literal['billing', 'shipping', 'technical', 'account', 'refund'], confidence: float",
  ),
);

let onTheirWay = 0;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  onTheirWay += 1;
  const aborted = new AbortController();
  response.on("close", () => {
    onTheirWay -= 1;
    aborted.abort();
  });
  const outcome = await triage.tryCall(await readJson(request), {
    signal: aborted.signal,
    timeoutMs: 20_000,
  });
  const status = outcome.ok ? 200 : DspexError.is(outcome.error, "ERR_INVALID_INPUT") ? 400 : 503;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(
    JSON.stringify(outcome.ok ? outcome.value : { code: outcome.error.code, message: outcome.error.message }),
  );
}

async function readJson(request: IncomingMessage): Promise<{ ticket: string; language: string }> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  try {
    return JSON.parse(text);
  } catch {
    return {} as { ticket: string; language: string }; // fails the check of the input, and is answered with 400
  }
}

const service = createServer((request, response) => {
  if (request.method === "POST") void answer(request, response);
  else response.end(JSON.stringify({ onTheirWay, workers: runtime.workers() }));
});
service.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(service.address() as { port: number }).port}`);
});
process.once("SIGTERM", () => {
  service.close(() => void runtime.stop().then(() => console.log("stopped")));
  service.closeIdleConnections();
});
