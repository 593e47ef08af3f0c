import { existsSync } from "node:fs";
import { expect } from "chai";
import { SOCK_FLAGS, SOCKET } from "../../lib/linux/constants/sockets.ts";
import { OwnedFd, openCall } from "../../lib/linux/fd.ts";
import { addressOf } from "../../lib/linux/ffi.ts";
import { readText } from "../../lib/linux/files.ts";
import type { Kernel } from "../../lib/linux/kernel.ts";
import { connectDatagram, receiveWithFd } from "../../lib/linux/socket.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { startProgram, TSRUN } from "../../lib/testing/runtime-program.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";

/** A socket that others send to; not blocking. */
function bindSocket(kernel: Kernel, type: "SOCK_STREAM" | "SOCK_DGRAM", path: string): OwnedFd {
  const bits = SOCKET[type] + SOCK_FLAGS.SOCK_CLOEXEC + SOCK_FLAGS.SOCK_NONBLOCK;
  using socket = openCall(kernel, { doing: "listen" }, "socket", SOCKET.AF_UNIX, bits, 0);
  const address = Buffer.from(`\x01\x00${path}\0`, "latin1");
  kernel.call("bind", socket.number, address, address.length);
  if (type === "SOCK_STREAM") kernel.call("listen", socket.number, 8);
  return socket.move();
}

/** proc_pid_fdinfo(5): the process that a pidfd is of. */
function pidOf(kernel: Kernel, fd: OwnedFd): number {
  return Number(/^Pid:\t(\d+)$/m.exec(readText(kernel, `/proc/self/fdinfo/${fd.number}`))?.[1]);
}

interface Accepted {
  readonly payload: string;
  readonly pid: number;
}

/** The connections that have come to a socket, each with one message and one pidfd. */
function acceptAll(kernel: Kernel, listener: OwnedFd): readonly Accepted[] {
  const found: Accepted[] = [];
  for (;;) {
    const number = kernel.call("accept4", listener.number, 0, 0, SOCK_FLAGS.SOCK_CLOEXEC);
    if (number < 0) return found;
    using connection = new OwnedFd(kernel, number);
    const { bytes, fd } = receiveWithFd(kernel, connection, new Uint8Array(64), addressOf);
    using pidfd = fd;
    const rest = receiveWithFd(kernel, connection, new Uint8Array(64), addressOf);
    expect(rest.bytes).to.have.lengthOf(0);
    found.push({ payload: new TextDecoder().decode(bytes), pid: pidfd === undefined ? 0 : pidOf(kernel, pidfd) });
  }
}

describe("--pidfd-socket", () => {
  const checked = useSite();

  it(
    "is sent one pidfd of init, or of the process of exec",
    checked(async (site) => {
      const { kernel } = site.options;
      const path = `${site.folder}/pidfd.sock`;
      using listener = bindSocket(kernel, "SOCK_STREAM", path);
      await site.ok("create", "--bundle", site.bundle(LONG), "--pidfd-socket", path, "created");
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "--pidfd-socket", path, "running");
      const receiver = { "run.oci.pidfd_receiver": path };
      const annotated = site.bundle(LONG, (config) => ({ ...config, annotations: receiver }));
      await site.ok("create", "--bundle", annotated, "annotated");
      const pids = await Promise.all(
        ["created", "running", "annotated"].map(async (id) => Number((await site.state(id))["pid"])),
      );
      expect(acceptAll(kernel, listener)).to.deep.equal(pids.map((each) => ({ payload: "pidfd", pid: each })));
      const pidFile = `${site.folder}/exec.pid`;
      await site.ok("exec", "--detach", "--pidfd-socket", path, "--pid-file", pidFile, "running", ...LONG);
      const pid = Number(readText(kernel, pidFile));
      expect(acceptAll(kernel, listener)).to.deep.equal([{ payload: "pidfd", pid }]);
      for (const id of ["created", "running", "annotated"]) await site.ok("delete", "--force", id);
    }),
  );

  it(
    "has to have somebody who listens",
    checked(async (site) => {
      const path = `${site.folder}/nobody.sock`;
      const { status, stderr } = await site.run("create", "--bundle", site.bundle(LONG), "--pidfd-socket", path, "web");
      expect({ status, stderr }).to.deep.equal({
        status: 1,
        stderr:
          `tsrun: cannot send the pidfd to ${path}: cannot connect to ${path}: ` +
          "no such file or directory (ENOENT)\n",
      });
      expect((await site.run("state", "web")).stderr).to.include("does not exist");
    }),
  );
});

/** The messages a service manager has got so far; what comes with a descriptor is closed, which ends a barrier. */
class Manager implements AsyncDisposable {
  readonly messages: string[] = [];
  readonly path: string;
  readonly #kernel: Kernel;
  readonly #socket: OwnedFd;
  readonly #timer: Timer;

  constructor(site: Site) {
    this.#kernel = site.options.kernel;
    this.path = `${site.folder}/manager${Bun.nanoseconds()}.sock`;
    this.#socket = bindSocket(this.#kernel, "SOCK_DGRAM", this.path);
    this.#timer = setInterval(() => this.#receive(), 2);
  }

  #receive(): void {
    const ready = new Int32Array([this.#socket.number, 1]);
    while (this.#kernel.call("ppoll", ready, 1, BigInt64Array.of(0n, 0n), 0, 8) === 1) {
      const { bytes, fd } = receiveWithFd(this.#kernel, this.#socket, new Uint8Array(4096), addressOf);
      fd?.close();
      this.messages.push(new TextDecoder().decode(bytes));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#socket.close();
    await Promise.resolve();
  }
}

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** Says what the container finds, then waits for its end. */
const LOOK = "echo $NOTIFY_SOCKET; ls -l /run/notify/notify.sock | cut -c1-10; sleep 1000";

describe("NOTIFY_SOCKET", () => {
  const checked = useSite();
  const withManager = (work: (site: Site, manager: Manager) => Promise<void>) =>
    checked(async (site) => {
      await using manager = new Manager(site);
      await work(site, manager);
    });

  /** Sends what a program in the container would; waits until the proxy is there. */
  const say = async (site: Site, id: string, ...messages: readonly string[]): Promise<void> => {
    const { kernel } = site.options;
    const path = `${site.root}/${id}/notify/notify.sock`;
    await waitUntil("proxy", () => existsSync(path));
    using socket = connectDatagram(kernel, path);
    for (const message of messages) {
      const payload = new TextEncoder().encode(message);
      kernel.call("sendto", socket.number, payload, payload.length, 0, 0, 0);
    }
  };

  it(
    "is told by start when the program of the container is ready, and which process it is",
    withManager(async (site, manager) => {
      const env = { PATH, NOTIFY_SOCKET: manager.path };
      const created = site.start(["create", "--bundle", site.bundle(["sh", "-c", LOOK]), "web"], { env });
      expect(await created.outcome).to.deep.include({ status: 0, stderr: "" });
      const init = (await site.state("web"))["pid"];
      const started = site.start(["start", "web"], { env });
      await say(site, "web", "STATUS=starting", "X=1\nREADY=1\nSTATUS=up");
      expect(await started.outcome).to.deep.include({ status: 0, stderr: "" });
      expect(manager.messages).to.deep.equal(["READY=1\n", `MAINPID=${init}\n`, "BARRIER=1"]);
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "is told by run, which names itself when it stays, and by run --detach",
    withManager(async (site, manager) => {
      const env = { PATH, NOTIFY_SOCKET: manager.path };
      const detached = site.start(["run", "--detach", "--bundle", site.bundle(LONG), "web"], { env });
      await say(site, "web", "READY=1");
      expect(await detached.outcome).to.deep.include({ status: 0, stderr: "" });
      const init = (await site.state("web"))["pid"];
      expect(manager.messages.splice(0)).to.deep.equal(["READY=1\n", `MAINPID=${init}\n`, "BARRIER=1"]);
      await site.ok("delete", "--force", "web");

      const program = site.start(["run", "--bundle", site.bundle(["sh", "-c", LOOK]), "web"], { env });
      await say(site, "web", "READY=1");
      await waitUntil("two messages", () => manager.messages.length === 2);
      expect(manager.messages).to.deep.equal(["READY=1\n", `MAINPID=${program.pid}\n`]);
      await site.ok("kill", "web", "KILL");
      expect(await program.outcome).to.deep.include({
        status: 137,
        stdout: "/run/notify/notify.sock\nsrwxrwxrwx\n",
        stderr: "",
      });
    }),
  );

  it(
    "is not waited for when the program ends without a word",
    withManager(async (site, manager) => {
      const env = { PATH, NOTIFY_SOCKET: manager.path };
      const outcome = site.start(["run", "--detach", "--bundle", site.bundle(["true"]), "web"], { env }).outcome;
      expect(await outcome).to.deep.include({ status: 0, stderr: "" });
      expect(manager.messages).to.deep.equal([]);
      await site.ok("delete", "web");
    }),
  );

  it(
    "is a warning when nobody listens, and nothing for a container that was made without",
    checked(async (site) => {
      const env = { PATH, NOTIFY_SOCKET: `${site.folder}/nobody.sock` };
      const { status, stderr } = await site.start(["run", "--bundle", site.bundle(["true"]), "web"], { env }).outcome;
      expect(status).to.equal(0);
      expect(stderr).to.match(
        /cannot tell the service manager when the container is ready: cannot connect to .*ENOENT/,
      );
      const shared = site.bundle(["true"], ({ mounts: _mounts, root, ...config }) => ({
        ...config,
        root: { ...root, readonly: false },
        linux: { cgroupsPath: config.linux.cgroupsPath, namespaces: [{ type: "pid" }, { type: "uts" }] },
      }));
      await using manager = new Manager(site);
      const unmounted = { PATH, NOTIFY_SOCKET: manager.path };
      const { outcome } = site.start(["run", "--detach", "--bundle", shared, "shared"], { env: unmounted });
      expect(await outcome).to.deep.include({ status: 0, stderr: "" });
      await site.ok("delete", "--force", "shared");
      await site.ok("create", "--bundle", site.bundle(["true"]), "web");
      const started = await site.start(["start", "web"], { env }).outcome;
      expect(started).to.deep.include({ status: 0, stderr: "" });
      await site.waitForStatus("web", "stopped");
      await site.ok("delete", "web");
    }),
  );
});

describe("LISTEN_FDS", () => {
  const checked = useSite();

  it(
    "reaches the container, in front of the descriptors to preserve",
    checked(async (site) => {
      const look =
        "echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; for fd in 3 4 5; do test -e /proc/self/fd/$fd && echo $fd; done; true";
      const bundle = site.bundle(["sh", "-c", look]);
      // Only the process itself can know the pid that has to be in its environment.
      const launch = `LISTEN_FDS=2 LISTEN_FDNAMES=a:b LISTEN_PID=$$ exec ${TSRUN} --root ${site.root} "$@"`;
      await site.withHostDescriptors(3, async (descriptors) => {
        const words = ["run", "--preserve-fds", "1", "--bundle", bundle, "web"];
        const { outcome } = startProgram(["sh", "-c", launch, "sh", ...words], { descriptors });
        expect(await outcome).to.deep.include({ status: 0, stderr: "", stdout: "2 1 a:b\n3\n4\n5\n" });
      });
      const other = site.start(["run", "--bundle", bundle, "web"], { env: { PATH, LISTEN_FDS: "2", LISTEN_PID: "1" } });
      expect(await other.outcome).to.deep.include({ status: 0, stderr: "", stdout: "\n" });
    }),
  );
});
