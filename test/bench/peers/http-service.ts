import { once } from "node:events";
import { createServer } from "node:net";
import { Pool } from "undici";
import { peerPython, pythonPrograms } from "./environment.ts";
import { answers, startProgram } from "./peer.ts";

/** A Python service, one process, called with undici over kept-alive connections. */
export interface HttpService {
  /** Posts JSON and returns the parsed answer. */
  readonly post: (path: string, body: unknown) => Promise<unknown>;
  /** Reads server-sent events, parsed. */
  readonly events: (path: string) => AsyncIterable<unknown>;
  readonly stop: () => Promise<void>;
}

/** An ASGI application on uvicorn with its usual extras (uvloop, httptools). */
export function startUvicorn(
  app: string,
  connections: number,
  env: NodeJS.ProcessEnv = {},
): Promise<HttpService> {
  const args = ["-m", "uvicorn", app, "--app-dir", pythonPrograms, "--log-level", "warning"];
  return startHttpService((port) => [...args, "--port", `${port}`], connections, env);
}

/** `args` make the interpreter of the peers serve on a port of the loopback interface, and answer `POST /echo`. */
export async function startHttpService(
  args: (port: number) => readonly string[],
  connections: number,
  env: NodeJS.ProcessEnv = {},
): Promise<HttpService> {
  const port = await freePort();
  const service = startProgram([await peerPython(), ...args(port)], { env });
  const client = new Pool(`http://127.0.0.1:${port}`, { connections });
  const post = async (route: string, body: unknown): Promise<unknown> => {
    const response = await client.request({
      path: route,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.statusCode !== 200)
      throw new Error(`${route}: ${response.statusCode} ${await response.body.text()}`);
    return response.body.json();
  };
  await answers(() => post("/echo", {}));
  return {
    post,
    async *events(route) {
      const { body } = await client.request({ path: route, method: "GET" });
      let text = "";
      for await (const chunk of body.setEncoding("utf8") as AsyncIterable<string>) {
        text += chunk;
        const events = text.split("\n\n");
        text = events.pop()!;
        for (const event of events) yield JSON.parse(event.slice("data: ".length));
      }
    },
    async stop() {
      await client.close();
      await service.stop();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
