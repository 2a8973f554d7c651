import { lmError } from "./lm-error.ts";
import type { LmConfig, LmMediaPart, LmMessage, LmPart, LmRequest, LmTool, LmToolChoice } from "./request.ts";

/** Where a request goes. */
export interface ChatTarget {
  /** For error messages: a URL without query. */
  readonly endpoint: string;
  readonly model: string;
  /**
   * How the reply's length is limited: OpenAI's own API calls it `max_completion_tokens`, and its reasoning models refuse
   * the older name; most compatible servers know only the older one.
   */
  readonly maxTokensField: "max_completion_tokens" | "max_tokens";
}

/**
 * A request as the body of OpenAI's `POST /chat/completions`. What this API has no place for is refused, never
 * dropped, but for thinking of earlier turns, which it does not take back.
 *
 * @throws ERR_LM_UNSUPPORTED_FEATURE
 */
export function chatRequest(request: LmRequest, target: ChatTarget): Record<string, unknown> {
  const { system, messages, tools = [], config = {} } = request;
  const refuse: Refuse = (feature) =>
    lmError(
      "ERR_LM_UNSUPPORTED_FEATURE",
      `${feature} cannot be sent to ${target.endpoint}: a chat completion has no place for it.`,
      {
        endpoint: target.endpoint,
      },
    );
  return {
    ...config.extensions,
    model: target.model,
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: textOf(system, refuse) }]),
      ...messages.flatMap((message) => chatMessages(message, refuse)),
    ],
    ...(tools.length === 0 ? {} : { tools: tools.map((tool) => chatTool(tool, refuse)) }),
    ...parameters(config, target, refuse),
  };
}

type Refuse = (feature: string) => Error;

function chatMessages({ role, parts }: LmMessage, refuse: Refuse): object[] {
  switch (role) {
    case "user":
      return [{ role, content: content(parts, refuse) }];
    case "developer":
      return [{ role: "system", content: textOf(parts, refuse) }];
    case "assistant": {
      const calls = parts.filter((part) => part.type === "tool_call");
      const text = parts.filter((part) => part.type !== "tool_call" && part.type !== "thinking");
      return [
        {
          role,
          content: text.length === 0 ? null : textOf(text, refuse),
          ...(calls.length === 0
            ? {}
            : {
                tool_calls: calls.map(({ id, name, input }) => ({
                  id,
                  type: "function",
                  function: { name, arguments: JSON.stringify(input) },
                })),
              }),
        },
      ];
    }
    case "tool":
      return parts.map((part) => {
        if (part.type !== "tool_result") throw refuse(`A part of type ${part.type} in a tool message`);
        const text = textOf(part.content, refuse);
        return { role, tool_call_id: part.id, content: part.is_error === true ? `[error] ${text}` : text };
      });
  }
}

function content(parts: readonly LmPart[], refuse: Refuse): string | object[] {
  if (parts.every((part) => part.type === "text")) return textOf(parts, refuse);
  return parts.map((part) => {
    if (part.type === "text") return { type: "text", text: part.text };
    if (part.type === "image") return image(part, refuse);
    throw refuse(`A part of type ${part.type} in a user message`);
  });
}

function image({ media_type, data, url, detail }: LmMediaPart, refuse: Refuse): object {
  const source = url ?? (data === undefined ? undefined : `data:${media_type};base64,${data}`);
  if (source === undefined) throw refuse("An image that is neither data nor a URL");
  return { type: "image_url", image_url: { url: source, ...(detail === undefined ? {} : { detail }) } };
}

/** The text of parts, one below the other. */
function textOf(parts: string | readonly LmPart[], refuse: Refuse): string {
  if (typeof parts === "string") return parts;
  return parts
    .map((part) => {
      if (part.type === "text" || part.type === "refusal") return part.text;
      throw refuse(`A part of type ${part.type} in place of text`);
    })
    .join("\n");
}

function chatTool(tool: LmTool, refuse: Refuse): object {
  if (tool.type === "builtin") throw refuse(`The builtin tool "${tool.name}"`);
  const { type, name, description, parameters } = tool;
  return { type, function: { name, ...(description === undefined ? {} : { description }), parameters } };
}

/** Parameters of the same name and meaning on both sides. */
const same = [
  "temperature",
  "top_p",
  "top_k",
  "stop",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "service_tier",
  "store",
] as const satisfies readonly (keyof LmConfig)[];

function parameters(config: LmConfig, target: ChatTarget, refuse: Refuse): Record<string, unknown> {
  for (const name of ["cache", "probabilities"] as const)
    if (config[name] !== undefined) throw refuse(`The parameter "${name}"`);
  const body: Record<string, unknown> = {};
  for (const name of same) if (config[name] !== undefined) body[name] = config[name];
  if (config.max_tokens !== undefined) body[target.maxTokensField] = config.max_tokens;
  if (config.user_id !== undefined) body["user"] = config.user_id;
  if (config.logprobs !== undefined) body["logprobs"] = true;
  if (config.logprobs !== undefined && config.logprobs > 0) body["top_logprobs"] = config.logprobs;
  if (config.tool_choice !== undefined) Object.assign(body, toolChoice(config.tool_choice));
  if (config.response_format?.type === "json_object") body["response_format"] = config.response_format;
  if (config.response_format?.type === "json_schema") {
    const { type, name = "response", ...schema } = config.response_format;
    body["response_format"] = { type, json_schema: { name, ...schema } };
  }
  if (config.reasoning !== undefined) {
    const { effort, thinking_budget, summary } = config.reasoning;
    if (thinking_budget !== undefined || summary !== undefined) throw refuse("A thinking budget or summary");
    if (effort !== undefined) body["reasoning_effort"] = effort === "off" ? "none" : effort;
  }
  return body;
}

function toolChoice({ mode = "auto", allowed = [], parallel }: LmToolChoice): object {
  const tools = allowed.map((name) => ({ type: "function", function: { name } }));
  return {
    tool_choice:
      mode === "none" || tools.length === 0
        ? mode
        : mode === "required" && tools.length === 1
          ? tools[0]
          : { type: "allowed_tools", allowed_tools: { mode, tools } },
    ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
  };
}
