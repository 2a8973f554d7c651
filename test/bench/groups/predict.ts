import path from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { scripted, signature, startRuntime, type LmRequest } from "dspex";
import { rate } from "../load.ts";
import { pythonPrograms } from "../peers/environment.ts";
import { startUvicorn, type HttpService } from "../peers/http-service.ts";
import type { Group, Row } from "../row.ts";

const inFlight = 64;
const slowMs = 50;
const upcalls = 4_096;

const prediction = {
  plain: { answer: "Paris" },
  typed: {
    urgency: "high",
    confidence: 0.75,
    findings: { topics: ["refund", "delivery"], scores: { refund: 0.5, delivery: 0.25 } },
  },
} as const;

const inputs = {
  plain: { question: "What is the capital of France?" },
  typed: { ticket: "My order arrived damaged and I want my money back." },
} as const;

type Kind = keyof typeof inputs;

/** What the model says, on either side: the outputs as DSPy's chat adapter wants them. */
const replies = { plain: replyOf(prediction.plain), typed: replyOf(prediction.typed) };

function replyOf(outputs: object): string {
  const fields = Object.entries({ ...outputs, completed: "" }).map(
    ([name, value]) => `[[ ## ${name} ## ]]\n${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return fields.join("\n\n").trim();
}

const model = ({ system }: LmRequest): string =>
  typeof system === "string" && system.includes("urgency") ? replies.typed : replies.plain;

/** Real DSPy programs whose model is in the host, beside DSPy behind FastAPI with its model in the same process. */
export const predict: Group = {
  name: "predict",
  async start() {
    const paths = [path.join(import.meta.dirname, "../python"), pythonPrograms];
    const runtime = await startRuntime({
      pools: { bench: { size: 1, maxInFlight: inFlight, paths } },
      lm: { instant: scripted(model), slow: scripted(model, { latencyMs: slowMs }) },
      tools: { nothing: () => null },
    });
    const asyncify = (latencyMs: number): Promise<HttpService> =>
      startUvicorn("dspy_asyncify_app:app", inFlight, { BENCH_LM_SECONDS: `${latencyMs / 1_000}` });
    const services = {
      instant: await asyncify(0),
      slow: await asyncify(slowMs),
      acall: await startUvicorn("dspy_acall_app:app", inFlight, { PYTHONPATH: bridgeSources() }),
    };
    const ourCall = (kind: Kind, endpoint: "instant" | "slow"): (() => Promise<unknown>) => {
      const lm = { endpoint };
      if (kind === "plain") {
        const program = runtime.program(signature("question -> answer"), { lm });
        return () => program.call(inputs.plain);
      }
      // An output that is a pydantic model is made in Python, by a program of the user's own.
      const triage = runtime.pythonFunction<[ticket: string], unknown>("bench_programs:triage", { lm });
      return () => triage.call([inputs.typed.ticket]);
    };
    const theirCall = (kind: Kind, service: HttpService) => (): Promise<unknown> =>
      service.post(`/predict/${kind}`, inputs[kind]);

    const row = async (
      kind: Kind,
      endpoint: "instant" | "slow",
      peer: { name: string; service: HttpService },
      ratio: number,
    ): Promise<Row> => {
      const ours = ourCall(kind, endpoint);
      const theirs = theirCall(kind, peer.service);
      for (const answer of [await ours(), await theirs()])
        if (!isDeepStrictEqual(answer, prediction[kind]))
          throw new Error(`A contender predicts ${JSON.stringify(answer)}.`);
      return {
        name: `Predict, ${kind}, ${endpoint === "slow" ? `model of ${slowMs} ms` : "instant model"}, 64 in flight`,
        unit: "calls/s",
        ours: { name: "DSPex", measure: () => rate(inFlight, ours) },
        peer: { name: peer.name, measure: () => rate(inFlight, theirs) },
        bar: { at: "least", ratio },
      };
    };
    const documented = { name: "FastAPI + asyncify", service: services.instant };
    const fast = { name: "FastAPI + acall, our speed-ups", service: services.acall };
    const slow = { name: "FastAPI + asyncify", service: services.slow };
    const upcall = runtime.pythonFunction<[number, number], number>("bench_functions:upcall_cpu");
    return {
      rows: [
        await row("plain", "instant", documented, 5),
        await row("plain", "instant", fast, 2),
        await row("typed", "instant", documented, 5),
        await row("typed", "instant", fast, 2),
        await row("plain", "slow", slow, 5),
        await row("typed", "slow", slow, 5),
        {
          name: "one upcall, 64 at a time, CPU of Python",
          unit: "µs",
          ours: { name: "DSPex", measure: () => upcall.call([upcalls, inFlight]) },
          bar: { at: "most", ratio: 30 },
        },
      ],
      async stop() {
        await Promise.all([runtime, ...Object.values(services)].map((running) => running.stop()));
      },
    };
  },
};

/** The Python of our own worker, from which a peer takes the speed-ups. */
function bridgeSources(): string {
  return path.join(
    path.dirname(fileURLToPath(import.meta.resolve("@dspex/python-bridge/package.json"))),
    "python",
  );
}
