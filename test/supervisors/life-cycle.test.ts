import { kill, supervisorSpec, type LifeCycleEvent } from "@dspex/supervisors";
import { wordOf } from "@dspex/supervisors/testing";
import { describe, expect, it } from "@jest/globals";
import { LifeCycle } from "../../supervisors/src/life-cycle.ts";
import { Stage } from "./stage.ts";

const line = ({ event, path, incarnation, reason }: LifeCycleEvent): string =>
  `${event === "started" ? "+" : "-"}${path.join("/")}#${incarnation}${reason === undefined ? "" : ` ${wordOf(reason)}`}`;

async function shop() {
  const stage = new Stage();
  const app = await stage.start({
    id: "shop",
    intensity: 9,
    children: [stage.worker("a"), supervisorSpec("s", { intensity: 9, children: [stage.worker("b")] })],
  });
  return { stage, app };
}

describe("the life cycle of a tree", () => {
  it("is told in order: who starts, who ends, and why, asked or not", async () => {
    const { stage, app } = await shop();
    const lines: string[] = [];
    const reading = (async () => {
      for await (const event of app.lifeCycle) lines.push(line(event));
    })();
    await stage.end("b");
    kill(stage.ref("a"));
    await stage.settle();
    await app.stop();
    await reading;
    expect(lines).toEqual([
      "-shop/s/b#1 error",
      "+shop/s/b#2",
      "-shop/a#1 killed",
      "+shop/a#2",
      "-shop/s/b#2 shutdown",
      "-shop/s#1 shutdown",
      "-shop/a#2 shutdown",
    ]);
  });

  it("has any number of readers, each from its own beginning on; leaving the loop is enough", async () => {
    const { stage, app } = await shop();
    const first = app.lifeCycle[Symbol.asyncIterator]();
    await stage.end("a");
    const second = app.lifeCycle[Symbol.asyncIterator]();
    await stage.end("a");
    expect((await first.next()).value).toMatchObject({ event: "ended", incarnation: 1 });
    expect((await second.next()).value).toMatchObject({
      event: "ended",
      incarnation: 2,
      atMs: 0,
      type: "worker",
    });
    await first.return!();
    expect(await first.next()).toEqual({ done: true, value: undefined });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of app.lifeCycle) {
        seen.push(line(event));
        break;
      }
    })();
    await stage.end("a");
    await reading;
    await stage.end("a");
    expect(seen).toEqual(["-shop/a#3 error"]);
  });

  it("G4: a reader that is far behind loses the oldest events, and no memory grows", async () => {
    const events = new LifeCycle();
    const reader = events[Symbol.asyncIterator]();
    for (let atMs = 0; atMs < 10_005; atMs += 1) events.add({ atMs } as LifeCycleEvent);
    expect((await reader.next()).value).toMatchObject({ atMs: 5 });
    await reader.return();
    expect(events.hasReaders).toBe(false);
  });
});
