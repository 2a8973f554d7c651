import { peerPackage, peerPython, pythonPrograms } from "./environment.ts";
import type { Peer } from "./peer.ts";

interface PythonShell {
  send(message: unknown): void;
  on(event: "message", listener: (message: unknown) => void): void;
  end(done: () => void): void;
}

interface PythonShellModule {
  readonly PythonShell: new (program: string, options: object) => PythonShell;
}

/** JSON lines over stdio, as python-shell has them: answers come in the order of the questions. */
export async function startJsonLines(): Promise<Peer> {
  const { PythonShell } = (await peerPackage("python-shell")) as PythonShellModule;
  const shell = new PythonShell("json_lines_echo.py", {
    mode: "json",
    pythonPath: await peerPython(),
    scriptPath: pythonPrograms,
  });
  const waiting: ((message: unknown) => void)[] = [];
  shell.on("message", (message) => waiting.shift()!(message));
  return {
    name: "JSON lines (python-shell)",
    call: (value) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        shell.send(value);
      }),
    stop: () => new Promise((resolve) => shell.end(() => resolve())),
  };
}
