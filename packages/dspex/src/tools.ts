import { DspexError } from "@dspex/core";
import type { AskingCall, Upcall } from "@dspex/pool";

/**
 * A function of yours that Python code calls by its name, `host.call_tool("search", query="…")` of `dspex_bridge`: with the keyword arguments,
 * plain data. It returns plain data, or a promise of it; what it throws is raised in Python as `host.HostError`.
 *
 * @param asking the call that waits for the answer. A tool that calls Python in turn passes it on, `fn.call([…], { within: asking })`: else
 * that call may wait for a worker that waits for it.
 */
export type Tool = (args: Readonly<Record<string, unknown>>, asking: AskingCall) => unknown;

/** Runs the tool that an upcall names. */
export async function runTool(tools: Readonly<Record<string, Tool>>, upcall: Upcall): Promise<unknown> {
  const { name, arguments: args } = upcall.payload as {
    readonly name: string;
    readonly arguments: Readonly<Record<string, unknown>>;
  };
  const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
  if (tool === undefined)
    throw new DspexError(
      "ERR_INVALID_OPTION",
      `Python called the tool "${name}", which this runtime does not have.`,
      {
        details: { option: "tools", received: name },
      },
    );
  return tool(args, upcall);
}
