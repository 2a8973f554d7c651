import { describe, expect, it } from "@jest/globals";
import { StartGate } from "../../packages/pool/src/start-gate.ts";

describe("the gate before a start", () => {
  it("lets so many in at a time, and the others in order as those leave", () => {
    const gate = new StartGate(2);
    const begun: string[] = [];
    const leave = ["a", "b", "c", "d"].map((name) => gate.enter(() => begun.push(name)));
    expect(begun).toEqual(["a", "b"]);
    leave[1]!();
    leave[1]!();
    expect(begun).toEqual(["a", "b", "c"]);
    leave[0]!();
    expect(begun).toEqual(["a", "b", "c", "d"]);
  });

  it("forgets who leaves before its turn", () => {
    const gate = new StartGate(1);
    const begun: string[] = [];
    const leave = ["a", "b", "c"].map((name) => gate.enter(() => begun.push(name)));
    leave[1]!();
    leave[0]!();
    expect(begun).toEqual(["a", "c"]);
  });
});
