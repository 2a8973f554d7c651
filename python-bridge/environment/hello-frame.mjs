/**
 * HELLO, and the kinds of what is answered, written by hand from docs/protocol.md: the codec is a package, and the set-up has to work,
 * and to say what is wrong, where packages are missing.
 */

const HELLO = 1;
const READY = 2;

/** The one frame that the set-up sends. */
export const helloFrame = () =>
  frame(HELLO, {
    protocol: { min: 1, max: 1 },
    runId: "doctor",
    workerId: "doctor",
    maxFrameBytes: 65_536,
    threads: 1,
    maxInFlight: 1,
    monotonicMs: 0,
    paths: [],
    seams: {},
  });

/** Calls `ready` once the frames of a stream have come to READY. */
export function onReady(stream, ready) {
  let bytes = Buffer.alloc(0);
  const read = (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (!kindsIn(bytes).includes(READY)) return;
    stream.off("data", read).resume();
    ready();
  };
  stream.on("data", read);
}

function frame(kind, value) {
  const body = pack(value);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 4);
  header.writeUInt8(1, 4);
  header.writeUInt8(kind, 5);
  return Buffer.concat([header, body]);
}

/** The MessagePack that a HELLO needs: short maps and arrays, texts below 32 bytes, whole numbers below 2^32. */
function pack(value) {
  if (typeof value === "string") return Buffer.concat([Buffer.of(0xa0 | value.length), Buffer.from(value)]);
  if (typeof value === "number") {
    const number = Buffer.of(0xce, 0, 0, 0, 0);
    number.writeUInt32BE(value, 1);
    return number;
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.of(0x90 | value.length), ...value.map(pack)]);
  const entries = Object.entries(value);
  return Buffer.concat([Buffer.of(0x80 | entries.length), ...entries.flat().map(pack)]);
}

function kindsIn(bytes) {
  const kinds = [];
  for (let at = 0; at + 8 <= bytes.length; at += 4 + bytes.readUInt32BE(at))
    kinds.push(bytes.readUInt8(at + 5));
  return kinds;
}
