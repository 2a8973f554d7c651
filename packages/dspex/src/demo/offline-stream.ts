/** What of a chat completion its chunks are made of. */
interface Completion {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [{ readonly message: { readonly content: string } }];
  readonly usage: object;
}

/**
 * A completion as OpenAI's API streams it, word by word: the data of each server-sent event.
 *
 * @param asked the body of the request.
 * @returns undefined when the request wants no stream.
 */
export function streamedCompletion(asked: unknown, completion: Completion): readonly string[] | undefined {
  const { stream, stream_options: options } = asked as {
    readonly stream?: unknown;
    readonly stream_options?: { readonly include_usage?: unknown } | null;
  };
  if (stream !== true) return undefined;
  const { id, created, model, choices, usage } = completion;
  const chunk = (rest: object) =>
    JSON.stringify({ id, object: "chat.completion.chunk", created, model, ...rest });
  const delta = (fields: object, finish_reason: string | null = null) =>
    chunk({ choices: [{ index: 0, delta: fields, finish_reason }] });
  const words = choices[0].message.content.match(/\s*\S+|\s+$/g) ?? [];
  return [
    delta({ role: "assistant", content: "" }),
    ...words.map((content) => delta({ content })),
    delta({}, "stop"),
    ...(options?.include_usage === true ? [chunk({ choices: [], usage })] : []),
    "[DONE]",
  ];
}
