import { invalidOption } from "@dspex/core";

/** A field of a DSPy signature, as its prompt prints it. */
interface PromptField {
  readonly name: string;
  /** DSPy's spelling: `str`, `float`, `Literal['a', 'b']`, … */
  readonly type: string;
}

/** What a prompt of DSPy's ChatAdapter or JSONAdapter asks for. */
export interface Prompt {
  /** Input field → its value in the last user message; lists apart. */
  readonly inputs: ReadonlyMap<string, string>;
  /** Input field of type `list[str]` → its items. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly outputs: readonly PromptField[];
  /** The reply has to be one JSON object (JSONAdapter, to which DSPy falls back when it could not parse a reply). */
  readonly json: boolean;
}

/**
 * Reads the body of a chat completion request that DSPy rendered: fields and types from the system message, values from
 * the last user message. Earlier turns (demos, history) do not matter to rules.
 *
 * @throws ERR_INVALID_OPTION when the body is no such request.
 */
export function readPrompt(body: unknown): Prompt {
  const messages = property(body, "messages");
  if (!Array.isArray(messages)) throw invalidOption("messages", messages, "an array of messages");
  const system = textOf(messages.find((message) => property(message, "role") === "system"));
  const user = textOf(messages.findLast((message) => property(message, "role") === "user"));
  const outputs = fieldsAfter("Your output fields are:", system);
  if (outputs.length === 0)
    throw invalidOption("messages", system, "a prompt that lists DSPy's output fields");

  const requirements = user.lastIndexOf("Respond with ");
  const [, ...parts] = user
    .slice(0, requirements === -1 ? undefined : requirements)
    .split(/^\[\[ ## (\w+) ## \]\]$/m);
  const inputs = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  for (const { name, type } of fieldsAfter("Your input fields are:", system)) {
    if (type === "History") continue; // rendered as earlier turns
    const header = parts.lastIndexOf(name);
    if (header === -1) throw invalidOption("messages", user, `a prompt with a value for the field ${name}`);
    const value = (parts[header + 1] ?? "").trim();
    if (type === "list[str]") lists.set(name, readList(name, value));
    else inputs.set(name, value);
  }
  const format = property(property(body, "response_format"), "type");
  return {
    inputs,
    lists,
    outputs,
    json: (format !== undefined && format !== "text") || user.startsWith("Respond with a JSON", requirements),
  };
}

/** The classes of a type that DSPy printed, in its order; undefined for any other type. */
export function literalsOf(type: string): readonly string[] | undefined {
  const inside = /^Literal\[(.*)\]$/s.exec(type)?.[1];
  // Python prints a string in single quotes, in double quotes when it holds a single one; other literals bare.
  return inside
    ?.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,]+/g)
    ?.map((literal) => (/^['"]/.test(literal) ? literal.slice(1, -1).replace(/\\(.)/g, "$1") : literal));
}

/** What an output field can be filled with. */
export type FieldValue = string | number | readonly string[];

/** The reply as DSPy's adapter of this prompt parses it: lists as JSON. */
export function renderReply(prompt: Prompt, values: ReadonlyMap<string, FieldValue>): string {
  if (prompt.json) return JSON.stringify(Object.fromEntries(values));
  const sections = Array.from(values, ([name, value]) => {
    const written = typeof value === "object" ? JSON.stringify(value) : value;
    return `[[ ## ${name} ## ]]\n${written}`;
  });
  return [...sections, "[[ ## completed ## ]]"].join("\n\n");
}

/** DSPy prints a list as JSON. */
function readList(name: string, value: string): string[] {
  try {
    const list: unknown = JSON.parse(value);
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // Falls through: what cannot be read is refused below.
  }
  throw invalidOption(name, value, "a list of texts in JSON");
}

function fieldsAfter(heading: string, system: string): PromptField[] {
  const start = system.indexOf(heading);
  if (start === -1) return [];
  const lines =
    system.slice(start + heading.length).split(/\n(?=Your output fields|All interactions)/, 1)[0] ?? "";
  return Array.from(lines.matchAll(/^\d+\. `(\w+)` \((.+?)\):/gm), ([, name = "", type = ""]) => ({
    name,
    type,
  }));
}

/** The text of a message: a string, or OpenAI's list of parts. */
function textOf(message: unknown): string {
  const content = property(message, "content");
  if (typeof content === "string") return content;
  if (!Array.isArray(content))
    throw invalidOption("messages", message, "a system and a user message with text");
  return content
    .map((part: unknown) => property(part, "text"))
    .filter((text) => typeof text === "string")
    .join("\n");
}

function property(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
