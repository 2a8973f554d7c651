import {
  createId,
  DspexError,
  durationOption,
  integerOption,
  invalidOption,
  messageOf,
  systemClock,
  type Clock,
} from "@dspex/core";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { finished } from "node:stream/promises";
import { answerOffline } from "./offline-rules.ts";
import { streamedCompletion } from "./offline-stream.ts";

export interface OfflineServerOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. @default 0 */
  readonly port?: number;
  /** The bearer token that callers have to send (G11). @default a random one */
  readonly apiKey?: string;
  /** How long an answer takes, in milliseconds; a streamed one comes in pieces over this time. @default 0 */
  readonly latencyMs?: number;
  /** @default the system's clock */
  readonly clock?: Clock;
}

/** The offline rules behind OpenAI's HTTP interface, on loopback. No language model. */
export interface OfflineServer extends AsyncDisposable {
  /** The base URL for an OpenAI client: `http://127.0.0.1:<port>/v1`. */
  readonly url: string;
  readonly apiKey: string;
  /** How many requests were answered with a completion. */
  requests(): number;
  /** Changes how long answers take, in milliseconds, from the next request on. */
  setLatencyMs(latencyMs: number): void;
  /** Stops listening, answers at once what waits for its latency, closes every connection. Idempotent. */
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  /** The data of server-sent events to send in place of the body. */
  readonly events?: readonly string[];
}

/** A prompt has some kilobytes; what a body has beyond this is read and dropped (G4). */
const maxBodyBytes = 1_048_576;

/**
 * Starts the server; resolves when it listens.
 *
 * @throws ERR_INVALID_OPTION for a bad option, Node's own error (`EADDRINUSE`) when it cannot listen.
 */
export async function createOfflineServer(options: OfflineServerOptions = {}): Promise<OfflineServer> {
  const port = integerOption("port", options.port, { default: 0, min: 0 });
  let latencyMs = durationOption("latencyMs", options.latencyMs, { default: 0 });
  const { apiKey = createId("offline"), clock = systemClock } = options;
  const waiting = new Set<() => void>();
  const answering = new Set<Promise<void>>();
  let completions = 0;
  let closing: Promise<void> | undefined;

  const wait = (delayMs: number) =>
    new Promise<void>((resolve) => {
      if (delayMs <= 0 || closing) return resolve();
      const release = () => {
        timer.cancel();
        waiting.delete(release);
        resolve();
      };
      const timer = clock.setTimeout(release, delayMs);
      waiting.add(release);
    });

  const answer = ({ url, method, headers }: IncomingMessage, text: string | undefined): Reply => {
    if (url !== "/v1/chat/completions") return failure(404, `Offline rules have no ${url}.`);
    if (method !== "POST") return failure(405, `Use POST instead of ${method}.`);
    if (headers.authorization !== `Bearer ${apiKey}`) return failure(401, "The API key is missing or wrong.");
    if (text === undefined) return failure(413, `The body is longer than ${maxBodyBytes} bytes.`);
    try {
      const asked = parseJson(text);
      const created = Math.floor(Date.now() / 1000);
      const body = { id: createId("chatcmpl"), created, ...answerOffline(asked) };
      const events = streamedCompletion(asked, body);
      return { status: 200, body, ...(events === undefined ? {} : { events }) };
    } catch (error) {
      return failure(DspexError.is(error, "ERR_INVALID_OPTION") ? 400 : 500, messageOf(error));
    }
  };

  const deliver = async (response: ServerResponse, { status, body, events }: Reply): Promise<void> => {
    const startedAtMs = clock.now();
    const takesMs = status === 200 ? latencyMs : 0;
    const pieces = events?.map((data) => `data: ${data}\n\n`) ?? [JSON.stringify(body)];
    for (const [index, piece] of pieces.entries()) {
      await wait(startedAtMs + (takesMs * (index + 1)) / pieces.length - clock.now());
      if (response.destroyed) return; // the caller has left
      if (!response.headersSent)
        response.writeHead(status, { "content-type": events ? "text/event-stream" : "application/json" });
      response.write(piece);
    }
    if (status === 200) completions += 1;
    response.end();
    await finished(response);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readBody(request);
    const answered = deliver(response, answer(request, text));
    answering.add(answered);
    await answered.finally(() => answering.delete(answered));
  };

  // It rejects only when the client has left: nobody is there to be told.
  const server = createServer(
    (request, response) => void serve(request, response).catch(() => response.destroy()),
  );
  server.listen(port, "127.0.0.1");
  await once(server, "listening");

  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const release of waiting) release();
    await Promise.allSettled(answering);
    server.closeAllConnections();
    await closed;
  };
  const closeOnce = () => (closing ??= close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    apiKey,
    requests: () => completions,
    setLatencyMs(value) {
      latencyMs = durationOption("latencyMs", value, { default: 0 });
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** An error body as OpenAI's API has them. */
function failure(status: number, message: string): Reply {
  const type = status === 500 ? "server_error" : "invalid_request_error";
  return { status, body: { error: { message, type, param: null, code: null } } };
}

/** The body; undefined when it is too long. Rejects when the client leaves before its end. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
  }
  return size <= maxBodyBytes ? Buffer.concat(chunks).toString() : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidOption("body", text, "JSON");
  }
}
