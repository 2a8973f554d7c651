import { isDeepStrictEqual } from "node:util";
import { scripted, signature, type DspexError, type Runtime } from "dspex";

/** What one call came to: `undefined` for the right value. */
export type Failure = DspexError | string | undefined;

/** One call of the soak, by what is asked. Its number makes every answer one of its own. */
type Task = (number: number) => Promise<Failure>;

/** The model of the soak: answers with the number that it is asked for. */
export const model = scripted(({ messages }) => {
  const asked = /number (\d+)/.exec(JSON.stringify(messages.at(-1)))?.[1] ?? "";
  return `[[ ## answer ## ]]\n${asked}\n\n[[ ## completed ## ]]`;
});

/** Every kind of call that a worker takes: both lanes, streams, tools, a DSPy program. */
export function tasksOf(runtime: Runtime): readonly Task[] {
  const echo = runtime.pythonFunction<[unknown], unknown>("dspex_bridge.builtins:echo");
  const echoAsync = runtime.pythonFunction<[unknown], unknown>("dspex_bridge.builtins:echo_async");
  const double = runtime.pythonFunction<[number], number>("soak_functions:ask_for_double");
  const count = runtime.pythonFunction<[number], null, number>("soak_functions:count");
  const program = runtime.program(signature("question -> answer"));
  const expecting = async (
    expected: unknown,
    outcome: Promise<{ ok: true; value: unknown } | { ok: false; error: DspexError }>,
  ): Promise<Failure> => {
    const settled = await outcome;
    if (!settled.ok) return settled.error;
    return isDeepStrictEqual(settled.value, expected)
      ? undefined
      : `${JSON.stringify(settled.value)} in place of ${JSON.stringify(expected)}`;
  };
  return [
    (number) => expecting([number, "ä"], echo.tryCall([[number, "ä"]])),
    (number) => expecting({ number }, echoAsync.tryCall([{ number }], { idempotent: true })),
    (number) => expecting(2 * number, double.tryCall([number])),
    (number) =>
      expecting({ answer: String(number) }, program.tryCall({ question: `Which number? number ${number}` })),
    async (number) => {
      const items: number[] = [];
      const stream = count.stream([number]);
      try {
        for await (const item of stream) items.push(item);
      } catch {
        // The outcome says it, too.
      }
      const expected = Array.from({ length: 20 }, (_, index) => number + index);
      const failure = await expecting(null, stream.outcome);
      if (failure !== undefined) return failure;
      return isDeepStrictEqual(items, expected) ? undefined : `items ${items.join(" ")} from ${number} on`;
    },
  ];
}
