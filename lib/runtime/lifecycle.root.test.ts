import { readFileSync } from "node:fs";
import { expect } from "chai";
import { ContainerError, SyscallError } from "../errors.ts";
import type { SyscallName } from "../linux/constants/syscalls.ts";
import type { Kernel, KernelArgument } from "../linux/kernel.ts";
import type { FullConfig } from "../testing/runtime-bundle.ts";
import { useSite } from "../testing/runtime-hooks.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { isAlive } from "../testing/runtime-proc.ts";
import { TSRUN } from "../testing/runtime-program.ts";
import { LONG, type Site } from "../testing/runtime-site.ts";
import { create } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { kill } from "./kill.ts";
import { list } from "./list.ts";
import { start } from "./start.ts";
import { getState } from "./state.ts";

const SIGKILL = 9;

function request(bundle: string, id = "web") {
  return { id, bundle, noPivot: false, noNewKeyring: false, preserveFds: 0 };
}

const withMount =
  (mount: object) =>
  (config: FullConfig): unknown => ({ ...config, mounts: [...config.mounts, mount] });

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A process that goes on and has containers for children, as a shim does: zombies and descriptors would add up. */
describe("lib/runtime in a process that stays", () => {
  const checked = useSite();

  it(
    "creates, starts, kills and deletes",
    checked(async (site) => {
      const { options } = site;
      const pidFile = `${site.folder}/lib.pid`;
      await create(options, { ...request(site.bundle(LONG)), pidFile });
      const pid = Number(readFileSync(pidFile, "utf8"));
      expect(getState(options, "web")).to.deep.include({ id: "web", status: "created", pid });
      await start(options, "web");
      expect(getState(options, "web").status).to.equal("running");
      kill(options, "web", SIGKILL, { all: false });
      await waitUntil("end of init", () => !isAlive(pid));
      expect(getState(options, "web")).to.deep.include({ status: "stopped", pid: 0 });
      expect(list(options).map(({ id, owner }) => ({ id, owner }))).to.deep.equal([{ id: "web", owner: "root" }]);
      await deleteContainer(options, "web", { force: false });
      expect(list(options)).to.deep.equal([]);
    }),
  );

  it(
    "deletes by force a container that runs, and one that waits",
    checked(async (site) => {
      const { options } = site;
      await create(options, request(site.bundle(LONG), "runs"));
      await create(options, request(site.bundle(LONG), "waits"));
      await start(options, "runs");
      await deleteContainer(options, "runs", { force: true });
      await deleteContainer(options, "waits", { force: true });
    }),
  );

  it(
    "says which call of which process the kernel refused, and for which property",
    checked(async (site) => {
      const bundle = site.bundle(LONG, withMount({ destination: "/mnt", type: "tmpfs", options: ["ro", "foo=1"] }));
      const error = await errorOf(create(site.options, request(bundle)));
      expect(error).to.be.instanceOf(SyscallError);
      expect(error).to.have.deep.property("details", {
        call: "fsconfig",
        errno: "EINVAL",
        path: "/mnt",
        pointer: "/mounts/7/options/1",
        process: "init",
      });
    }),
  );

  it(
    "refuses what it finds out only when the first part of the program runs",
    checked(async (site) => {
      const bundle = site.bundle(LONG, withMount({ destination: "/proc/self/attr", type: "tmpfs" }));
      expect(await errorOf(create(site.options, request(bundle))))
        .to.be.instanceOf(ContainerError)
        .with.property("code", "invalid_argument");
    }),
  );

  it(
    "reports a refusal of the first part of the program, whatever else was under way",
    checked(async (site) => {
      const namespaces = [{ type: "mount" }, { type: "uts" }, { type: "network", path: "/nonexistent" }];
      const bundle = site.bundle(LONG, (config) => ({ ...config, linux: { ...config.linux, namespaces } }));
      for (let round = 0; round < 10; round++) {
        expect(await errorOf(create(site.options, request(bundle)))).to.have.property(
          "message",
          "cannot join the network namespace /nonexistent (linux.namespaces[2].path): no such file or directory (ENOENT)",
        );
      }
    }),
  );
});

/** A kernel that does something once, right after the first call that matches. */
class InterruptingKernel implements Kernel {
  readonly architecture;
  readonly #kernel: Kernel;
  readonly #matches: (name: SyscallName, args: readonly KernelArgument[]) => boolean;
  #interrupt: (() => void) | undefined;

  constructor(
    kernel: Kernel,
    matches: (name: SyscallName, args: readonly KernelArgument[]) => boolean,
    interrupt: () => void,
  ) {
    this.#kernel = kernel;
    this.architecture = kernel.architecture;
    this.#matches = matches;
    this.#interrupt = interrupt;
  }

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    const result = this.#kernel.call(name, ...args);
    const interrupt = this.#interrupt;
    if (interrupt !== undefined && this.#matches(name, args)) {
      this.#interrupt = undefined;
      interrupt();
    }
    return result;
  }

  spawn(path: string, argv: readonly string[]): number {
    return this.#kernel.spawn(path, argv);
  }
}

/** Runs the built program, while this process is in the middle of something. */
function meanwhile(site: Site, ...words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([TSRUN, "--root", site.root, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  expect({ words, exitCode, stderr: stderr?.toString() }).to.deep.equal({ words, exitCode: 0, stderr: "" });
}

describe("lib/runtime, overtaken by others", () => {
  const checked = useSite();

  it(
    "create: deleted and made again before it has the lock, it leaves the other container alone",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      const kernel = new InterruptingKernel(
        site.options.kernel,
        (name, args) => name === "mkdirat" && args[1] === `${site.root}/web`,
        () => {
          meanwhile(site, "delete", "--force", "web");
          // Its output goes nowhere: the container holds it open.
          Bun.spawnSync([TSRUN, "--root", site.root, "create", "--bundle", bundle, "web"], {
            stdio: ["ignore", "ignore", "ignore"],
          });
        },
      );
      const error = await errorOf(create({ ...site.options, kernel }, request(bundle)));
      expect(error).to.be.instanceOf(ContainerError).with.property("code", "already_exists");
      expect(await site.status("web")).to.equal("created");
      await site.ok("delete", "web");
    }),
  );

  it(
    "start: deleted and made again before it has the lock, it does not start without one",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      await site.ok("create", "--bundle", bundle, "web");
      const kernel = new InterruptingKernel(
        site.options.kernel,
        (name, args) => name === "openat" && args[1] === `${site.root}/web`,
        () => meanwhile(site, "delete", "--force", "web"),
      );
      const error = await errorOf(start({ ...site.options, kernel }, "web"));
      expect(error).to.be.instanceOf(ContainerError).with.property("code", "not_found");
    }),
  );
});
