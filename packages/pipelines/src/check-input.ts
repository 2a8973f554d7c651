import { DspexError, show } from "@dspex/core";
import type { SchemaIssue, StandardSchema } from "./standard-schema.ts";

/**
 * The input as the schema gives it back, which may have changed it.
 *
 * @throws DspexError `ERR_INVALID_INPUT` for the first issue.
 */
export async function checkInput(pipeline: string, schema: StandardSchema, input: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(input);
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  const field = fieldOf(issue);
  const expected = issue?.message ?? "a value that the schema accepts";
  throw new DspexError(
    "ERR_INVALID_INPUT",
    `The input of pipeline "${pipeline}" does not fit its schema${field === "" ? "" : ` at ${field}`}: ${expected}`,
    { details: { field, expected, received: show(input) } },
  );
}

function fieldOf(issue: SchemaIssue | undefined): string {
  return (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
