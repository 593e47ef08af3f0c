import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../harness/config.ts";
import { waitUntil } from "../../harness/poll.ts";
import { chownTree } from "../../harness/rootfs.ts";
import { type EqualityCase, probeCase } from "../flow.ts";
import { namespacesOf } from "../probe.ts";
import type { Session } from "../session.ts";

const KINDS: Readonly<Record<string, string>> = {
  network: "net",
  ipc: "ipc",
  uts: "uts",
  pid: "pid",
  cgroup: "cgroup",
  mount: "mnt",
  user: "user",
};

function drop(config: Config, type: string): void {
  config.linux.namespaces = config.linux.namespaces.filter((namespace) => namespace.type !== type);
}

/** Starts a process that holds the new namespaces `flags` of unshare(1) ask for. Returns its pid. */
async function hold(session: Session, flags: readonly string[]): Promise<number> {
  const ready = join(session.scratch, "holder");
  // Without a uts namespace of its own the holder would rename the host.
  const rename = flags.includes("-u") ? "hostname held;" : "";
  const script = `${rename} touch ${ready}; exec sleep 60`;
  const holder = session.begin(["unshare", ...flags, "sh", "-c", script]);
  session.defer(() => holder.signal("SIGKILL"));
  await waitUntil("holder of namespaces", () => existsSync(ready));
  for (const [link] of namespacesOf(holder.pid, "joined"))
    if (!session.namespaces.has(link)) session.namespaces.set(link, "joined");
  session.rename(`/proc/${holder.pid}/`, "/proc/<HOLDER>/");
  return holder.pid;
}

function joinedCase(name: string, types: readonly string[], flags: readonly string[]): EqualityCase {
  return probeCase({
    name: `namespaces/joined ${name}`,
    prepare: async (session) => {
      const pid = await hold(session, flags);
      for (const type of types) {
        drop(session.config, type);
        session.config.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${KINDS[type]}` });
      }
      if (types.includes("uts")) delete session.config.hostname;
    },
  });
}

function userNamespace(config: Config): void {
  const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }];
  config.linux.namespaces.push({ type: "user" });
  config.linux.uidMappings = mapping;
  config.linux.gidMappings = mapping;
}

/** config-linux.md § Namespaces. */
export function namespaceCases(): readonly EqualityCase[] {
  return [
    ...["network", "ipc", "pid", "cgroup"].map((type) =>
      probeCase({
        name: `namespaces/without ${type}`,
        configure: (config) => {
          drop(config, type);
          if (type !== "ipc") return;
          config.mounts = config.mounts.filter(({ destination }) => destination !== "/dev/mqueue");
        },
      }),
    ),
    probeCase({
      name: "namespaces/without uts",
      configure: (config) => {
        drop(config, "uts");
        delete config.hostname;
      },
    }),
    probeCase({
      name: "namespaces/cgroup",
      configure: (config) => {
        config.linux.namespaces.push({ type: "cgroup" });
      },
    }),
    joinedCase("network", ["network"], ["-n"]),
    joinedCase("uts", ["uts"], ["-u"]),
    joinedCase("ipc", ["ipc"], ["-i"]),
    joinedCase("network, ipc and uts", ["network", "ipc", "uts"], ["-n", "-i", "-u"]),
    ...userCases(),
  ];
}

function userCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "namespaces/user",
      via: "create",
      configure: userNamespace,
      prepare: ({ rootfs }) => chownTree(rootfs, 100000),
    }),
    probeCase({
      name: "namespaces/user and a user in it",
      configure: (config) => {
        userNamespace(config);
        config.process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
      },
      prepare: ({ rootfs }) => chownTree(rootfs, 100000),
    }),
    probeCase({
      name: "namespaces/user with two ranges",
      configure: (config) => {
        userNamespace(config);
        const ranges = [
          { containerID: 0, hostID: 100000, size: 10 },
          { containerID: 10, hostID: 300000, size: 5000 },
        ];
        config.linux.uidMappings = ranges;
        config.linux.gidMappings = ranges;
      },
      prepare: ({ rootfs }) => chownTree(rootfs, 100000),
    }),
  ];
}
