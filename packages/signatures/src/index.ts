export type { FieldMismatch, SignatureErrorCodes } from "./errors.ts";
export type { CheckedText, InputOfText, OutputOfText, SignatureError } from "./infer.ts";
export type { Side } from "./names.ts";
export {
  signature,
  type InputOf,
  type OutputOf,
  type Signature,
  type SignatureOptions,
} from "./signature.ts";
export type { FieldSpec, LiteralValue, SignatureSpec, TypeNode } from "./tree.ts";
export { typeText } from "./type-text.ts";
export { validateFields } from "./validate.ts";
