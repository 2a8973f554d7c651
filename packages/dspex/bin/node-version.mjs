const MINIMUM = [20, 19];

/** The problem with this Node, if there is one. Parses on any Node that knows modules, so that an old one hears it. */
export function nodeProblem(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return undefined;
  return {
    problem: `Node ${version} is too old: DSPex needs ${MINIMUM.join(".")} or newer.`,
    remedy: "Install a current Node, for instance: nvm install --lts",
  };
}
