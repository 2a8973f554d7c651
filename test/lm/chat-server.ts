import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server saw it. */
export interface Seen {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

export interface ChatServer extends AsyncDisposable {
  readonly baseURL: string;
  readonly seen: readonly Seen[];
  /** Requests whose client hung up before they were answered. */
  readonly hungUp: number;
}

/** A real HTTP server on loopback; `answer` gets every request after its body was read. */
export async function startChatServer(
  answer: (response: ServerResponse, request: Seen) => void | Promise<void>,
): Promise<ChatServer> {
  const seen: Seen[] = [];
  let hungUp = 0;
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) hungUp += 1;
    });
    void (async () => {
      let text = "";
      for await (const chunk of request) text += chunk;
      const entry: Seen = {
        url: request.url ?? "",
        headers: request.headers,
        body: JSON.parse(text) as Record<string, unknown>,
      };
      seen.push(entry);
      await answer(response, entry);
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen,
    get hungUp() {
      return hungUp;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Begins an answer of server-sent events. */
export function eventStream(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
}

/** Lets the event loop turn once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The smallest chat completion. */
export function completion(message: object, rest: object = {}): object {
  return { id: "c1", model: "m-2", choices: [{ index: 0, message, finish_reason: "stop" }], ...rest };
}
