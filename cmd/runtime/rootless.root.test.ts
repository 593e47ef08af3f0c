import { mkdirSync, readFileSync, statSync } from "node:fs";
import { expect } from "chai";
import type { Config, LinuxNamespace } from "../../lib/spec/config.ts";
import { GID, succeeded, UID, User } from "../../lib/testing/ordinary-user.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { TSRUN } from "../../lib/testing/runtime-program.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

const SHOW_IDS = "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups";

function withNamespaces({ linux = {}, ...config }: Config, ...added: readonly LinuxNamespace[]): Config {
  const types = added.map(({ type }) => type);
  const kept = (linux.namespaces ?? []).filter(({ type }) => !types.includes(type));
  return { ...config, linux: { ...linux, namespaces: [...kept, ...added] } };
}

describe("tsrun for an ordinary user", () => {
  const checked = useSite();

  it(
    "runs the config of spec --rootless, as runc does",
    checked(async (site) => {
      const user = new User(site);
      const bundle = user.bundle(["sh", "-c", SHOW_IDS]);
      const ours = await user.ok("run", "--bundle", bundle, "web");
      expect(ours.replaceAll(/ +/g, " ")).to.equal(` 0 ${UID} 1\n 0 ${GID} 1\ndeny\n`);
      const theirs = await user.command(["runc", "run", "--bundle", bundle, "web"]);
      expect(succeeded(theirs)).to.equal(ours);
      // Only what is sticky is safe in XDG_RUNTIME_DIR.
      expect(statSync(user.root).mode.toString(8)).to.equal("41700");
      user.expectNothingLeft();
    }),
  );

  it(
    "takes a container through its life without a cgroup",
    checked(async (site) => {
      const user = new User(site);
      await user.ok("create", "--bundle", user.bundle(["sh", "-c", "sleep 1000 & wait"]), "web");
      expect(await user.ok("exec", "web", "sh", "-c", "echo $PPID")).to.equal("0\n");
      await user.ok("start", "web");
      await user.ok("exec", "--detach", "web", ...LONG);
      const pids = async () => JSON.parse(await user.ok("ps", "--format", "json", "web")) as readonly number[];
      await waitUntil("all processes", async () => (await pids()).length === 3);
      expect(await user.ok("list", "--quiet")).to.equal("web\n");
      expect(await user.refused("pause", "web")).to.include("it has no cgroup, because its user may not make one");
      expect(await user.refused("update", "--pids-limit", "5", "web")).to.include("could not join or create cgroup");
      await user.ok("kill", "--all", "web", "KILL");
      await waitUntil("the end", async () => (await user.ok("state", "web")).includes('"stopped"'));
      await user.ok("delete", "web");
      user.expectNothingLeft();
    }),
  );

  it(
    "deletes by force what runs",
    checked(async (site) => {
      const user = new User(site);
      await user.ok("run", "--detach", "--bundle", user.bundle(LONG), "web");
      await user.ok("delete", "--force", "web");
      user.expectNothingLeft();
    }),
  );

  it(
    "joins the namespaces of another container",
    checked(async (site) => {
      const user = new User(site);
      const first = user.bundle(LONG, (config) => withNamespaces(config, { type: "network" }));
      await user.ok("run", "--detach", "--bundle", first, "first");
      const { pid } = JSON.parse(await user.ok("state", "first")) as { pid: number };
      const namespace = (type: LinuxNamespace["type"], file: string) => ({ type, path: `/proc/${pid}/ns/${file}` });
      const second = user.bundle(["sh", "-c", "ls -l /proc/1/ns /proc/self/ns"], ({ linux = {}, ...config }) => {
        const { uidMappings: _uids, gidMappings: _gids, ...rest } = linux;
        const joined = [namespace("user", "user"), namespace("network", "net"), namespace("pid", "pid")];
        return withNamespaces({ ...config, linux: rest }, ...joined);
      });
      const { stdout, stderr } = await user.run("run", "--bundle", second, "second");
      expect(stderr).to.match(/^tsrun: warning: [^\n]* cannot be killed as a whole[^\n]*\n$/);
      const [theirs = "", own = ""] = stdout.split("/proc/self/ns:");
      const links = (text: string) => [...text.matchAll(/(net|pid|user|mnt):\[\d+\]/g)].map(([link]) => link).sort();
      const shared = links(theirs).filter((link) => links(own).includes(link));
      expect(new Set(shared.map((link) => link.split(":")[0]))).to.deep.equal(new Set(["net", "pid", "user"]));
      await user.ok("delete", "--force", "first");
      user.expectNothingLeft();
    }),
  );

  it(
    "has a time namespace with offsets, and a /sys without a network namespace",
    checked(async (site) => {
      const user = new User(site);
      const bundle = user.bundle(
        ["sh", "-c", "cat /proc/uptime; ls /sys/class/net/lo >/dev/null && cat /proc/mounts"],
        (config) => {
          const { linux = {}, mounts = [], ...rest } = withNamespaces(config, { type: "time" });
          const sys = {
            destination: "/sys",
            type: "sysfs",
            source: "sysfs",
            options: ["ro", "nosuid", "noexec", "nodev"],
          };
          const others = mounts.filter(({ destination }) => !destination.startsWith("/sys"));
          return {
            ...rest,
            mounts: [...others, sys],
            linux: { ...linux, timeOffsets: { boottime: { secs: 1_000_000 } } },
          };
        },
      );
      const [uptime = "", ...mounts] = (await user.ok("run", "--bundle", bundle, "web")).split("\n");
      const host = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
      expect(Number(uptime.split(" ")[0])).to.be.within(host + 990_000, host + 1_000_001);
      // Not only the topmost of what is bound there.
      const below = mounts.filter((line) => /^\S+ \/sys(?!\/firmware)/.test(line));
      expect(below.filter((line) => !/ ro,nosuid,nodev,noexec/.test(line))).to.deep.equal([]);
      expect(below).to.not.have.lengthOf(0);
      user.expectNothingLeft();
    }),
  );

  it(
    "sets sysctls where the pid namespace is the host's, whose procfs it cannot mount",
    checked(async (site) => {
      const user = new User(site);
      const bundle = user.bundle(["cat", "/proc/sys/net/ipv4/ip_forward"], (config) => {
        const { linux = {}, mounts = [], ...rest } = withNamespaces(config, { type: "network" });
        const proc = { destination: "/proc", type: "bind", source: "/proc", options: ["rbind"] };
        const namespaces = (linux.namespaces ?? []).filter(({ type }) => type !== "pid");
        const own = { ...linux, namespaces, sysctl: { "net.ipv4.ip_forward": "1" } };
        const others = mounts.filter(({ destination }) => destination !== "/proc");
        return { ...rest, mounts: [proc, ...others], linux: own };
      });
      const { status, stdout } = await user.run("run", "--bundle", bundle, "web");
      expect({ status, stdout }).to.deep.equal({ status: 0, stdout: "1\n" });
      user.expectNothingLeft();
    }),
  );

  const refusals: readonly {
    readonly name: string;
    readonly edit: (config: Config) => Config;
    readonly why: RegExp;
  }[] = [
    {
      name: "no user namespace",
      edit: ({ linux = {}, ...config }) => {
        const { uidMappings: _uids, gidMappings: _gids, namespaces = [], ...rest } = linux;
        return { ...config, linux: { ...rest, namespaces: namespaces.filter(({ type }) => type !== "user") } };
      },
      why: /linux\.namespaces\): rootless container requires user namespaces: add one/,
    },
    {
      name: "a foreign id",
      edit: ({ linux = {}, ...config }) => ({
        ...config,
        linux: { ...linux, uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] },
      }),
      why: /cannot map ids in uid_map by newuidmap\(1\) \(linux\.uidMappings\): newuidmap: /,
    },
    {
      name: "a user nobody is mapped to",
      edit: ({ process = { cwd: "/" }, ...config }) => ({
        ...config,
        process: { ...process, user: { uid: 5, gid: 0 } },
      }),
      why: /\/process\/user\/uid: 5: must be an id that linux\.uidMappings maps/,
    },
    {
      name: "a limit",
      edit: ({ linux = {}, ...config }) => ({ ...config, linux: { ...linux, resources: { pids: { limit: 5 } } } }),
      why: /cannot apply linux\.resources\.pids\.limit: the pids controller is not open to this user/,
    },
    {
      name: "a cgroup",
      edit: ({ linux = {}, ...config }) => ({ ...config, linux: { ...linux, cgroupsPath: "/tsrun-denied" } }),
      why: /linux\.cgroupsPath\): permission denied \(EACCES\): let the host delegate/,
    },
    {
      name: "a lower OOM score",
      edit: ({ process = { cwd: "/" }, ...config }) => ({ ...config, process: { ...process, oomScoreAdj: -900 } }),
      why: /process\.oomScoreAdj\): permission denied \(EACCES\): only the host's root may lower it/,
    },
    {
      name: "a namespace of the host",
      edit: (config) => withNamespaces(config, { type: "network", path: "/proc/1/ns/net" }),
      why: /cannot join the network namespace \/proc\/1\/ns\/net \(linux\.namespaces\[\d\]\.path\)/,
    },
  ];
  for (const { name, edit, why } of refusals) {
    it(
      `refuses ${name}`,
      checked(async (site) => {
        const user = new User(site);
        expect(await user.refused("run", "--bundle", user.bundle(["true"], edit), "web")).to.match(why);
      }),
    );
  }

  it(
    "names the flag that is locked",
    checked(async (site) => {
      const user = new User(site);
      const locked = `${site.folder}/locked`;
      mkdirSync(locked);
      Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "ro,nodev", "tmpfs", locked]);
      try {
        const bind = (option: string) => (config: Config) => ({
          ...config,
          mounts: [...(config.mounts ?? []), { destination: "/locked", source: locked, options: ["bind", option] }],
        });
        const why = await user.refused("run", "--bundle", user.bundle(["true"], bind("rw")), "web");
        expect(why).to.match(
          /mounts\[\d\]\): operation not permitted \(EPERM\): the mount it comes from, .*locked \(tmpfs\), is ro, which is locked in a user namespace: leave out "rw"\n$/,
        );
        const command = ["sh", "-c", "cat /proc/mounts"];
        const mounts = await user.ok("run", "--bundle", user.bundle(command, bind("nosuid")), "web");
        expect(mounts).to.match(/ \/locked tmpfs ro,nosuid,nodev,/);
      } finally {
        Bun.spawnSync(["umount", locked]);
      }
      user.expectNothingLeft();
    }),
  );

  it(
    "tells where state could be kept",
    checked(async (site) => {
      const user = new User(site);
      const bundle = user.bundle(["true"]);
      const why = await user.refused("--root", "/sys/tsrun", "run", "--bundle", bundle, "web");
      expect(why).to.match(
        /cannot make \/sys\/tsrun: [^:]*: name a directory of your own by --root, or by XDG_RUNTIME_DIR\n$/,
      );
    }),
  );

  it(
    "runs as root of a user namespace that somebody else has made",
    checked(async (site) => {
      const user = new User(site);
      const bundle = user.bundle(
        ["sh", "-c", "ls -ln /dev/null; cat /proc/self/uid_map"],
        ({ linux = {}, ...config }) => {
          const { uidMappings: _uids, gidMappings: _gids, namespaces = [], ...rest } = linux;
          return { ...config, linux: { ...rest, namespaces: namespaces.filter(({ type }) => type !== "user") } };
        },
      );
      const out = succeeded(
        await user.command(["unshare", "--user", "--map-root-user", TSRUN, "run", "--bundle", bundle, "web"]),
      );
      expect(out).to.match(new RegExp(`^crw-rw-rw- +1 65534 +65534 +1, +3 .*\n +0 +${UID} +1\n$`));
      user.expectNothingLeft();
    }),
  );
});
