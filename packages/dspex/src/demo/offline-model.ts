import { http, type LmAdapter } from "@dspex/lm";
import { server, type ChildSpec } from "@dspex/supervisors";
import { createOfflineServer, type OfflineServer } from "./offline-server.ts";

/** How long the offline rules take for an answer, in milliseconds: no model is instant, and a queue should form. */
const usualLatencyMs = 20;

export interface OfflineModel {
  /** The server, as a child of the runtime's tree. */
  readonly spec: ChildSpec;
  /** Reaches whichever server the supervisor has running, over HTTP: the same way as to a real model. */
  readonly adapter: LmAdapter;
  /** Makes its answers, and those of its replacements, take so long, in milliseconds. */
  slowDown(latencyMs: number): void;
}

interface Running {
  readonly server: OfflineServer;
  readonly adapter: LmAdapter;
}

/** The offline rules, as a supervised server on loopback and the endpoint that reaches it. */
export function createOfflineModel(name: string): OfflineModel {
  let latencyMs = usualLatencyMs;
  let current: Promise<Running> | undefined;

  const start = async (): Promise<Running> => {
    const started = await createOfflineServer({ latencyMs });
    const { url, apiKey } = started;
    return { server: started, adapter: http({ model: "offline-rules", baseURL: url, apiKey }) };
  };
  const running = async (): Promise<LmAdapter> => {
    if (current === undefined) throw new Error(`The offline rules "${name}" are not running.`);
    return (await current).adapter;
  };
  return {
    adapter: {
      complete: async (request, options) => (await running()).complete(request, options),
      async *stream(request, options) {
        yield* (await running()).stream!(request, options);
      },
    },
    slowDown(toMs) {
      latencyMs = toMs;
      void current?.then(({ server: reached }) => reached.setLatencyMs(toMs));
    },
    spec: {
      id: `offline-rules-${name}`,
      start: () =>
        server<Promise<Running>, { readonly type: "failed"; readonly error: unknown }>({
          init({ self }) {
            current = start();
            current.catch((error: unknown) => self.send({ type: "failed", error }));
            return current;
          },
          receive(_started, { error }) {
            throw error;
          },
          terminate: async (started) => (await started).server.close(),
        }),
    },
  };
}
