import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Seccomp } from "../../lib/spec/seccomp.ts";
import type { FullConfig } from "../../lib/testing/runtime-bundle.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";
import { SeccompAgent } from "../../lib/testing/seccomp-agent.ts";

const MKDIR = "busybox mkdir /tmp/made";
const REFUSED = "mkdir: can't create directory '/tmp/made': Numerical argument out of domain\n";

/** A profile that tells of mkdir. */
function notify(listenerPath: string, more: Partial<Seccomp> = {}): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath,
    listenerMetadata: '{"agent": 1}',
    syscalls: [{ names: ["mkdir", "mkdirat", "nosuchcall"], action: "SCMP_ACT_NOTIFY" }],
    ...more,
  };
}

function withSeccomp(seccomp: Seccomp, noNewPrivileges = true) {
  return (config: FullConfig): FullConfig => ({
    ...config,
    process: { ...config.process, noNewPrivileges },
    linux: { ...config.linux, seccomp },
  });
}

async function withAgent(site: Site, work: (agent: SeccompAgent) => Promise<void>, errno?: "EDOM"): Promise<void> {
  const agent = new SeccompAgent(site.options.kernel, `${site.folder}/agent${Bun.nanoseconds()}.sock`, errno);
  try {
    await work(agent);
  } finally {
    await agent.close();
  }
}

describe("linux.seccomp.listenerPath", () => {
  const checked = useSite();

  for (const noNewPrivileges of [true, false]) {
    it(
      `lets a listener answer, ${noNewPrivileges ? "with" : "without"} no_new_privs`,
      checked(async (site) => {
        await withAgent(
          site,
          async (agent) => {
            const bundle = site.bundle(["sh", "-c", MKDIR], withSeccomp(notify(agent.path), noNewPrivileges));
            const outcome = await site.run("run", "--bundle", bundle, "web");
            expect(outcome).to.deep.include({ status: 1, stderr: REFUSED });
            const [{ state, ...process } = { state: undefined }, ...more] = agent.states;
            expect(more).to.deep.equal([]);
            expect(process).to.deep.include({
              ociVersion: "1.3.0",
              fds: ["seccompFd"],
              metadata: '{"agent": 1}',
              pid: state?.pid,
            });
            expect(state).to.deep.include({ id: "web", status: "creating", bundle });
            expect(agent.notifications).to.have.lengthOf(1);
          },
          "EDOM",
        );
      }),
    );
  }

  it(
    "hands a descriptor over for each process of exec",
    checked(async (site) => {
      await withAgent(
        site,
        async (agent) => {
          await site.ok("run", "--detach", "--bundle", site.bundle(LONG, withSeccomp(notify(agent.path))), "web");
          const init = Number((await site.state("web"))["pid"]);
          const outcome = await site.run("exec", "web", "sh", "-c", MKDIR);
          expect(outcome).to.deep.include({ status: 1, stderr: REFUSED });
          const pidFile = `${site.folder}/exec.pid`;
          await site.ok("exec", "--detach", "--pid-file", pidFile, "web", ...LONG);
          const detached = Number(readFileSync(pidFile, "utf8"));
          await waitUntil("third descriptor", () => agent.states.length === 3);
          expect(agent.states.map(({ state }) => [state.pid, state.status])).to.deep.equal([
            [init, "creating"],
            [init, "running"],
            [init, "running"],
          ]);
          expect(agent.states[2]?.pid).to.equal(detached);
          await site.ok("delete", "--force", "web");
        },
        "EDOM",
      );
    }),
  );

  it(
    "tells of what the runtime itself does after the filter is loaded, and of startContainer hooks",
    checked(async (site) => {
      await withAgent(site, async (agent) => {
        const names = ["sendto", "accept4", "execve", "close_range", "setresuid", "capset", "read", "openat"];
        const seccomp = notify(agent.path, { syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }] });
        const edit = withSeccomp(seccomp, false);
        const hooks = { startContainer: [{ path: "/bin/busybox", args: ["busybox", "true"] }] };
        const bundle = site.bundle(["true"], (config) => ({ ...edit(config), hooks }));
        await site.ok("create", "--bundle", bundle, "web");
        expect(await site.status("web")).to.equal("created");
        await site.ok("start", "web");
        await site.waitForStatus("web", "stopped");
        await site.ok("delete", "web");
        // execve(2) of the hook and of the program.
        expect(agent.notifications.filter(({ nr }) => nr === 59)).to.have.lengthOf(2);
      });
    }),
  );

  it(
    "lets the process go on with WAIT_KILLABLE_RECV",
    checked(async (site) => {
      await withAgent(site, async (agent) => {
        const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"] as const;
        const seccomp = notify(agent.path, { flags });
        const bundle = site.bundle(["sh", "-c", `${MKDIR} && ls -d /tmp/made`], withSeccomp(seccomp));
        expect(await site.ok("run", "--bundle", bundle, "web")).to.equal("/tmp/made\n");
      });
    }),
  );

  it(
    "says so when nobody listens, for create and for exec, and leaves nothing behind",
    checked(async (site) => {
      const missing = `${site.folder}/nobody.sock`;
      const bundle = site.bundle(["true"], withSeccomp(notify(missing)));
      expect(await site.run("run", "--bundle", bundle, "web")).to.deep.include({
        status: 1,
        stderr:
          `tsrun: cannot reach the seccomp listener (linux.seccomp.listenerPath): cannot connect to ${missing}: ` +
          "no such file or directory (ENOENT)\n",
      });
      expect((await site.run("state", "web")).stderr).to.include("does not exist");
      await withAgent(site, async (agent) => {
        await site.ok("run", "--detach", "--bundle", site.bundle(LONG, withSeccomp(notify(agent.path))), "web");
        await agent.close();
        const { status, stderr } = await site.run("exec", "web", "true");
        expect(status).to.equal(255);
        expect(stderr).to.match(/cannot reach the seccomp listener .*: connection refused \(ECONNREFUSED\)\n$/);
        await site.ok("delete", "--force", "web");
      });
    }),
  );

  it(
    "does without a listener when no rule tells of calls",
    checked(async (site) => {
      const seccomp = notify(`${site.folder}/nobody.sock`, { syscalls: [] });
      await site.ok("run", "--bundle", site.bundle(["true"], withSeccomp(seccomp)), "web");
    }),
  );
});
