import { createRequire } from "node:module";

interface Packr {
  pack(value: unknown): Buffer;
  unpack(bytes: Uint8Array): unknown;
}

/** The codec beneath ours, without what we put on top of it. */
const { Packr } = createRequire(import.meta.resolve("@dspex/python-bridge/package.json"))("msgpackr") as {
  readonly Packr: new (options: object) => Packr;
};

const packr = new Packr({ useRecords: false });

export const encode = (value: unknown): Buffer => packr.pack(value);
export const decode = (bytes: Uint8Array): unknown => packr.unpack(bytes);
