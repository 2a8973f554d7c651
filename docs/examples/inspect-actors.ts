// Watches every actor with @statelyai/inspect's WebSocket inspector and a receiver of our own: no browser, no internet.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createWebSocketInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { scripted, startRuntime } from "dspex";
import { WebSocketServer } from "ws";

// The receiver keeps what an inspector's page would draw: each actor, its parent, its chart.
interface Seen {
  readonly name: string;
  readonly parent: string | undefined;
  readonly chart: string | undefined;
}
const seen = new Map<string, Seen>();
const receiver = new WebSocketServer({ host: "127.0.0.1", port: 0 });
await once(receiver, "listening");
receiver.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    const event = JSON.parse(data.toString()) as StatelyInspectionEvent;
    if (event.type !== "@xstate.actor") return;
    // An incarnation is called <id>#<number>.
    const name = event.name.replace(/#\d+$/, "");
    seen.set(event.sessionId, { name, parent: event.parentId, chart: event.definition });
  });
});
const inspector = createWebSocketInspector({
  url: `ws://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
});

const pathOf = ({ name, parent }: Seen): string => {
  const above = parent === undefined ? undefined : seen.get(parent);
  return above === undefined ? name : `${pathOf(above)}/${name}`;
};

await using runtime = await startRuntime({
  lm: { default: scripted(() => "unused") },
  pools: { dspy: { size: 1 } },
});

// Attached while it runs: it is told of every actor that lives, and then of all that happens.
const detach = runtime.inspect(inspector.inspect);

interface Node {
  readonly path: string;
  readonly children: readonly Node[];
}
const paths = (node: Node): string[] => [node.path, ...node.children.flatMap(paths)];
const expected = paths(runtime.tree());
while (seen.size < expected.length) await new Promise((resolve) => setTimeout(resolve, 10));

// Every actor of the tree is there, under its parent, with its chart.
assert.deepEqual([...seen.values()].map(pathOf).sort(), expected.toSorted());
for (const actor of seen.values()) assert.ok(actor.chart !== undefined, `${pathOf(actor)} has no chart`);
for (const path of expected) console.log(path);

detach();
inspector.stop();
receiver.close();
