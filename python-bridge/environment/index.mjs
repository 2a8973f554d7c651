export { bootWorker } from "./boot-worker.mjs";
export {
  ensureEnvironment,
  environmentsRoot,
  findEnvironment,
  verifyEnvironment,
  writable,
} from "./environment.mjs";
export { describeAttempts, findPython } from "./find-python.mjs";
