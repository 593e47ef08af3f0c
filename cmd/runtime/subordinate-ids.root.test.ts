import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { after, before } from "mocha";
import type { Config } from "../../lib/spec/config.ts";
import { User } from "../../lib/testing/ordinary-user.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";

describe("tsrun for a user with subordinate ids", () => {
  const checked = useSite();
  const name = `tsrun${process.pid}`;
  let first = 0;
  let uid = 0;

  before(() => {
    expect(
      Bun.spawnSync(["useradd", "--no-create-home", "--shell", "/bin/false", "--add-subids-for-system", name]).exitCode,
    ).to.equal(0);
    uid = Number(Bun.spawnSync(["id", "-u", name]).stdout.toString());
    const line = readFileSync("/etc/subuid", "utf8")
      .split("\n")
      .find((entry) => entry.startsWith(`${name}:`));
    first = Number(line?.split(":")[1]);
  });

  after(() => {
    Bun.spawnSync(["userdel", "--remove", name]);
  });

  const mapped = ({ linux = {}, ...config }: Config): Config => {
    const mappings = [{ containerID: 0, hostID: first, size: 1000 }];
    return { ...config, linux: { ...linux, uidMappings: mappings, gidMappings: mappings } };
  };

  it(
    "maps them by newuidmap(1), and gives the program groups",
    checked(async (site) => {
      const user = new User(site, { uid, gid: uid, groups: `--groups ${uid},4` });
      const bundle = user.bundle(
        ["sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups /proc/self/status"],
        (config) => {
          const { process = { cwd: "/" }, ...rest } = mapped(config);
          return { ...rest, process: { ...process, user: { uid: 7, gid: 8, additionalGids: [9] } } };
        },
      );
      const out = await user.ok("run", "--bundle", bundle, "web");
      expect(out.replaceAll(/ +/g, " ")).to.include(` 0 ${first} 1000\n 0 ${first} 1000\nallow\n`);
      expect(out).to.match(/^Uid:\t7\t.*\nGid:\t8\t/m);
      expect(out).to.match(/^Groups:\t9 $/m);
      user.expectNothingLeft();
    }),
  );

  it(
    "opens sources that only the user can reach, whom nobody in the container is",
    checked(async (site) => {
      const user = new User(site, { uid, gid: uid });
      mkdirSync(`${user.folder}/private`, { mode: 0o755 });
      writeFileSync(`${user.folder}/private/file`, "secret\n");
      const bundle = user.bundle(["cat", "/tmp/file"], (config) => {
        const { mounts = [], ...rest } = mapped(config);
        const source = `${user.folder}/private`;
        return { ...rest, mounts: [...mounts, { destination: "/tmp", source, options: ["bind", "ro"] }] };
      });
      expect(await user.ok("run", "--bundle", bundle, "web")).to.equal("secret\n");
      user.expectNothingLeft();
    }),
  );

  it(
    "says in newuidmap's words which ids it may not have",
    checked(async (site) => {
      const user = new User(site, { uid, gid: uid });
      const bundle = user.bundle(["true"], ({ linux = {}, ...config }) => ({
        ...config,
        linux: { ...linux, uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] },
      }));
      expect(await user.refused("run", "--bundle", bundle, "web")).to.match(
        /by newuidmap\(1\) \(linux\.uidMappings\): newuidmap: uid range \[0-1\) -> \[1-2\) not allowed: \/etc\/subuid gives/,
      );
      user.expectNothingLeft();
    }),
  );
});
