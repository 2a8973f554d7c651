export {
  startApplication,
  type Application,
  type ApplicationOptions,
  type Inspector,
} from "./application.ts";
export { ask, isAlive, type AskOptions } from "./ask.ts";
export {
  checkChildSpecs,
  type AutoShutdown,
  type ChildSpec,
  type ChildStart,
  type ResolvedChildSpec,
  type Restart,
  type Shutdown,
  type StartScope,
} from "./child-spec.ts";
export type { SupervisorErrorCodes, SupervisorRefusal } from "./errors.ts";
export { isErrorExit, isNormalExit, type ExitOutput, type ExitReason } from "./exit-reason.ts";
export {
  countChildren,
  deleteChild,
  getChildSpec,
  kill,
  restartChild,
  startChild,
  terminateChild,
  whichChildren,
} from "./management.ts";
export type { ShutdownEvent } from "./protocol.ts";
export { createRegistry, type Registry } from "./registry.ts";
export type { Reply } from "./reply.ts";
export type { ReportSink, SupervisorReport } from "./report.ts";
export type { DeadLetter, Delivery } from "./run-queue.ts";
export {
  exit,
  server,
  type Exit,
  type ServerLogic,
  type ServerOptions,
  type ServerScope,
  type ServerSnapshot,
} from "./server.ts";
export type { ChildCounts, ChildInfo } from "./supervisor-calls.ts";
export type { DynamicSupervisorOptions, SupervisorOptions } from "./supervisor-options.ts";
export {
  dynamicSupervisor,
  dynamicSupervisorSpec,
  supervisor,
  supervisorSpec,
  type SupervisorLogic,
  type SupervisorPlace,
} from "./supervisor.ts";
export type { Surroundings } from "./surroundings.ts";
export type { TreeNode } from "./tree.ts";
