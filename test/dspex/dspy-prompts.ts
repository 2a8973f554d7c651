/** A prompt exactly as DSPy 3.4.1 rendered it, with the values of the input fields left open. */
export type RecordedPrompt = (values: { readonly ticket: string; readonly language: string }) => {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
};

/** `dspy.Predict("ticket: str, language: str -> category: Literal[…], confidence: float")`, ChatAdapter. */
export const classifyPrompt: RecordedPrompt = ({ ticket, language }) => ({
  model: "offline-rules",
  messages: [
    {
      role: "system",
      content: `Your input fields are:
1. \`ticket\` (str): 
2. \`language\` (str):
Your output fields are:
1. \`category\` (Literal['billing', 'shipping', 'technical', 'account', 'refund']): 
2. \`confidence\` (float):
All interactions will be structured in the following way, with the appropriate values filled in.

[[ ## ticket ## ]]
{ticket}

[[ ## language ## ]]
{language}

[[ ## category ## ]]
{category}        # note: the value you produce must exactly match (no extra characters) one of: billing; shipping; technical; account; refund

[[ ## confidence ## ]]
{confidence}        # note: the value you produce must be a single float value

[[ ## completed ## ]]
In adhering to this structure, your objective is: 
        Given the fields \`ticket\`, \`language\`, produce the fields \`category\`, \`confidence\`.`,
    },
    {
      role: "user",
      content: `[[ ## ticket ## ]]
${ticket}

[[ ## language ## ]]
${language}

Respond with the corresponding output fields, starting with the field \`[[ ## category ## ]]\` (must be formatted as a valid Python Literal['billing', 'shipping', 'technical', 'account', 'refund']), then \`[[ ## confidence ## ]]\` (must be formatted as a valid Python float), and then ending with the marker for \`[[ ## completed ## ]]\`.`,
    },
  ],
});

/** `dspy.ChainOfThought` of the same signature, ChatAdapter. */
export const reasonPrompt: RecordedPrompt = ({ ticket, language }) => ({
  model: "offline-rules",
  messages: [
    {
      role: "system",
      content: `Your input fields are:
1. \`ticket\` (str): 
2. \`language\` (str):
Your output fields are:
1. \`reasoning\` (str): 
2. \`category\` (Literal['billing', 'shipping', 'technical', 'account', 'refund']): 
3. \`confidence\` (float):
All interactions will be structured in the following way, with the appropriate values filled in.

[[ ## ticket ## ]]
{ticket}

[[ ## language ## ]]
{language}

[[ ## reasoning ## ]]
{reasoning}

[[ ## category ## ]]
{category}        # note: the value you produce must exactly match (no extra characters) one of: billing; shipping; technical; account; refund

[[ ## confidence ## ]]
{confidence}        # note: the value you produce must be a single float value

[[ ## completed ## ]]
In adhering to this structure, your objective is: 
        Given the fields \`ticket\`, \`language\`, produce the fields \`category\`, \`confidence\`.`,
    },
    {
      role: "user",
      content: `[[ ## ticket ## ]]
${ticket}

[[ ## language ## ]]
${language}

Respond with the corresponding output fields, starting with the field \`[[ ## reasoning ## ]]\`, then \`[[ ## category ## ]]\` (must be formatted as a valid Python Literal['billing', 'shipping', 'technical', 'account', 'refund']), then \`[[ ## confidence ## ]]\` (must be formatted as a valid Python float), and then ending with the marker for \`[[ ## completed ## ]]\`.`,
    },
  ],
});

/** The same `ChainOfThought` after DSPy fell back to its JSONAdapter. */
export const reasonAsJsonPrompt: RecordedPrompt = ({ ticket, language }) => ({
  model: "offline-rules",
  messages: [
    {
      role: "system",
      content: `Your input fields are:
1. \`ticket\` (str): 
2. \`language\` (str):
Your output fields are:
1. \`reasoning\` (str): 
2. \`category\` (Literal['billing', 'shipping', 'technical', 'account', 'refund']): 
3. \`confidence\` (float):
All interactions will be structured in the following way, with the appropriate values filled in.

Inputs will have the following structure:

[[ ## ticket ## ]]
{ticket}

[[ ## language ## ]]
{language}

Outputs will be a JSON object with the following fields.

{
  "reasoning": "{reasoning}",
  "category": "{category}        # note: the value you produce must exactly match (no extra characters) one of: billing; shipping; technical; account; refund",
  "confidence": "{confidence}        # note: the value you produce must be a single float value"
}
In adhering to this structure, your objective is: 
        Given the fields \`ticket\`, \`language\`, produce the fields \`category\`, \`confidence\`.`,
    },
    {
      role: "user",
      content: `[[ ## ticket ## ]]
${ticket}

[[ ## language ## ]]
${language}

Respond with a JSON object in the following order of fields: \`reasoning\`, then \`category\` (must be formatted as a valid Python Literal['billing', 'shipping', 'technical', 'account', 'refund']), then \`confidence\` (must be formatted as a valid Python float).`,
    },
  ],
});

/** `dspy.Predict("ticket: str -> order_ids: list[str], dates: …, amounts: …, products: …")`, ChatAdapter. */
export const extractPrompt: RecordedPrompt = ({ ticket }) => ({
  model: "offline-rules",
  messages: [
    {
      role: "system",
      content: `Your input fields are:
1. \`ticket\` (str):
Your output fields are:
1. \`order_ids\` (list[str]): 
2. \`dates\` (list[str]): 
3. \`amounts\` (list[str]): 
4. \`products\` (list[str]):
All interactions will be structured in the following way, with the appropriate values filled in.

[[ ## ticket ## ]]
{ticket}

[[ ## order_ids ## ]]
{order_ids}        # note: the value you produce must adhere to the JSON schema: {"type": "array", "items": {"type": "string"}}

[[ ## dates ## ]]
{dates}        # note: the value you produce must adhere to the JSON schema: {"type": "array", "items": {"type": "string"}}

[[ ## amounts ## ]]
{amounts}        # note: the value you produce must adhere to the JSON schema: {"type": "array", "items": {"type": "string"}}

[[ ## products ## ]]
{products}        # note: the value you produce must adhere to the JSON schema: {"type": "array", "items": {"type": "string"}}

[[ ## completed ## ]]
In adhering to this structure, your objective is: 
        Given the fields \`ticket\`, produce the fields \`order_ids\`, \`dates\`, \`amounts\`, \`products\`.`,
    },
    {
      role: "user",
      content: `[[ ## ticket ## ]]
${ticket}

Respond with the corresponding output fields, starting with the field \`[[ ## order_ids ## ]]\` (must be formatted as a valid Python list[str]), then \`[[ ## dates ## ]]\` (must be formatted as a valid Python list[str]), then \`[[ ## amounts ## ]]\` (must be formatted as a valid Python list[str]), then \`[[ ## products ## ]]\` (must be formatted as a valid Python list[str]), and then ending with the marker for \`[[ ## completed ## ]]\`.`,
    },
  ],
});

/** `dspy.Predict("ticket: str, category: str, articles: list[str] -> answer: str, confidence: float")`, ChatAdapter. */
export const draftPrompt: RecordedPrompt = ({ ticket }) => ({
  model: "offline-rules",
  messages: [
    {
      role: "system",
      content: `Your input fields are:
1. \`ticket\` (str): 
2. \`category\` (str): 
3. \`articles\` (list[str]):
Your output fields are:
1. \`answer\` (str): 
2. \`confidence\` (float):
All interactions will be structured in the following way, with the appropriate values filled in.

[[ ## ticket ## ]]
{ticket}

[[ ## category ## ]]
{category}

[[ ## articles ## ]]
{articles}

[[ ## answer ## ]]
{answer}

[[ ## confidence ## ]]
{confidence}        # note: the value you produce must be a single float value

[[ ## completed ## ]]
In adhering to this structure, your objective is: 
        Given the fields \`ticket\`, \`category\`, \`articles\`, produce the fields \`answer\`, \`confidence\`.`,
    },
    {
      role: "user",
      content: `[[ ## ticket ## ]]
${ticket}

[[ ## category ## ]]
account

[[ ## articles ## ]]
["Zugang\\nEin neues Passwort kommt per \\"Mail\\".", "Versand\\nPakete reisen drei Tage."]

Respond with the corresponding output fields, starting with the field \`[[ ## answer ## ]]\`, then \`[[ ## confidence ## ]]\` (must be formatted as a valid Python float), and then ending with the marker for \`[[ ## completed ## ]]\`.`,
    },
  ],
});

/** The fields of a ChatAdapter reply. */
export function fieldsOf(completion: {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}): Record<string, string> {
  const content = completion.choices[0]?.message.content ?? "";
  const parts = content.split(/^\[\[ ## (\w+) ## \]\]$/m).slice(1);
  return Object.fromEntries(
    parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1]?.trim() ?? ""]] : [])),
  ) as Record<string, string>;
}
