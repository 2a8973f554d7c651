/** Frame kinds (`docs/protocol.md` §4). */
export const kinds = {
  hello: 1,
  ready: 2,
  call: 3,
  result: 4,
  error: 5,
  upcall: 6,
  upresult: 7,
  cancel: 8,
  upcancel: 9,
  ping: 10,
  pong: 11,
  put: 12,
  drain: 13,
  bye: 14,
  log: 15,
  stream: 16,
  credit: 17,
  begin: 18,
  chunk: 19,
  drop: 20,
} as const;

/** Large messages have a window for answers, for which somebody waits, and one for all else. */
export type WindowClass = "answers" | "others";

export function windowClass(kind: number): WindowClass {
  return kind === kinds.result || kind === kinds.error || kind === kinds.upresult ? "answers" : "others";
}
