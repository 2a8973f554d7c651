// Python calls a tool of the host, which calls Python in turn, as part of the same call.
import path from "node:path";
import { startRuntime } from "dspex";

const prices: Readonly<Record<string, number>> = { tea: 4, Bestellung: 12, coffee: 6 };

await using runtime = await startRuntime({
  pools: { text: { size: 1, paths: [path.join(import.meta.dirname, "python")] } },
  tools: {
    // `within` makes it part of the call that asks: one deadline, one budget, and no waiting for a free worker.
    async price({ product }, within) {
      return prices[await translate.call([String(product)], { within })] ?? Infinity;
    },
  },
});
const translate = runtime.pythonFunction<[word: string], string>("text_tools:Dictionary.translate");
const cheapest = runtime.pythonFunction<[products: string[]], string>("text_tools:cheapest");

console.log(await cheapest.call([["order", "tea", "coffee"]]));
