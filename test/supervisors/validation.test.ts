import { DspexError } from "@dspex/core";
import {
  checkChildSpecs,
  dynamicSupervisor,
  getChildSpec,
  supervisor,
  type ChildSpec,
  type SupervisorOptions,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { scaled } from "../support/scale.ts";
import { answer, Stage } from "./stage.ts";

const start = (): "ignore" => "ignore";
const child: ChildSpec = { id: "a", start };

/** The option that is rejected, or undefined. */
function rejected(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (DspexError.is(error, "ERR_INVALID_OPTION")) return error.details.option;
    throw error;
  }
}

const withChild =
  (fields: object): (() => unknown) =>
  () =>
    supervisor({ children: [{ ...child, ...fields } as ChildSpec] });

describe("options of a supervisor", () => {
  it.each([
    ["strategy", "one_for_two"],
    ["strategy", "simple_one_for_one"],
    ["intensity", -1],
    ["intensity", 1.5],
    ["intensity", "1"],
    ["periodMs", 0],
    ["periodMs", -5],
    ["periodMs", Infinity],
    ["periodMs", Number.NaN],
    ["auto_shutdown", "always"],
    ["children", undefined],
    ["children", { a: child }],
  ])("F1.3 F1.4 %s %p is rejected by name", (option, value) => {
    const options = { children: [], [option]: value } as unknown as SupervisorOptions;
    expect(rejected(() => supervisor(options))).toBe(option);
  });

  it("F1.3 unknown keys are ignored", () => {
    expect(rejected(() => supervisor({ children: [], colour: "red" } as SupervisorOptions))).toBeUndefined();
  });

  it.each([
    ["max_children", -1],
    ["max_children", 2.5],
    ["intensity", -1],
    ["template.restart", { ...child, restart: "always" }],
    ["template.start", { id: "a" }],
    ["template.significant", { ...child, restart: "transient", significant: true }],
  ])("F1.8 F1.9 of a dynamic supervisor: a bad %s is rejected by name", (option, value) => {
    const [field] = option.split(".") as [string];
    expect(rejected(() => dynamicSupervisor({ [field]: value } as object))).toBe(option);
  });
});

describe("child specifications", () => {
  it.each([
    ["id", { id: undefined }],
    ["id", { id: "" }],
    ["id", { id: 7 }],
    ["start", { start: undefined }],
    ["start", { start: "start" }],
    ["restart", { restart: "always" }],
    ["shutdown", { shutdown: -10 }],
    ["shutdown", { shutdown: Infinity }],
    ["shutdown", { shutdown: "kill" }],
    ["type", { type: "agent" }],
    ["significant", { significant: "yes", restart: "transient" }],
    ["name", { name: "" }],
    ["startTimeoutMs", { startTimeoutMs: 0 }],
  ])("F1.4 a bad %s is rejected by name: %p", (field, fields) => {
    expect(rejected(withChild(fields))).toBe(`children[0].${field}`);
    expect(rejected(() => checkChildSpecs([{ ...child, ...fields } as ChildSpec]))).toBe(
      `children[0].${field}`,
    );
  });

  it("F1.4 a list that is no list, and an entry that is no specification, are rejected", () => {
    expect(rejected(() => checkChildSpecs("a" as never))).toBe("children");
    expect(rejected(() => checkChildSpecs([child, undefined as never]))).toBe("children[1]");
  });

  it("F1.5 an id must not occur twice", () => {
    expect(rejected(() => supervisor({ children: [child, { ...child }] }))).toBe("children[1].id");
  });

  it("F1.6 a permanent child cannot be significant", () => {
    const children = [{ ...child, significant: true }];
    expect(rejected(() => supervisor({ auto_shutdown: "any_significant", children }))).toBe(
      "children[0].significant",
    );
  });

  it("F1.7 no child is significant where auto_shutdown is never, at start and when it is added", async () => {
    const significant: ChildSpec = { ...child, restart: "transient", significant: true };
    expect(rejected(() => supervisor({ children: [significant] }))).toBe("children[0].significant");
    expect(rejected(() => checkChildSpecs([significant], "all_significant"))).toBeUndefined();
    const { startChild } = await import("@dspex/supervisors");
    const stage = new Stage();
    await stage.start({ children: [] });
    expect(await answer(startChild(stage.app.root, significant))).toBe("child.significant");
  });

  it("F1.1 F1.2 F1.10 the defaults are OTP's", async () => {
    const stage = new Stage();
    await stage.start({ children: [stage.worker("w"), { ...stage.worker("s"), type: "supervisor" }] });
    expect(await getChildSpec(stage.app.root, "w")).toMatchObject({
      id: "w",
      restart: "permanent",
      shutdown: 5_000,
      type: "worker",
      significant: false,
    });
    expect(await getChildSpec(stage.app.root, "s")).toMatchObject({
      type: "supervisor",
      shutdown: "infinity",
    });
    expect(await answer(getChildSpec(stage.app.root, "x"))).toBe("not_found");
    stage.take();
    // One restart in five seconds, one_for_one, no automatic shutdown.
    expect(await stage.end("w")).toBe("-w error +w");
    expect(await stage.end("w")).toBe("-w error -s");
  });

  it("specifications of every wrong shape are rejected by name, or are right; nothing else is thrown, and nothing starts", () => {
    const words = [
      "permanent",
      "transient",
      "temporary",
      "supervisor",
      "brutal_kill",
      "infinity",
      "exit",
      "resume",
    ];
    const anything = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, maxDepth: 1 }),
      fc.constantFrom(...words),
      fc.integer(),
      fc.func(fc.anything()),
    );
    const fields = ["start", "restart", "shutdown", "type", "significant", "name", "groups", "mailbox"];
    const more = ["on_restart", "max_resumes", "startTimeoutMs"];
    const shape = Object.fromEntries(["id", ...fields, ...more].map((field) => [field, anything]));
    const specs = fc.oneof(
      anything,
      fc
        .constantFrom(...fields, ...more)
        .chain((field) => anything.map((value) => ({ ...child, [field]: value }))),
      fc.record(shape, { requiredKeys: [] }).map((wrong) => ({ ...child, ...wrong })),
    );
    let right = 0;
    fc.assert(
      fc.property(specs, (spec) => {
        const option = rejected(() => checkChildSpecs([spec as ChildSpec]));
        if (option === undefined) right += 1;
        else expect(option).toMatch(/^children\[0\]/);
      }),
      { numRuns: scaled(2_000) },
    );
    expect(right).toBeGreaterThan(0);
  });
});
