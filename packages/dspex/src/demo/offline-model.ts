import { http, type LmAdapter } from "@dspex/lm";
import { server, type ChildSpec } from "@dspex/supervisors";
import { createOfflineServer, type OfflineServer } from "./offline-server.ts";

/** How long the offline rules take for an answer, in milliseconds: no model is instant, and a queue should form. */
const latencyMs = 20;

export interface OfflineModel {
  /** The server, as a child of the runtime's tree. */
  readonly spec: ChildSpec;
  /** Reaches whichever server the supervisor has running, over HTTP: the same way as to a real model. */
  readonly adapter: LmAdapter;
}

/** The offline rules, as a supervised server on loopback and the endpoint that reaches it. */
export function createOfflineModel(): OfflineModel {
  let current: Promise<LmAdapter> | undefined;
  return {
    adapter: {
      async complete(request, options) {
        if (current === undefined) throw new Error("The offline rules are not running.");
        return (await current).complete(request, options);
      },
    },
    spec: {
      id: "offline-rules",
      start: () =>
        server<Promise<OfflineServer>, { readonly type: "failed"; readonly error: unknown }>({
          init({ self }) {
            const listening = createOfflineServer({ latencyMs });
            listening.catch((error: unknown) => self.send({ type: "failed", error }));
            current = listening.then(({ url, apiKey }) =>
              http({ model: "offline-rules", baseURL: url, apiKey }),
            );
            current.catch(() => {});
            return listening;
          },
          receive(_listening, { error }) {
            throw error;
          },
          terminate: async (listening) => (await listening).close(),
        }),
    },
  };
}
