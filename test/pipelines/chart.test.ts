import { pipeline } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import {
  transition,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type InspectionEvent,
} from "xstate";
import { startStage, turns } from "./stage.ts";

const none = (): undefined => undefined;
const p = pipeline<number>("charted")
  .stage("a", () => Promise.resolve(1), none)
  .parallel((g) =>
    g.stage("b", () => 2, none).stage("c", () => Promise.reject(new Error("no")), { onError: "skip" }, none),
  )
  .when(
    ({ input }) => input > 0,
    (q) => q.stage("d", () => Promise.resolve(3), none),
  )
  .output(({ b }) => {
    if (b === undefined) throw new Error("no");
    return b;
  });

/** What the inspector sees of a run: its machine, and its states one after another. */
async function watch(input: number, during: (cancel: () => void) => void = none) {
  await using stage = await startStage();
  const events: InspectionEvent[] = [];
  const detach = stage.app.inspect((event) => void events.push(event));
  const run = stage.runner.run(p, input);
  during(() => run.cancel());
  await run.tryResult();
  await turns();
  detach();
  const own = events.filter(({ actorRef }) => String("id" in actorRef && actorRef.id).startsWith(run.id));
  const states = own.flatMap((event) =>
    event.type === "@xstate.snapshot" ? [event.snapshot as AnyMachineSnapshot] : [],
  );
  const logic = (own.find(({ type }) => type === "@xstate.actor")!.actorRef as { logic?: AnyStateMachine })
    .logic!;
  return { states, chart: Object.getPrototypeOf(logic) as AnyStateMachine, logic };
}

describe("the chart of a run", () => {
  it("has a region for each stage, condition and the output, each from waiting to an end", async () => {
    const { logic } = await watch(1);
    const { running } = logic.config.states!;
    expect(logic.id).toBe("charted");
    expect(Object.keys(logic.config.states!)).toEqual(["running", "completed", "failed", "cancelled"]);
    expect(running!.type).toBe("parallel");
    expect(Object.keys(running!.states!)).toEqual(["a", "b", "c", "when-1", "d", "output"]);
    expect(Object.keys(running!.states!["a"]!.states!)).toEqual([
      "waiting",
      "running",
      "completed",
      "skipped",
      "failed",
    ]);
  });

  it.each([1, 0])(
    "shows where the stages stand, as XState would have moved them (input %i)",
    async (input) => {
      const { states, chart } = await watch(input);
      // Each state follows from the one before by events of the chart: replay them with XState itself.
      let replayed = chart.resolveState({
        value: { running: states[0]!.value.running },
        context: {},
      }) as AnyMachineSnapshot;
      const words: Record<string, string> = { running: "started" };
      for (const { value } of states) {
        if (typeof value === "string") continue;
        const moves: AnyEventObject[] = Object.entries(value["running"] as Record<string, string>).flatMap(
          ([name, now]) => {
            const before = (replayed.value["running"] as Record<string, string>)[name];
            return before === now ? [] : [{ type: `${name}.${words[now] ?? now}` }];
          },
        );
        for (const move of moves) {
          [replayed] = transition(chart, replayed, move) as unknown as [AnyMachineSnapshot];
        }
        expect(replayed.value).toEqual(value);
      }
      expect(states.at(-1)).toMatchObject({ value: "completed", status: "done" });
      const last = states.findLast(({ value }) => typeof value !== "string")!.value.running;
      expect(last).toEqual({
        a: "completed",
        b: "completed",
        c: "failed",
        "when-1": input === 1 ? "completed" : "skipped",
        d: input === 1 ? "completed" : "skipped",
        output: "running",
      });
    },
  );

  it("ends in cancelled when the run is cancelled", async () => {
    const { states } = await watch(1, (cancel) => cancel());
    expect(states.at(-1)).toMatchObject({ value: "cancelled", status: "done" });
  });

  it("is plain data to whoever serialises it", async () => {
    const { states } = await watch(1);
    expect(JSON.parse(JSON.stringify(states[0]!.toJSON()))).toMatchObject({
      context: { work: { run: "charted-1" } },
    });
  });
});
