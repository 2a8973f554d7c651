// Supervises a state machine of your own, with nothing but @dspex/supervisors and XState: no Python, no language model.
import { startApplication } from "@dspex/supervisors";
import { assign, createMachine } from "xstate";

const till = createMachine({
  context: { total: 0 },
  on: {
    sale: { actions: assign({ total: ({ context, event }) => context.total + event["amount"].value }) },
    "otp.shutdown": ".closed",
  },
  initial: "open",
  states: { open: {}, closed: { type: "final" } },
});

await using app = await startApplication({
  children: [{ id: "till", name: "till", start: () => till, on_restart: "resume" }],
  onReport: ({ report }) => console.log(report),
});
app.registry.whereis("till")?.send({ type: "sale", amount: { value: 5 } });
// This one throws inside the machine: its supervisor starts it again, from its last good state.
app.registry.whereis("till")?.send({ type: "sale" });
console.log(app.registry.whereis("till")?.getSnapshot().context);
