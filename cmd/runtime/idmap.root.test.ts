import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import type { IdMapping, Mount } from "../../lib/spec/config.ts";
import { expectFailure } from "../../lib/testing/runtime-failure.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import type { Site } from "../../lib/testing/runtime-site.ts";

const CONTAINER: readonly IdMapping[] = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

/** A directory with a file of user 1000 and, mounted below it, another with the same. */
function makeSource(site: Site): string {
  const path = mkdtempSync(`${site.folder}/source-`);
  chmodSync(path, 0o755);
  for (const folder of [path, `${path}/below`]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/file`, "");
    chownSync(`${folder}/file`, 1000, 1001);
  }
  return path;
}

/** What the container sees the owners of the two files as. */
async function owners(site: Site, mount: Mount, inUserNamespace: boolean): Promise<readonly string[]> {
  const bundle = site.bundle(
    ["sh", "-c", "ls -ln /tmp/file; ls -ln /tmp/below/file"],
    ({ mounts, linux, ...config }) => ({
      ...config,
      mounts: [...mounts, mount],
      linux: inUserNamespace
        ? {
            ...linux,
            uidMappings: CONTAINER,
            gidMappings: CONTAINER,
            namespaces: [...(linux.namespaces ?? []), { type: "user" }],
          }
        : linux,
    }),
  );
  lchownSync(`${bundle}/rootfs`, inUserNamespace ? 100_000 : 0, inUserNamespace ? 100_000 : 0);
  const out = await site.ok("run", "--bundle", bundle, "web");
  return out
    .trim()
    .split("\n")
    .map((line) => line.split(/ +/).slice(2, 4).join(":"));
}

describe("id-mapped mounts", () => {
  const checked = useSite();
  const mapping = (hostID: number): Pick<Mount, "uidMappings" | "gidMappings"> => ({
    uidMappings: [{ containerID: 1000, hostID, size: 1 }],
    gidMappings: [{ containerID: 1001, hostID: hostID + 1, size: 1 }],
  });
  const cases: readonly {
    readonly name: string;
    readonly options: readonly string[];
    readonly mappings?: Pick<Mount, "uidMappings" | "gidMappings">;
    readonly inUserNamespace?: true;
    readonly seen: string;
  }[] = [
    { name: "by mappings of their own", options: ["bind"], mappings: mapping(7), seen: "7:8" },
    { name: "by the container's", options: ["bind", "idmap"], inUserNamespace: true, seen: "1000:1001" },
    {
      name: "by their own in a user namespace",
      options: ["rbind", "ridmap"],
      mappings: mapping(100_005),
      inUserNamespace: true,
      seen: "5:6",
    },
    { name: "not at all unless asked for", options: ["bind"], inUserNamespace: true, seen: "65534:65534" },
  ];
  for (const { name, options, mappings = {}, inUserNamespace = false, seen } of cases) {
    it(
      `are mapped ${name}`,
      checked(async (site) => {
        const mount: Mount = { destination: "/tmp", source: makeSource(site), options, ...mappings };
        expect(await owners(site, mount, inUserNamespace)).to.deep.equal([seen, seen]);
      }),
    );
  }

  it(
    "take what is mounted below along by ridmap alone",
    checked(async (site) => {
      const source = makeSource(site);
      const other = makeSource(site);
      Bun.spawnSync(["mount", "--bind", other, `${source}/below`]);
      try {
        const mount = { destination: "/tmp", source, ...mapping(7) };
        expect(await owners(site, { ...mount, options: ["rbind", "idmap"] }, false)).to.deep.equal([
          "7:8",
          "1000:1001",
        ]);
        expect(await owners(site, { ...mount, options: ["rbind", "ridmap"] }, false)).to.deep.equal(["7:8", "7:8"]);
      } finally {
        Bun.spawnSync(["umount", `${source}/below`]);
      }
    }),
  );

  it(
    "are refused by name where the filesystem or the mapping does not allow it",
    checked(async (site) => {
      const bundle = (mount: Mount) =>
        site.bundle(["true"], ({ mounts, ...config }) => ({ ...config, mounts: [...mounts, mount] }));
      const proc = { destination: "/tmp", source: "/proc/sys", options: ["bind"], ...mapping(7) };
      await expectFailure(
        site,
        ["run", "--bundle", bundle(proc), "web"],
        "cannot map the ids of /proc/sys on /tmp (mounts[7].uidMappings): invalid argument (EINVAL): " +
          "its filesystem does not support id-mapped mounts, or it is one already",
      );
      const twice = { containerID: 0, hostID: 0, size: 5 };
      const overlap = {
        destination: "/tmp",
        source: "/tmp",
        options: ["bind"],
        uidMappings: [twice, twice],
        gidMappings: [twice],
      };
      await expectFailure(
        site,
        ["run", "--bundle", bundle(overlap), "web"],
        /\(mounts\[7\]\.uidMappings\): invalid argument/,
      );
    }),
  );
});
