// Sends tables and matrices to pyarrow and numpy, and gets such back. Here `apache-arrow` makes and reads the tables; any
// library that knows Arrow's IPC streams will do. The workers' environment needs numpy and pyarrow: `npm test` installs
// them; elsewhere, let the pool's option `python` name an interpreter that has them.
import path from "node:path";
import { tableFromArrays, tableFromIPC, tableToIPC, type Table } from "apache-arrow";
import { arrowTable, ndArray, startRuntime, type ArrowTable, type NdArray } from "dspex";

await using runtime = await startRuntime({
  pools: { data: { size: 1, paths: [path.join(import.meta.dirname, "python")] } },
});

// 100,000 orders of 1,000 customers: joined, grouped and aggregated in Python.
const orders = tableFromArrays({
  customer: Int32Array.from({ length: 100_000 }, (_, order) => order % 1_000),
  amount: Float64Array.from({ length: 100_000 }, (_, order) => (order % 1_000) + 0.5),
});
const customers = tableFromArrays({
  customer: Int32Array.from({ length: 1_000 }, (_, customer) => customer),
  segment: Array.from({ length: 1_000 }, (_, customer) => (customer < 900 ? "private" : "business")),
});

const toPython = (table: Table): ArrowTable => arrowTable(tableToIPC(table));
const revenue = runtime.pythonFunction<[orders: ArrowTable, customers: ArrowTable], ArrowTable>(
  "data_tools:revenue",
);
const { ipc } = await revenue.call([toPython(orders), toPython(customers)]);
for (const row of tableFromIPC(ipc).toArray()) console.log(row.segment, row.orders, row.revenue, row.median);

// The most similar of 5,000 embeddings of 64 dimensions, for two queries at once.
const dimensions = 64;
const embeddings = Float32Array.from({ length: 5_000 * dimensions }, (_, index) => Math.sin(index * index));
const embedding = (row: number): Float32Array =>
  embeddings.subarray(row * dimensions, (row + 1) * dimensions);
const queries = new Float32Array([...embedding(42), ...embedding(4_711).map((x) => x * 2)]);

const nearest = runtime.pythonFunction<
  [queries: NdArray, embeddings: NdArray, k: number],
  [rows: NdArray, similarities: NdArray]
>("data_tools:nearest");
const [rows, similarities] = await nearest.call([
  ndArray(queries, { shape: [2, dimensions] }),
  ndArray(embeddings, { shape: [5_000, dimensions] }),
  3,
]);
console.log(rows.dtype, rows.shape, "nearest:", rows.data[0], rows.data[3]);
console.log(similarities.dtype, similarities.shape, "similarity:", Number(similarities.data[0]).toFixed(2));
