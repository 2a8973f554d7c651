export { bootWorker } from "./boot-worker.mjs";
export { ensureEnvironment, findEnvironment } from "./environment.mjs";
export { forkWorker } from "./fork-worker.mjs";
export { describeAttempts, findPython } from "./find-python.mjs";
export { environmentsRoot, runsRoot, writable } from "./stamps.mjs";
export { verifyEnvironment } from "./verify.mjs";
