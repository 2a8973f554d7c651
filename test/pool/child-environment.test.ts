import { describe, expect, it } from "@jest/globals";
import { childEnvironment } from "../../packages/pool/src/os-process.ts";

describe("the environment of a worker", () => {
  it("G11: inherits an allow-list and no secret", () => {
    const environment = childEnvironment(
      { PATH: "/bin", HOME: "/h", OPENAI_API_KEY: "sk-canary-0123456789" },
      { DSPEX_RUN_ID: "r" },
    );
    expect(environment).toMatchObject({ PATH: "/bin", HOME: "/h", DSPEX_RUN_ID: "r" });
    expect(JSON.stringify(environment)).not.toContain("canary");
  });

  it("G11: inherits what the pool names beside, and nothing else of the kind", () => {
    const parent = { HF_HOME: "/models", HF_TOKEN: "hf-canary" };
    const environment = childEnvironment(parent, {}, ["HF_HOME", "HF_NOT_SET"]);
    expect(environment).toMatchObject({ HF_HOME: "/models" });
    expect(Object.keys(environment)).not.toContain("HF_NOT_SET");
    expect(JSON.stringify(environment)).not.toContain("canary");
  });

  it("keeps numeric libraries to one thread, unless the pool's own environment says otherwise", () => {
    expect(childEnvironment({}, {})).toMatchObject({ OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" });
    expect(childEnvironment({}, { OMP_NUM_THREADS: "4" })).toMatchObject({ OMP_NUM_THREADS: "4" });
  });
});
