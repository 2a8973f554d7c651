import path from "node:path";
import { pythonPrograms } from "./environment.ts";
import { type HttpService, startHttpService, startUvicorn } from "./http-service.ts";
import type { Peer } from "./peer.ts";

function echoing(name: string, { post, stop }: HttpService): Peer {
  return { name, call: (value) => post("/echo", value), stop };
}

export async function startAsgi(connections: number): Promise<Peer> {
  return echoing("bare ASGI", await startUvicorn("asgi_app:app", connections));
}

export async function startAiohttp(connections: number): Promise<Peer> {
  const program = path.join(pythonPrograms, "aiohttp_echo.py");
  return echoing("aiohttp", await startHttpService((port) => [program, `${port}`], connections));
}
