import { styleText } from "node:util";

const REDRAW_MS = 120;
/** Without a terminal a long step says every so often that it is still at work. */
const STILL_MS = 15_000;

/**
 * Shows steps, one line each with the seconds it took, on `stream`. On a terminal the line of the running step is
 * redrawn in place with its newest detail; elsewhere it is written once, when the step has ended.
 */
export function createProgress({ stream = process.stderr, env = process.env } = {}) {
  const live = stream.isTTY === true && env.TERM !== "dumb";
  const paint = (style, text) => (live && !env.NO_COLOR ? styleText(style, text) : text);
  let running;

  const seconds = () => `${((performance.now() - running.since) / 1000).toFixed(1)} s`;
  const redraw = () => {
    const line = `… ${running.name}  ${running.detail} (${seconds()})`;
    stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  const end = (mark, detail) => {
    clearInterval(running.timer);
    if (live) stream.write("\r\u001b[K");
    stream.write(`${mark} ${running.name}  ${detail} ${paint("dim", `(${seconds()})`)}\n`);
    running = undefined;
  };

  const progress = {
    start(name, detail) {
      running = { name, detail, since: performance.now() };
      const tick = live
        ? redraw
        : () => stream.write(`… ${running.name}  still ${running.detail.slice(0, 80)} (${seconds()})\n`);
      running.timer = setInterval(tick, live ? REDRAW_MS : STILL_MS).unref();
    },
    update(detail) {
      running.detail = detail;
    },
    finish(detail) {
      end(paint("green", "✓"), detail);
    },
    /** Ends the step that was under way when something failed, if any was. */
    fail() {
      if (running !== undefined) end(paint("red", "✗"), running.detail);
    },
    /** Listens to the set-up of the Python environment. */
    onEnvironment({ step, state, detail }) {
      if (state === "started") progress.start(step, detail);
      else if (state === "finished") progress.finish(detail);
      else progress.update(detail);
    },
  };
  return progress;
}

/** Writes an error: what is wrong, what to do, and what was tried. */
export function reportProblem({ problem, log = [], remedy }, { stream = process.stderr } = {}) {
  stream.write([`✗ ${problem}`, ...log.map((line) => `    ${line}`), `  → ${remedy}`, ""].join("\n"));
}
