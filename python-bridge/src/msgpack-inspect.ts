import { violation } from "./errors.ts";

/**
 * How deep a frame's value may nest: 512 levels of a user's value, and what its kind puts around them
 * (`docs/protocol.md` §3).
 */
export const maxFrameDepth = 520;

/** What of a frame's value needs more than the codec's own decoding. */
export interface Inspection {
  /** How many extensions it holds. */
  readonly extensions: number;
  /** Where the characters of keys `__proto__` begin. */
  readonly protoKeys: readonly number[];
}

const float64 = 0xcb;
const protoKey = Buffer.from("__proto__");

// The containers around the innermost open one: parts they still want, and whether they are maps. Inspections are synchronous
// and never nest, so that one stack serves all.
const outerLeft = new Uint32Array(maxFrameDepth + 1);
const outerIsMap = new Uint8Array(maxFrameDepth + 1);

/**
 * Checks, before anything of it is decoded, that `bytes` are exactly one MessagePack value of this profile: whole, not
 * nested too deep, with text as keys and no extension but ours. The codec alone would take more: timestamps, sets,
 * regular expressions, other keys, whatever depth the stack has.
 *
 * @returns `undefined` for a value that the codec can decode as it is, which is the usual case.
 * @throws DspexError `ERR_PROTOCOL_VIOLATION`.
 */
export function inspect(
  bytes: Uint8Array,
  isKnownExtension: (type: number) => boolean,
): Inspection | undefined {
  const end = bytes.length;
  let position = 0;
  let depth = 0;
  // A map wants twice as many parts as it has entries: the even ones are keys.
  let left = 1;
  let inMap = false;
  let extensions = 0;
  let protoKeys: number[] | undefined;
  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (position !== end) throw violation(`a value with ${end - position} bytes behind it`);
        return extensions === 0 && protoKeys === undefined
          ? undefined
          : { extensions, protoKeys: protoKeys ?? [] };
      }
      depth -= 1;
      left = outerLeft[depth]!;
      inMap = outerIsMap[depth] === 1;
    }
    if (position >= end) throw cutOff();
    const token = bytes[position]!;
    position += 1;
    const isKey = inMap && (left & 1) === 0;
    left -= 1;

    let size = 0;
    let parts = -1;
    let isMap = false;
    let isText = false;
    if (token < 0x80 || token >= 0xe0) {
      // A small integer: nothing follows.
    } else if (token < 0x90) {
      parts = (token & 0x0f) * 2;
      isMap = true;
    } else if (token < 0xa0) {
      parts = token & 0x0f;
    } else if (token < 0xc0) {
      size = token & 0x1f;
      isText = true;
    } else {
      const kind = kindOf[token - 0xc0]!;
      size = sizeOf[token - 0xc0]!;
      if (kind !== fixed) {
        // What `size` says is how long the length is, but for the extensions that are of one length.
        if (kind !== fixedExtension) {
          const lengthEnd = position + size;
          size = 0;
          for (; position < lengthEnd; position += 1) size = size * 256 + (bytes[position] ?? 0);
        }
        if (kind === text) isText = true;
        else if (kind === array || kind === map) {
          parts = kind === map ? size * 2 : size;
          isMap = kind === map;
          size = 0;
        } else if (kind === extension || kind === fixedExtension) {
          const type = bytes[position] ?? 0;
          if (!isKnownExtension(type)) throw violation(`extension type ${type}`);
          extensions += 1;
          size += 1;
        } else if (kind === never) throw violation("the byte c1, which MessagePack never uses");
      }
    }

    if (isKey) {
      if (!isText) throw violation("a map key that is no text");
      if (size === protoKey.length && isProtoKey(bytes, position)) (protoKeys ??= []).push(position);
    }
    position += size;
    // Embeddings: lists of floats are the long values that are usual.
    if (token === float64 && !inMap) for (; left > 0 && bytes[position] === float64; left -= 1) position += 9;
    if (position > end) throw cutOff();
    if (parts === -1) continue;
    // Each part takes a byte at least: so no length costs more memory than the frame has.
    if (parts > end - position) throw cutOff();
    outerLeft[depth] = left;
    outerIsMap[depth] = inMap ? 1 : 0;
    depth += 1;
    if (depth > maxFrameDepth) throw violation(`a value of more than ${maxFrameDepth} levels`);
    left = parts;
    inMap = isMap;
  }
}

function isProtoKey(bytes: Uint8Array, position: number): boolean {
  for (let index = 0; index < protoKey.length; index += 1)
    if (bytes[position + index] !== protoKey[index]) return false;
  return true;
}

function cutOff(): Error {
  return violation("a value that is cut off");
}

// The tokens c0 to df: what each is, and the bytes that follow it, or that its length has.
const fixed = 0;
const bin = 1;
const text = 2;
const array = 3;
const map = 4;
const extension = 5;
const fixedExtension = 6;
const never = 7;
const tokens: readonly (readonly [kind: number, size: number])[] = [
  [fixed, 0], // nil
  [never, 0],
  [fixed, 0], // false
  [fixed, 0], // true
  ...[1, 2, 4].map((size) => [bin, size] as const),
  ...[1, 2, 4].map((size) => [extension, size] as const),
  ...[4, 8].map((size) => [fixed, size] as const), // floats
  ...[1, 2, 4, 8, 1, 2, 4, 8].map((size) => [fixed, size] as const), // integers, unsigned and signed
  ...[1, 2, 4, 8, 16].map((size) => [fixedExtension, size] as const),
  ...[1, 2, 4].map((size) => [text, size] as const),
  ...[2, 4].map((size) => [array, size] as const),
  ...[2, 4].map((size) => [map, size] as const),
];
const kindOf = Uint8Array.from(tokens, ([kind]) => kind);
const sizeOf = Uint8Array.from(tokens, ([, size]) => size);
