import { violation } from "./errors.ts";
import { kinds, windowClass } from "./kinds.ts";
import type { ChunkSink, Frame } from "./wire-codec.ts";

/** Large messages that arrive at a time. */
const maxOpen = 256;

const maxSegments = 65_535;

interface Arrival {
  readonly kind: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  part: number;
  offset: number;
}

/**
 * Large messages as they arrive in chunks (`docs/protocol.md` §6). What a peer announces is checked before memory is taken
 * for it; each part gets memory of its own, into which its chunks are put.
 */
export class Inbox implements ChunkSink {
  readonly #windowBytes: number;
  readonly #open = new Map<number, Arrival>();
  readonly #openBytes = { answers: 0, others: 0 };

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** @throws DspexError `ERR_PROTOCOL_VIOLATION`, as the others do. */
  begin(id: unknown, kind: unknown, sizes: unknown): void {
    if (!isCount(id) || !isCount(kind) || !Array.isArray(sizes) || !sizes.every(isCount))
      throw violation("a BEGIN that is not of its shape");
    if (this.#open.has(id)) throw violation(`a BEGIN with the id ${id} of one that is on its way`);
    if (kind >= kinds.begin && kind <= kinds.drop) throw violation("a BEGIN of a kind that is itself a part");
    if (sizes.length === 0 || sizes.length > maxSegments + 1)
      throw violation(`a BEGIN of ${sizes.length} parts`);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const of = windowClass(kind);
    if (this.#open.size >= maxOpen || this.#openBytes[of] + bytes > this.#windowBytes)
      throw violation(`a BEGIN of ${bytes} bytes beyond the window of ${this.#windowBytes}`);
    this.#openBytes[of] += bytes;
    // Not of the pool, and not filled: memory that nobody writes to is not taken either.
    const parts = sizes.map((size) => Buffer.allocUnsafeSlow(size));
    this.#open.set(id, { kind, parts, bytes, part: 0, offset: 0 });
  }

  /** Puts a chunk where it belongs. @returns the message that it completes. */
  fill(id: unknown, bytes: unknown): Frame | undefined {
    if (!(bytes instanceof Uint8Array)) throw violation("a CHUNK without its bytes");
    this.place(id, bytes.byteLength).set(bytes);
    return this.placed(id);
  }

  place(id: unknown, size: number): Uint8Array {
    const arrival = this.#arrival(id);
    const start = arrival.offset;
    const part = arrival.parts[arrival.part]!;
    if (size === 0 || size > part.byteLength - start)
      throw violation(`a CHUNK of ${size} bytes, which its part has no room for`);
    arrival.offset += size;
    return part.subarray(start, start + size);
  }

  placed(id: unknown): Frame | undefined {
    const arrival = this.#arrival(id);
    if (arrival.offset < arrival.parts[arrival.part]!.byteLength) return undefined;
    arrival.part += 1;
    arrival.offset = 0;
    if (arrival.part < arrival.parts.length) return undefined;
    this.#close(id as number, arrival);
    const [body, ...segments] = arrival.parts;
    return { kind: arrival.kind, body: body!, segments };
  }

  /** The peer gave up a message. */
  drop(id: unknown): void {
    this.#close(id as number, this.#arrival(id));
  }

  #arrival(id: unknown): Arrival {
    const arrival = this.#open.get(id as number);
    if (arrival === undefined) throw violation("a CHUNK or DROP of nothing that has begun");
    return arrival;
  }

  #close(id: number, { kind, bytes }: Arrival): void {
    this.#open.delete(id);
    this.#openBytes[windowClass(kind)] -= bytes;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
