// Kills a worker with a call in flight, as the system does when memory runs out. What may run twice runs again elsewhere; what must
// not fails, with an error that says so; and the pool is whole again by itself.
import path from "node:path";
import { DspexError, startRuntime } from "dspex";

await using runtime = await startRuntime({
  pools: { text: { size: 2, paths: [path.join(import.meta.dirname, "python")] } },
});
runtime.telemetry.on("pool.call.retried", ({ fields }) => console.log(`again, attempt ${fields.attempt}`));

const patient = runtime.pythonFunction<[seconds: number], string>("text_tools:patient");
const killItsWorker = async (): Promise<void> => {
  for (;;) {
    const busy = runtime.workers().find(({ inFlight }) => inFlight > 0);
    if (busy !== undefined) return void process.kill(busy.pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const [outcome] = await Promise.all([patient.tryCall([0.3], { idempotent: true }), killItsWorker()]);
if (outcome.ok) console.log(outcome.value, "after", outcome.meta.attempts, "attempts");

const [once] = await Promise.all([patient.tryCall([30]), killItsWorker()]);
if (!once.ok && DspexError.is(once.error, "ERR_WORKER_CRASHED")) console.log(once.error.details.signal);

console.log(await patient.call([0]));
