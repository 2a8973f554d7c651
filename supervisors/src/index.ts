export {
  startApplication,
  type Application,
  type ApplicationOptions,
  type Inspector,
} from "./application.ts";
export { isAlive } from "./alive.ts";
export { ask, type AskOptions } from "./ask.ts";
export {
  checkChildSpecs,
  type AutoShutdown,
  type ChildSpec,
  type ChildStart,
  type OnRestart,
  type ResolvedChildSpec,
  type Restart,
  type Shutdown,
  type StartScope,
} from "./child-spec.ts";
export type { SupervisorErrorCodes, SupervisorRefusal } from "./errors.ts";
export { isErrorExit, isNormalExit, type ExitOutput, type ExitReason } from "./exit-reason.ts";
export type { LifeCycleEvent } from "./life-cycle.ts";
export type { MailboxOptions, Overflow } from "./mailbox.ts";
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
export type { ChildReport, ReportSink, SupervisorReport } from "./report.ts";
export { formatReport, type ReportFormat } from "./report-text.ts";
export type { DeadLetter } from "./run-queue.ts";
export { cancelVia, sendVia, type SendViaOptions } from "./send-via.ts";
export {
  exit,
  server,
  type Exit,
  type ServerLogic,
  type ServerOptions,
  type ServerScope,
  type ServerSnapshot,
} from "./server.ts";
export { stopOnSignals } from "./stop-on-signals.ts";
export { noreply, type Next, type NoReply } from "./server-next.ts";
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
export type { SupervisorInput } from "./surroundings.ts";
export type { TreeNode } from "./tree.ts";
