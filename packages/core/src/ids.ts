import { customAlphabet } from "nanoid";

/** Makes a fresh identifier, `<prefix>-<random>`, unique across processes. */
export type IdGenerator = (prefix: string) => string;

// No look-alikes and no punctuation: ids are read aloud, grepped for and put into environment variables.
const random = customAlphabet("23456789abcdefghjkmnpqrstvwxyz", 14);

/** 14 characters of 30: a collision is expected after about 2 × 10^10 ids (birthday bound). */
export const createId: IdGenerator = (prefix) => `${prefix}-${random()}`;
