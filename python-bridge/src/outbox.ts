import { kinds, windowClass, type WindowClass } from "./kinds.ts";
import { plainOnly, type EncodedMessage, type WireCodec } from "./wire-codec.ts";

/** Large messages on their way at a time: a quarter of what a receiver takes. */
const maxOpen = 64;

/** A large message on its way in chunks. */
interface Transfer {
  readonly kind: number;
  /** Its body, then its segments. */
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly of: WindowClass;
  readonly line: number;
  /** Messages of the same line, which must not overtake it. */
  readonly followers: EncodedMessage[];
  /** 0 until it has begun. */
  id: number;
  /** Where the next chunk begins: in which part, and where in it. */
  part: number;
  offset: number;
}

/**
 * What is to be sent, and in which order (`docs/protocol.md` §6). Small messages leave at once; large ones in chunks,
 * each in its turn, so that a small one waits for no more than a chunk. Pure: it knows no stream and no clock.
 *
 * What has begun and is not whole yet may take as many bytes as the peer allows, answers and all else separately: an
 * answer, for which somebody waits, is held up by nothing but other answers.
 */
export class Outbox {
  readonly #codec: WireCodec;
  #small: Uint8Array[] = [];
  /** Begun, in the order of their next chunks. */
  readonly #open: Transfer[] = [];
  /** Not begun: the window of their class is used up. */
  readonly #waiting: Record<WindowClass, Transfer[]> = { answers: [], others: [] };
  readonly #openBytes: Record<WindowClass, number> = { answers: 0, others: 0 };
  /** What each line waits for. */
  readonly #lines = new Map<number, Transfer>();
  #windowBytes = Infinity;
  #chunkBytes = Infinity;
  #lastId = 0;

  constructor(codec: WireCodec) {
    this.#codec = codec;
  }

  /** The peer takes messages in chunks, as many at a time as have this many bytes in each class. */
  allowChunks(windowBytes: number): void {
    this.#windowBytes = windowBytes;
    this.#chunkBytes = this.#codec.chunkBytes;
  }

  /** @param line what it must not overtake, as {@link lineOf} says. */
  add(message: EncodedMessage, line: number | undefined): void {
    const ahead = line === undefined ? undefined : this.#lines.get(line);
    if (ahead !== undefined) ahead.followers.push(message);
    else if (line === undefined || !this.#isLarge(message)) this.#small.push(message.frame);
    else this.#transfer(message, line);
  }

  /** Whether a line waits for a large message. */
  holds(line: number): boolean {
    return this.#lines.has(line);
  }

  /** What to write next: everything small, and one chunk. Empty: there is nothing. */
  next(): readonly Uint8Array[] {
    const buffers = this.#small;
    this.#small = [];
    const transfer = this.#open.shift();
    if (transfer === undefined) return buffers;
    buffers.push(...this.#codec.chunk(transfer.id, nextChunk(transfer, this.#codec.chunkBytes)));
    if (transfer.part < transfer.parts.length) this.#open.push(transfer);
    else this.#over(transfer, transfer.followers);
    return buffers;
  }

  /**
   * Takes back the large message that a line waits for, and what is behind it: the peer will not see them.
   *
   * @returns whether there was one.
   */
  withdraw(line: number): boolean {
    const transfer = this.#lines.get(line);
    if (transfer === undefined) return false;
    remove(this.#open, transfer);
    remove(this.#waiting[transfer.of], transfer);
    if (transfer.id > 0) this.#small.push(this.#codec.encode(kinds.drop, [transfer.id], plainOnly).frame);
    this.#over(transfer, []);
    return true;
  }

  #isLarge({ body, segments }: EncodedMessage): boolean {
    return segments.length > 0 || body.length > this.#chunkBytes;
  }

  #transfer({ kind, body, segments }: EncodedMessage, line: number): void {
    const parts = [body, ...segments];
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const transfer: Transfer = {
      kind,
      parts,
      bytes,
      line,
      of: windowClass(kind),
      followers: [],
      id: 0,
      part: 0,
      offset: 0,
    };
    this.#lines.set(line, transfer);
    this.#waiting[transfer.of].push(transfer);
    this.#begin(transfer.of);
  }

  /** Begins what fits into the window, in order. */
  #begin(of: WindowClass): void {
    const waiting = this.#waiting[of];
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      if (this.#open.length >= maxOpen || this.#openBytes[of] + first.bytes > this.#windowBytes) return;
      waiting.shift();
      this.#openBytes[of] += first.bytes;
      first.id = this.#lastId += 1;
      const sizes = first.parts.map((part) => part.byteLength);
      this.#small.push(this.#codec.encode(kinds.begin, [first.id, first.kind, sizes], plainOnly).frame);
      this.#open.push(first);
    }
  }

  /** A large message needs its place no more: what waited for that moves up. */
  #over({ id, of, bytes, line }: Transfer, followers: readonly EncodedMessage[]): void {
    this.#lines.delete(line);
    if (id > 0) this.#openBytes[of] -= bytes;
    for (const follower of followers) this.add(follower, line);
    this.#begin("answers");
    this.#begin("others");
  }
}

function nextChunk(transfer: Transfer, chunkBytes: number): Uint8Array {
  const part = transfer.parts[transfer.part]!;
  const chunk = part.subarray(transfer.offset, transfer.offset + chunkBytes);
  transfer.offset += chunk.byteLength;
  if (transfer.offset === part.byteLength) {
    transfer.part += 1;
    transfer.offset = 0;
  }
  return chunk;
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index !== -1) list.splice(index, 1);
}

/**
 * What keeps its order among the messages from the runtime: the call that it begins, or the answer to an upcall with its
 * items. All else is small, and belongs to what the peer has seen already.
 */
export function lineOf(kind: number, id: unknown): number | undefined {
  if (kind === kinds.call) return callLine(id as number);
  return kind === kinds.upresult || kind === kinds.stream ? (id as number) : undefined;
}

/** The line of a call's beginning. */
export const callLine = (id: number): number => -id;
