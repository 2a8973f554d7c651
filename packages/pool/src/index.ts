export type { CallMeta, CallOutcome, CallRequest } from "./call.ts";
export type { PoolErrorCodes } from "./errors.ts";
export type { PoolEvents } from "./events.ts";
export { guardianSpec, type GuardianOptions } from "./guardian.ts";
export { resolvePoolOptions, type PoolOptions, type ResolvedPoolOptions } from "./options.ts";
export { spawnProcess, type OsProcess, type OsProcessExit, type SpawnProcess } from "./os-process.ts";
export { createPool, type Pool, type PoolPorts, type WorkerStatus } from "./pool.ts";
export { createProcessLedger, type MirroredLedger, type ProcessLedger } from "./process-ledger.ts";
export type { Upcall, UpcallHandler } from "./upcall.ts";
