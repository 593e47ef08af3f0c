import { IMAGE } from "../containerd/image.ts";
import type { Setting, Site } from "./site.ts";

/** What a client asks for, in the midst of which something is killed. */
export interface Operation {
  readonly name: string;
  /** Makes what it needs. */
  prepare(site: Site, id: string): Promise<void>;
  /** Who asks; without it is ctr. */
  readonly client?: string;
  readonly words: (id: string) => readonly string[];
  /** Looks whether what was acknowledged is there, and does what was not. @throws {Error} with what is wrong */
  check(site: Site, id: string, outcome: { readonly isDone: boolean; readonly stdout: string }): Promise<void>;
}

const SLEEP = ["sleep", "1000"];
/** What a task may be when nobody was told that it runs. */
/**
 * More than a FIFO holds: it cannot end before somebody reads it. Of an exec that writes little ctr shows nothing now and then
 * on a busy machine, with containerd as well: it has the exec deleted before it has come to open the FIFO.
 */
const LINES = 15_000;
const COUNT = ["/bin/busybox", "seq", String(LINES)];
const COUNTED = Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join("");
const SHOWN_CHARS = 40;
const ANY = ["", "CREATED", "RUNNING", "STOPPED"];

function require(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

/** What the daemon does with images. */
export function imageOperations({ archive, manifest }: Setting): readonly Operation[] {
  const isComplete = async (site: Site) => (await site.ok("images", "check")).includes("complete");
  return [
    {
      name: "import",
      prepare: async (site) => {
        await site.ctr("images", "rm", "--sync", IMAGE);
      },
      words: () => ["images", "import", "--no-unpack", archive],
      check: async (site, _id, { isDone }) => {
        if (isDone) require(await isComplete(site), "the image was acknowledged and is not complete");
        await site.ok("images", "import", "--no-unpack", archive);
        require(await isComplete(site), "the image is not complete");
      },
    },
    {
      name: "unpack",
      prepare: async (site) => {
        await site.ctr("images", "rm", "--sync", IMAGE);
        await site.ok("images", "import", "--no-unpack", archive);
      },
      words: () => ["snapshots", "unpack", manifest],
      check: async (site, id, { isDone }) => {
        const committed = async () =>
          (await site.ok("snapshots", "ls")).match(/^sha256:\S+\s.*Committed/gm)?.length ?? 0;
        if (isDone) require((await committed()) === 2, "the layers were acknowledged and are not there");
        await site.ok("snapshots", "unpack", manifest);
        require((await committed()) === 2, `there are ${await committed()} layers, must be 2`);
        const last = await site.ok("run", "--rm", IMAGE, id, "cat", "/many/199");
        require(last === "file 199\n", `the last file has ${JSON.stringify(last)}`);
      },
    },
  ];
}

/** What the daemon and a shim do with a container. */
export const CONTAINER_OPERATIONS: readonly Operation[] = [
  {
    name: "create",
    prepare: async () => undefined,
    words: (id) => ["containers", "create", IMAGE, id, ...SLEEP],
    check: async (site, id, { isDone }) => {
      const isThere = await site.has(id, "containers", "ls");
      if (isDone) require(isThere, "the container was acknowledged and is not there");
      if (!isThere) {
        await site.ctr("snapshots", "rm", id);
        await site.ok("containers", "create", IMAGE, id, ...SLEEP);
      }
      await site.ok("tasks", "start", "--detach", id);
    },
  },
  {
    name: "start",
    prepare: async (site, id) => {
      await site.ok("containers", "create", IMAGE, id, ...SLEEP);
    },
    words: (id) => ["tasks", "start", "--detach", id],
    check: async (site, id, { isDone }) => {
      const [, status = ""] = await site.task(id);
      require(isDone ? status === "RUNNING" : ANY.includes(status), `the task is ${status}`);
      if (status !== "RUNNING") {
        await site.ctr("tasks", "rm", "--force", id);
        await site.ok("tasks", "start", "--detach", id);
      }
    },
  },
  {
    name: "exec",
    prepare: async (site, id) => {
      await site.ok("run", "--detach", IMAGE, id, ...SLEEP);
    },
    words: (id) => ["tasks", "exec", "--exec-id", "first", id, ...COUNT],
    check: async (site, id, { isDone, stdout }) => {
      if (isDone) require(stdout === COUNTED, `the exec has written ${JSON.stringify(stdout.slice(0, SHOWN_CHARS))}`);
      const [, status] = await site.task(id);
      require(status === "RUNNING", `the task is ${status}`);
      const second = await site.ok("tasks", "exec", "--exec-id", "second", id, ...COUNT);
      require(second === COUNTED, `the second exec has written ${JSON.stringify(second.slice(0, SHOWN_CHARS))}`);
    },
  },
  {
    name: "delete",
    prepare: async (site, id) => {
      await site.ok("run", "--detach", IMAGE, id, ...SLEEP);
    },
    words: (id) => ["tasks", "rm", "--force", id],
    check: async (site, id, { isDone }) => {
      const [, status = ""] = await site.task(id);
      require(isDone ? status === "" : ANY.includes(status), `the task is ${status}`);
      require(await site.has(id, "containers", "ls"), "the container is gone");
    },
  },
];
