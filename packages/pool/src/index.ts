export { resolveAffinity, type Affinity, type AffinityMode } from "./affinity.ts";
export type { Birth } from "./birth.ts";
export type { CallMeta, CallOutcome, CallRequest } from "./call.ts";
export type { CrashReason, PoolErrorCodes } from "./errors.ts";
export type { PoolEvents } from "./events.ts";
export { priorities } from "./fair-queue.ts";
export { guardianSpec, type GuardianOptions } from "./guardian.ts";
export { ItemStream, streamCredits } from "./item-stream.ts";
export type { Verdict } from "./liveness.ts";
export {
  resolvePoolOptions,
  type PoolChanges,
  type PoolOptions,
  type ResolvedPoolOptions,
  type SizeBounds,
} from "./options.ts";
export { spawnProcess, type OsProcess, type OsProcessExit, type SpawnProcess } from "./os-process.ts";
export { createPool, type Pool, type PoolPorts, type WorkerStatus } from "./pool.ts";
export { createProcessLedger, type MirroredLedger, type ProcessLedger } from "./process-ledger.ts";
export { readProcess, type ProcessState, type ReadProcess } from "./process-state.ts";
export { registerRun } from "./run-registry.ts";
export type { AskingCall, Upcall, UpcallHandler } from "./upcall.ts";
