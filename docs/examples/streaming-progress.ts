// Reads a Python generator as it works. Leaving the loop early closes the generator.
import path from "node:path";
import { startRuntime } from "dspex";

await using runtime = await startRuntime({
  pools: { text: { size: 1, paths: [path.join(import.meta.dirname, "python")] } },
});

interface Progress {
  readonly done: number;
  readonly of: number;
  readonly words: number;
}
const index = runtime.pythonFunction<[documents: string[]], null, Progress>("text_tools:index");

const documents = ["Orders ship within a day.", "Refunds take a week.", "Tea is hot."];
for await (const { done, of, words } of index.stream([documents]))
  console.log(`${done} of ${of} documents, ${words} words`);
