// Calls Python that is not DSPy: functions, async functions, and a class with something to keep. No language model.
import path from "node:path";
import { startRuntime } from "dspex";

await using runtime = await startRuntime({
  pools: { text: { size: 1, paths: [path.join(import.meta.dirname, "python")] } },
});

const mostCommon = runtime.pythonFunction<[text: string, n: number], [string, number][]>(
  "text_tools:most_common",
);
console.log(await mostCommon.call(["To be, or not to be, that is the question.", 2]));

// A call has a deadline; when it passes, the Python task is cancelled.
const patient = runtime.pythonFunction<[seconds: number], string>("text_tools:patient");
const outcome = await patient.tryCall([60], { timeoutMs: 200 });
console.log(outcome.ok ? outcome.value : outcome.error.code);

// One instance per worker, made at the first call.
const translate = runtime.pythonFunction<[word: string], string>("text_tools:Dictionary.translate");
console.log(await Promise.all(["order", "refund", "tea"].map((word) => translate.call([word]))));
