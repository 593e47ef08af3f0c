import { rmSync } from "node:fs";
import { join } from "node:path";
import { IMAGE } from "../containerd/image.ts";
import { mountsBelow } from "../harness/workspace.ts";
import { expectEqual, expectMatch, type Site } from "./site.ts";

/** The address of the bridge in the network that is there without a file. */
const GATEWAY = "10.77.0.1";

/** The command that prints a page, with what the shell has built in. */
const get = (url: string): readonly string[] => ["sh", "-c", `wget -q -O- ${url}`];

export type Check = readonly [name: string, run: (site: Site) => Promise<void>];

/** What is asked for is there. */
const LIFE: readonly Check[] = [
  [
    "two containers talk to each other, and find the host",
    async (site) => {
      const address = await site.serve("web", { network: "bridge" });
      const shown = JSON.parse(await site.ok("containers", "info", `${site.tag}-web`)).Extensions["tsrun.dev/network"];
      const status = JSON.parse(Buffer.from(shown.value, "base64").toString());
      expectEqual("what is shown of it", status.networks[0].addresses[0], address);
      const fetched = await site.once("client", { network: "bridge" }, ...get(`http://${address}/`));
      expectEqual("what the other one answers", fetched, "web");
      await site.once("pinger", { network: "bridge" }, "sh", "-c", `ping -c 1 ${GATEWAY}`);
      await site.remove("web");
    },
  ],
  [
    "a published port answers on the loopback, on the bridge's address and to other containers",
    async (site) => {
      await site.serve("web", { network: "bridge", ports: "18080:80" });
      for (const where of ["127.0.0.1:18080", `${GATEWAY}:18080`]) expectEqual(where, await site.fetch(where), "web");
      const url = `http://${GATEWAY}:18080/`;
      expectEqual("a container", await site.once("c", { network: "bridge" }, ...get(url)), "web");
      await site.remove("web");
      expectMatch("after the end", await site.fetch("127.0.0.1:18080"), /refused/);
    },
  ],
  [
    "a port of one address answers on no other",
    async (site) => {
      await site.serve("web", { network: "bridge", ports: "127.0.0.1:18080:80" });
      expectEqual("its address", await site.fetch("127.0.0.1:18080"), "web");
      expectMatch("another", await site.fetch(`${GATEWAY}:18080`), /refused/);
      await site.remove("web");
    },
  ],
  [
    "a port is published once, and again when it is free",
    async (site) => {
      await site.serve("first", { network: "bridge", ports: "18080:80" });
      const words = ["run", "--detach", ...site.labels({ network: "bridge", ports: "18080:80" })];
      const refused = await site.ctr(...words, IMAGE, `${site.tag}-second`, "true");
      expectMatch(
        "the refusal",
        refused.stderr,
        /cannot publish port 18080\/tcp for \S+: container \S+-first in namespace default has it/,
      );
      await site.ok("containers", "rm", `${site.tag}-second`);
      await site.remove("first");
      await site.serve("second", { network: "bridge", ports: "18080:80" });
      expectEqual("the second", await site.fetch("127.0.0.1:18080"), "second");
      await site.remove("second");
    },
  ],
  [
    "names: what labels, the host name and the networks say",
    async (site) => {
      const fields = { network: "bridge", dns: "10.77.0.53", "dns-search": "a.example", hosts: "db:10.0.0.7" };
      const shown = await site.once("names", fields, "cat", "/etc/resolv.conf", "/etc/hosts");
      expectMatch("resolv.conf", shown, /^nameserver 10\.77\.0\.53\nsearch a\.example$/m);
      expectMatch("hosts", shown, /^127\.0\.0\.1\tlocalhost\n::1\t.*\n10\.0\.0\.7\tdb$/m);
    },
  ],
  [
    "none has a loopback and nothing else; host has the host's",
    async (site) => {
      expectEqual("none", await site.once("none", { network: "none" }, "sh", "-c", "ls /sys/class/net"), "lo");
      const host = await site.once("host", { network: "host" }, "sh", "-c", "ip addr");
      expectMatch("host", host, /inet 10\.77\.0\.1\/16/);
    },
  ],
  [
    "networks of files: versions 0.3.1 and 0.4.0, and two at once",
    async (site) => {
      const shown = await site.once("two", { network: "old,older" }, "sh", "-c", "ip -4 -o addr");
      expectMatch("eth0", shown, /eth0\s+inet 10\.78\.0\./);
      expectMatch("eth1", shown, /eth1\s+inet 10\.79\.0\./);
    },
  ],
  [
    "a plugin that fails is named, and what was made before it is gone",
    async (site) => {
      await site.serve("first", { network: "full" });
      const words = ["run", "--detach", ...site.labels({ network: "bridge,full" }), IMAGE, `${site.tag}-fails`, "true"];
      const { status, stderr } = await site.ctr(...words);
      expectEqual("the status", status, 1);
      const reason = /cannot connect container \S+-fails: network full: plugin bridge: .*no IP addresses available/;
      expectMatch("the reason", stderr, reason);
      await site.remove("first");
      await site.nothingLeft();
      await site.ok("containers", "rm", `${site.tag}-fails`);
    },
  ],
  [
    "a root that is read-only has the files of names",
    async (site) => {
      const fields = { network: "bridge", hosts: "db:10.0.0.7" };
      const id = `${site.tag}-ro`;
      const words = ["run", "--rm", "--read-only", ...site.labels(fields), IMAGE, id, "sh", "-c", "grep db /etc/hosts"];
      expectMatch("hosts", await site.ok(...words), /10\.0\.0\.7/);
    },
  ],
];

/** What is killed leaves nothing that the next start does not remove. */
const DEATHS: readonly Check[] = [
  [
    "tsrund killed by SIGKILL while a container runs: its port answers, and is removed with it",
    async (site) => {
      await site.serve("web", { network: "bridge", ports: "18080:80" });
      await site.daemon.stop("SIGKILL");
      expectEqual("without a daemon", await site.fetch("127.0.0.1:18080"), "web");
      await site.daemon.start();
      expectEqual("with the next one", await site.fetch("127.0.0.1:18080"), "web");
      await site.remove("web");
    },
  ],
  [
    "tsrund killed by SIGKILL while a plugin runs: the next start ends it and removes what there is",
    async (site) => {
      const release = await site.hold("added", { ports: "18080:80" });
      await site.daemon.stop("SIGKILL");
      await site.daemon.start();
      await site.nothingLeft();
      release();
      await site.nothingLeft();
      await site.ok("containers", "rm", `${site.tag}-added`);
    },
  ],
  [
    "the state is lost, as after a reboot: leases and rules are removed by what the root remembers",
    async (site) => {
      // Rules for masquerading end with the machine: their plugin does not find them without the namespace.
      await site.serve("web", { network: "full", ports: "18080:80" });
      const { folder } = site.daemon;
      await site.ctr("tasks", "kill", "--signal", "SIGKILL", `${site.tag}-web`);
      await site.daemon.stop("SIGKILL");
      for (const path of mountsBelow(join(folder, "state"))) await site.network.run("umount", "-l", path);
      rmSync(join(folder, "state/networks"), { recursive: true });
      rmSync(join(folder, "state/io.containerd.runtime.v2.task"), { recursive: true });
      await site.daemon.start();
      await site.nothingLeft();
      await site.ok("containers", "rm", `${site.tag}-web`);
    },
  ],
];

/** All of them; after each one there must be nothing left. */
export const CHECKS: readonly Check[] = [...LIFE, ...DEATHS];
