/** Why DSPex does not run on this system, with the remedy; `undefined` where it does. */
export function platformProblem(platform = process.platform) {
  if (platform !== "win32") return undefined;
  return {
    problem: "Windows is not supported: workers need process groups and Unix sockets",
    remedy: "Use Linux, macOS, or Linux inside Windows (WSL 2)",
  };
}
