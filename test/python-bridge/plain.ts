import { ndArray, type NdArrayElements } from "@dspex/python-bridge";

/** The value that a vector describes. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const record = value as Record<string, unknown>;
  if (typeof record["$int"] === "string") return BigInt(record["$int"]);
  if (typeof record["$float"] === "string") return floats[record["$float"]] ?? Number(record["$float"]);
  if (typeof record["$bytes"] === "string") return Buffer.from(record["$bytes"], "hex");
  if (typeof record["$datetime"] === "string") return new Date(record["$datetime"]);
  if (Array.isArray(record["$map"])) return ownEntries(record["$map"] as [string, unknown][]);
  if ("$ndarray" in record) return array(record["$ndarray"] as ArrayCase);
  return Object.fromEntries(Object.entries(record).map(([key, item]) => [key, plain(item)]));
}

function ownEntries(entries: readonly [string, unknown][]): unknown {
  const map = Object.create(null) as Record<string, unknown>;
  for (const [name, item] of entries) map[name] = plain(item);
  return map;
}

interface ArrayCase {
  readonly dtype: keyof typeof elements;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const elements = {
  bool: Uint8Array,
  int16: Int16Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

function array({ dtype, shape, data }: ArrayCase): unknown {
  const typed = dtype === "int64" ? BigInt64Array.from(data.map(BigInt)) : elements[dtype].from(data);
  return ndArray(typed as NdArrayElements, { shape, ...(dtype === "bool" ? { dtype } : {}) });
}
const floats: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity };
