import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { findEnvironment } from "@dspex/python-bridge/environment";

/** The environment of the tests but for some packages: what most users have. All else in it is linked, not copied. */
export async function environmentWithout(
  ...packages: readonly string[]
): Promise<AsyncDisposable & { readonly python: string }> {
  const { directory, python } = findEnvironment({ groups: ["test"] })!;
  const made = await mkdtemp(path.join(tmpdir(), "dspex-without-"));
  await mkdir(path.join(made, "bin"));
  await symlink(await realpath(python), path.join(made, "bin/python"));
  await cp(path.join(directory, "pyvenv.cfg"), path.join(made, "pyvenv.cfg"));

  const [version] = await readdir(path.join(directory, "lib"));
  const libraries = path.join("lib", version!, "site-packages");
  await mkdir(path.join(made, libraries), { recursive: true });
  for (const name of await readdir(path.join(directory, libraries)))
    if (!packages.includes(name))
      await symlink(path.join(directory, libraries, name), path.join(made, libraries, name));
  return {
    python: path.join(made, "bin/python"),
    [Symbol.asyncDispose]: () => rm(made, { recursive: true }),
  };
}
