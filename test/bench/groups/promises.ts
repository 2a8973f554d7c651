import { scripted, signature, startRuntime } from "dspex";
import { once, type Trial } from "../row.ts";
import { quantile } from "../statistics.ts";

const perSecond = 1_000;
const seconds = 60;
const killEveryMs = 10_000;
/** After a kill, the tail of the latencies is not counted for so long. */
const recoveryMs = 1_000;

interface Answer {
  readonly dueMs: number;
  readonly latencyMs: number;
  readonly correct: boolean;
}

/**
 * What the original promised, all at once: so many requests a second are offered, whether or not those before them are answered, while
 * workers are killed. A request's time counts from the moment at which it was due, so one that a stall delays is seen, too.
 */
export const promises: Trial = {
  name: "promises",
  async run() {
    await using runtime = await startRuntime({
      lm: {
        default: scripted(({ messages }) => {
          const number = /number (\d+)/.exec(JSON.stringify(messages.at(-1)))?.[1] ?? "";
          return `[[ ## answer ## ]]\n${number}\n\n[[ ## completed ## ]]`;
        }),
      },
      pools: { promised: { size: 2 } },
    });
    const program = runtime.program(signature("question -> answer"));
    const ask = async (number: number): Promise<boolean> => {
      const outcome = await program.tryCall(
        { question: `Which number? number ${number}` },
        { idempotent: true, timeoutMs: 10_000 },
      );
      return outcome.ok && outcome.value.answer === String(number);
    };
    // Each worker makes the program at its first call.
    await Promise.all(Array.from({ length: 256 }, (_, number) => ask(number)));

    const startedAt = performance.now();
    const sinceStart = (): number => performance.now() - startedAt;
    const kills: number[] = [];
    const killing = setInterval(() => {
      const workers = runtime.workers();
      const victim = workers[kills.length % workers.length];
      kills.push(sinceStart());
      if (victim !== undefined) process.kill(victim.pid, "SIGKILL");
    }, killEveryMs);
    const cpuBefore = process.cpuUsage();

    const answers: Promise<Answer>[] = [];
    const total = perSecond * seconds;
    while (answers.length < total) {
      const due = Math.min(total, Math.floor((sinceStart() * perSecond) / 1_000));
      while (answers.length < due) {
        const number = answers.length;
        const dueMs = (number * 1_000) / perSecond;
        answers.push(ask(number).then((correct) => ({ dueMs, latencyMs: sinceStart() - dueMs, correct })));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    clearInterval(killing);
    const offeredPerSecond = (total * 1_000) / sinceStart();
    const settled = await Promise.all(answers);
    const { user, system } = process.cpuUsage(cpuBefore);

    const correct = settled.filter((answer) => answer.correct).length;
    const calm = settled.filter(({ dueMs }) =>
      kills.every((kill) => dueMs < kill || dueMs > kill + recoveryMs),
    );
    const p99 = quantile(
      calm.map(({ latencyMs }) => latencyMs),
      0.99,
    );
    return {
      figures: [
        once("offered to two workers", "calls/s", offeredPerSecond, { at: "least", ratio: perSecond * 0.99 }),
        once("answered correctly", "%", (correct / total) * 100, { at: "least", ratio: 99.9 }),
        once("p99 outside the second after a kill", "ms", p99, { at: "most", ratio: 100 }),
        once("CPU of Node per call", "µs", (user + system) / total),
      ],
      summary: `${total} offered, ${correct} correct, p99 ${Math.round(p99)} ms outside kills`,
    };
  },
};
