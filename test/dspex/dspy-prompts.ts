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
