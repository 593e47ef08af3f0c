import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { defaultConfig } from "../harness/config.ts";
import { waitUntil } from "../harness/poll.ts";
import { run } from "../harness/process.ts";
import { cgroupsNamed, isAlive, mountsBelow, processesNamed, readProc, type Workspace } from "../harness/workspace.ts";

/** How long something may take on a busy machine. */
const LONG_MS = 120_000;

/** What containers are made of. */
export interface Ground {
  readonly workspace: Workspace;
  readonly rootfs: string;
}

/** A way to make containers: by tsrun, or by tsrund and its shims. */
export interface Way {
  readonly name: string;
  /** The processes that stay, whose memory is not to grow. */
  readonly staying: () => readonly (readonly [name: string, pid: number])[];
  /** One whole life of a container that ends by itself. */
  readonly live: (serial: number) => Promise<void>;
  /** Makes one that runs until it is ended. */
  readonly begin: (serial: number) => Promise<void>;
  readonly end: (serial: number) => Promise<void>;
  /** Names of the directories that are there as long as a container is. */
  readonly records: () => readonly string[];
  readonly close: () => Promise<void>;
}

/** A shim that waits for its task: each time another process, and never more of them than this. */
const STANDBY = /\0standby\0/;
const MAX_STANDBY = 8;

/** What is there of a way's containers. */
export function census(way: Way, { workspace }: Ground): readonly string[] {
  const staying = way.staying().map(([, pid]) => pid);
  const lines = processesNamed([workspace.folder, workspace.tag])
    .filter((pid) => isAlive(pid) && !staying.includes(pid))
    .map((pid) => [pid, readProc(pid, "cmdline")] as const);
  const [waiting, others] = [
    lines.filter(([, line]) => STANDBY.test(line)),
    lines.filter(([, line]) => !STANDBY.test(line)),
  ];
  return [
    ...waiting.slice(MAX_STANDBY).map(([pid]) => `shim ${pid} on standby, beyond ${MAX_STANDBY}`),
    ...others.map(([pid, line]) => `process ${pid}: ${line.replaceAll("\0", " ").trim()}`),
    ...mountsBelow(workspace.folder).map((path) => `mount ${path}`),
    // Their parent is no container's own.
    ...cgroupsNamed(`${workspace.tag}/`).map((path) => `cgroup ${path}`),
    ...way.records().map((name) => `record ${name}`),
  ];
}

function configOf({ workspace, rootfs }: Ground, id: string, args: readonly string[]) {
  const config = defaultConfig(args, `/${workspace.tag}/${id}`);
  config.root.path = rootfs;
  return config;
}

/** create, start, the end, delete; every other one by `run`. */
export function byRuntime(ground: Ground, runtime: string): Way {
  const { folder, tag } = ground.workspace;
  const root = join(folder, "state");
  const scratch = join(folder, "scratch");
  mkdirSync(scratch);
  const idOf = (serial: number) => `${tag}-${serial}`;
  const bundleOf = (serial: number) => join(folder, "bundles", idOf(serial));
  const invoke = async (...words: readonly string[]) => {
    const outcome = await run([runtime, "--root", root, ...words], { scratch });
    if (outcome.status !== 0) throw new Error(`${words.join(" ")}: ${outcome.stderr}`);
    return outcome.stdout;
  };
  const write = (serial: number, args: readonly string[]) => {
    mkdirSync(bundleOf(serial), { recursive: true });
    const text = JSON.stringify(configOf(ground, idOf(serial), args));
    writeFileSync(join(bundleOf(serial), "config.json"), text);
  };
  const forget = (serial: number) => {
    rmSync(bundleOf(serial), { recursive: true });
    for (const name of readdirSync(scratch)) rmSync(join(scratch, name));
  };
  return {
    name: "tsrun",
    staying: () => [["the caller", process.pid]],
    records: () => (existsSync(root) ? readdirSync(root).filter((name) => !name.startsWith("@")) : []),
    close: () => Promise.resolve(),
    live: async (serial) => {
      write(serial, ["/bin/true"]);
      if (serial % 2 === 0) await invoke("run", "--bundle", bundleOf(serial), idOf(serial));
      else {
        await invoke("create", "--bundle", bundleOf(serial), idOf(serial));
        await invoke("start", idOf(serial));
        const isOver = async () => (await invoke("state", idOf(serial))).includes('"status": "stopped"');
        await waitUntil("end of the container", isOver, LONG_MS);
        await invoke("delete", idOf(serial));
      }
      forget(serial);
    },
    begin: async (serial) => {
      write(serial, ["/bin/sleep", "100000"]);
      await invoke("create", "--bundle", bundleOf(serial), idOf(serial));
      await invoke("start", idOf(serial));
    },
    end: async (serial) => {
      await invoke("delete", "--force", idOf(serial));
      rmSync(bundleOf(serial), { recursive: true });
    },
  };
}

const GROUP = "io.containerd.runc.v2.group";

/** Task after task, every other one in the shim of a group, which stays. */
export async function byDaemon(ground: Ground): Promise<Way> {
  const { folder, tag } = ground.workspace;
  const daemon = new TestSupervisor(join(folder, "d"));
  await daemon.start();
  const idOf = (serial: number) => `${tag}-${serial}`;
  const record = async (id: string, args: readonly string[], isGrouped: boolean) => {
    const config = configOf(ground, id, args);
    if (isGrouped) config.annotations = { [GROUP]: tag };
    await daemon.createContainer(id, config);
  };
  const finish = async (id: string) => {
    await daemon.wait(id, { deadlineMs: LONG_MS });
    await daemon.deleteTask(id);
    await daemon.deleteContainer(id);
  };
  const keeper = `${tag}-keeper`;
  await record(keeper, ["/bin/sleep", "100000"], true);
  await daemon.createTask(keeper);
  const { pid: kept } = await daemon.startTask(keeper);
  const shim = Number(/^PPid:\s(\d+)/m.exec(readFileSync(`/proc/${kept}/status`, "utf8"))?.[1]);
  const room = join(daemon.folder, "state/io.containerd.runtime.v2.task/test");
  return {
    name: "tsrund",
    staying: () => [
      ["tsrund", daemon.pid],
      ["the shim that stays", shim],
      ["its first container", kept],
    ],
    records: () => (existsSync(room) ? readdirSync(room).filter((name) => name !== keeper) : []),
    live: async (serial) => {
      const id = idOf(serial);
      await record(id, ["/bin/true"], serial % 2 === 0);
      await daemon.createTask(id);
      await daemon.startTask(id);
      await finish(id);
    },
    begin: async (serial) => {
      const id = idOf(serial);
      await record(id, ["/bin/sleep", "100000"], serial % 2 === 0);
      await daemon.createTask(id);
      await daemon.startTask(id);
    },
    end: async (serial) => {
      await daemon.kill(idOf(serial));
      await finish(idOf(serial));
    },
    close: async () => {
      await daemon.kill(keeper);
      await finish(keeper);
      await daemon.stop();
    },
  };
}
