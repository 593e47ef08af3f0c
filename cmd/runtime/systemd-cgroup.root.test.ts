import { expect } from "chai";
import { useSite } from "../../lib/testing/runtime-hooks.ts";

describe("tsrun --systemd-cgroup", () => {
  const checked = useSite();

  for (const command of ["create", "run"]) {
    it(
      `${command} refuses a path that names no unit, before anything is made`,
      checked(async (site) => {
        const bundle = site.bundle(["true"], (config) => ({
          ...config,
          linux: { ...config.linux, cgroupsPath: "/docker/web" },
        }));
        const { status, stderr } = await site.run("--systemd-cgroup", command, "--bundle", bundle, "web");
        const form = 'linux.cgroupsPath must have the form "slice:prefix:name" with --systemd-cgroup';
        expect({ status, stderr }).to.deep.equal({
          status: 1,
          stderr: `tsrun: invalid configuration: ${form}, got "/docker/web"\n`,
        });
        expect(await site.ok("list", "--quiet")).to.equal("");
      }),
    );
  }
});
