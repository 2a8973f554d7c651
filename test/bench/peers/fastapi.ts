import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { ensureEnvironment } from "@dspex/python-bridge/environment";
import { Pool } from "undici";

export interface HttpPeer {
  /** Posts JSON and returns the parsed answer. */
  post(path: string, body: unknown): Promise<unknown>;
  /** Reads server-sent events, parsed. */
  events(path: string): AsyncIterable<unknown>;
  stop(): Promise<void>;
}

/** FastAPI on uvicorn with its usual extras (uvloop, httptools), one process, called with undici over kept-alive connections. */
export async function startFastApi(connections: number): Promise<HttpPeer> {
  const { python } = await ensureEnvironment({
    lockFile: path.join(import.meta.dirname, "requirements.lock"),
    imports: ["fastapi", "uvicorn"],
    onProgress: ({ step, detail, state }) => state === "finished" && console.error(`peer: ${step} ${detail}`),
  });
  const port = await freePort();
  const service = spawn(
    python,
    [
      "-m",
      "uvicorn",
      "fastapi_app:app",
      "--app-dir",
      import.meta.dirname,
      "--port",
      String(port),
      "--log-level",
      "warning",
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const exited = once(service, "exit");
  const client = new Pool(`http://127.0.0.1:${port}`, { connections });
  const post = async (route: string, body: unknown): Promise<unknown> => {
    const response = await client.request({
      path: route,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.body.json();
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      await post("/echo", {});
      break;
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
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
      service.kill("SIGTERM");
      await exited;
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
