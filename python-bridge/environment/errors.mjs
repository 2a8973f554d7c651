/**
 * An error of the set-up. It carries the brand of `DspexError`, so `DspexError.is(error, code)` recognises it although
 * this folder runs before any package is installed and can import nothing.
 */
class EnvironmentError extends Error {
  name = "DspexError";
  retryable = false;
  [Symbol.for("dspex.error")] = true;

  constructor(code, { problem, remedy, log = [], details = {}, cause }) {
    super(`${problem}\n${remedy}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.problem = problem;
    this.remedy = remedy;
    this.log = log;
    this.details = details;
  }
}

/** `problem` says in one line what is wrong, `remedy` in one line what to do about it, `log` what was tried. */
export function environmentError(code, words) {
  return new EnvironmentError(code, words);
}

/** The remedy for an environment that does not hold what its stamp says. */
export function setUpAgain(directory) {
  return `Remove it and set it up again: rm -rf ${directory} && npx dspex setup`;
}
