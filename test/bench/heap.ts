import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** A full collection, so that a measurement pays for its own garbage and not for that of the one before. */
export function collect(): void {
  gc();
}
