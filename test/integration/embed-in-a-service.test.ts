import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, it } from "@jest/globals";
import { createOfflineServer } from "../../packages/dspex/src/demo/offline-server.ts";
import { eventually } from "../support/eventually.ts";
import { startExample } from "../support/example.ts";

describe("docs/examples/embed-in-a-service.ts", () => {
  it("answers 200 concurrent requests while it is told to stop, and then leaves", async () => {
    await using model = await createOfflineServer({ latencyMs: 3_000 });
    const service = startExample("embed-in-a-service.ts", model);
    const exited = once(service, "exit");
    const lines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
    const url = String((await lines.next()).value).replace("listening on ", "");

    const post = async (
      body: string,
    ): Promise<{ status: number; body: { category?: string; code?: string } }> => {
      const response = await fetch(url, { method: "POST", body });
      return { status: response.status, body: (await response.json()) as { category?: string } };
    };
    expect(await post("{}")).toMatchObject({ status: 400, body: { code: "ERR_INVALID_INPUT" } });

    const ticket = JSON.stringify({
      ticket: "I was charged twice on my invoice, please check my bill.",
      language: "en",
    });
    const requests = Array.from({ length: 200 }, () => post(ticket));
    const busy = async (): Promise<{ onTheirWay: number }> =>
      (await (await fetch(url)).json()) as { onTheirWay: number };
    await eventually(async () => (await busy()).onTheirWay === 200);
    model.setLatencyMs(0);
    service.kill("SIGTERM");
    const answers = await Promise.all(requests);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ body }) => body.category))).toEqual(new Set(["billing"]));

    expect((await lines.next()).value).toBe("stopped");
    expect(await exited).toEqual([0, null]);
  }, 60_000);
});
