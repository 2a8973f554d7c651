// Moves a pool onto new Python code while calls run: worker by worker, and without losing one.
import path from "node:path";
import { DspexError, startRuntime } from "dspex";

const release = (name: string) => [path.join(import.meta.dirname, "python", name)];

await using runtime = await startRuntime({ pools: { shop: { size: 2, paths: release("release-1") } } });
const price = runtime.pythonFunction<[cents: number], string>("prices:price");
console.log(await price.call([1_000]));

// A release that does not start is refused: the workers that there are serve on.
try {
  await runtime.rollOut("shop", { paths: release("no-release"), warmUp: ["prices:price"] });
} catch (error) {
  if (DspexError.is(error, "ERR_WORKER_BOOT")) console.log("refused:", error.details.reason);
}

const traffic = setInterval(() => void price.call([1_000]), 5);
await runtime.rollOut("shop", { paths: release("release-2") });
clearInterval(traffic);
console.log(await price.call([1_000]));
