import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import { isAlive } from "../../harness/workspace.ts";
import type { EqualityCase } from "../flow.ts";
import type { Session } from "../session.ts";

/** How long SIGKILL may take to reach the processes beside init. */
const OTHERS_END_MS = 10_000;

const WAITING =
  'trap "echo hup; exit 31" HUP; trap "echo usr1; exit 32" USR1; trap "echo term; exit 33" TERM; trap "echo int; exit 34" INT; echo ready; while :; do sleep 0.05; done';

function shell(session: Session, script: string): void {
  session.config.process.args = ["/bin/sh", "-c", script];
}

function statusCase(name: string, script: string, prepare?: (session: Session) => void): EqualityCase {
  return {
    name: `exits/${name}`,
    observe: async (session) => {
      shell(session, script);
      prepare?.(session);
      session.writeBundle();
      const outcome = await session.invoke(["run", session.id]);
      session.record("run", [`exit ${outcome.status}`, `stderr ${outcome.stderr === "" ? "silent" : "speaks"}`]);
      session.record("stdout", outcome.stdout.split("\n"));
      await session.recordLeftovers(0);
    },
  };
}

/** Sends a signal to the runtime in the foreground; the container's own trap answers. */
function forwardCase(signal: NodeJS.Signals): EqualityCase {
  return {
    name: `exits/${signal} is forwarded`,
    observe: async (session) => {
      shell(session, WAITING);
      session.writeBundle();
      const running = session.begin(session.command(["run", session.id]));
      await waitUntil("ready container", () => running.output().includes("ready"));
      running.signal(signal);
      const outcome = await running.outcome;
      session.record("run", [`exit ${outcome.status}`, ...outcome.stdout.trim().split("\n")]);
      await session.recordLeftovers(0);
    },
  };
}

/** Sends a signal by `kill`, in the given words, to a detached container that has a trap for it. */
function killCase(words: readonly string[], answer: string): EqualityCase {
  return {
    name: `exits/kill ${words.join(" ") || "without a signal"}`,
    observe: async (session) => {
      shell(session, WAITING);
      session.writeBundle();
      const pidFile = join(session.scratch, "pid");
      const running = session.begin(session.command(["run", "--detach", "--pid-file", pidFile, session.id]));
      session.recordOutcome("run --detach", await running.outcome);
      await waitUntil("ready container", () => running.output().includes("ready"));
      const pid = Number(readFileSync(pidFile, "utf8"));
      session.recordOutcome("kill 0", await session.invoke(["kill", session.id, "0"]));
      session.recordOutcome("kill", await session.invoke(["kill", session.id, ...words]));
      await waitUntil("end of the container", () => !isAlive(pid));
      session.record("answer", [running.output().includes(answer) ? answer : `not ${answer}`]);
      session.recordOutcome("delete", await session.invoke(["delete", session.id]));
      await session.recordLeftovers(pid);
    },
  };
}

/** Without a pid namespace, SIGKILL to init must reach the container's other processes too. */
function killAllCase(words: readonly string[]): EqualityCase {
  return {
    name: `exits/${words.join(" ")} without a pid namespace`,
    observe: async (session) => {
      shell(session, "sleep 1000 & sleep 1000 & echo ready; wait");
      session.config.linux.namespaces = session.config.linux.namespaces.filter(({ type }) => type !== "pid");
      session.writeBundle();
      const running = session.begin(session.command(["run", "--detach", session.id]));
      session.recordOutcome("run --detach", await running.outcome);
      await waitUntil("ready container", () => running.output().includes("ready"));
      session.recordOutcome(
        words.join(" "),
        await session.invoke([...words.slice(0, 1), ...words.slice(1, -1), session.id, ...words.slice(-1)]),
      );
      const state = async (): Promise<string> => (await session.invoke(["state", session.id])).stdout;
      await waitUntil("stopped state", async () => (await state()).includes('"stopped"'));
      await waitUntil("end of the others", () => session.processes().length === 0, OTHERS_END_MS).catch(
        () => undefined,
      );
      session.record("others", [session.processes().length === 0 ? "ended too" : "live on until delete"]);
      // runc kills the others only now, and may complain of a cgroup that is still busy.
      const deleted = await session.invoke(["delete", session.id]);
      session.record("delete", [`exit ${deleted.status}`]);
      await session.recordLeftovers(0);
    },
  };
}

/** What init leaves behind without a pid namespace: SIGKILL reaches it although the container has stopped. */
const killAfterInit: EqualityCase = {
  name: "exits/kill KILL after init, without a pid namespace",
  observe: async (session) => {
    shell(session, "sleep 1000 & sleep 1000 & echo ready");
    session.config.linux.namespaces = session.config.linux.namespaces.filter(({ type }) => type !== "pid");
    session.writeBundle();
    const running = session.begin(session.command(["run", "--detach", session.id]));
    session.recordOutcome("run --detach", await running.outcome);
    const state = async (): Promise<string> => (await session.invoke(["state", session.id])).stdout;
    await waitUntil("stopped state", async () => (await state()).includes('"stopped"'));
    session.recordOutcome("kill TERM", await session.invoke(["kill", session.id, "TERM"]));
    session.recordOutcome("kill KILL", await session.invoke(["kill", session.id, "KILL"]));
    await waitUntil("end of the others", () => session.processes().length === 0, OTHERS_END_MS).catch(() => undefined);
    session.record("others", [session.processes().length === 0 ? "ended too" : "live on until delete"]);
    const deleted = await session.invoke(["delete", session.id]);
    session.record("delete", [`exit ${deleted.status}`]);
    await session.recordLeftovers(0);
  },
};

/** runtime.md § Lifecycle: deleting by force at every stage. */
function forcedDeleteCase(stage: "created" | "running" | "stopped" | "missing"): EqualityCase {
  return {
    name: `exits/delete --force when ${stage}`,
    observe: async (session) => {
      shell(session, stage === "stopped" ? "true" : WAITING);
      session.writeBundle();
      const pidFile = join(session.scratch, "pid");
      let pid = 0;
      if (stage !== "missing") {
        session.recordOutcome("create", await session.invoke(["create", "--pid-file", pidFile, session.id]));
        pid = Number(readFileSync(pidFile, "utf8"));
      }
      if (stage === "running" || stage === "stopped")
        session.recordOutcome("start", await session.invoke(["start", session.id]));
      if (stage === "stopped") await waitUntil("end of the container", () => !isAlive(pid));
      session.recordOutcome("delete", await session.invoke(["delete", "--force", session.id]));
      session.recordOutcome("state", await session.invoke(["state", session.id]));
      await session.recordLeftovers(pid);
    },
  };
}

/** Exit statuses and signals. */
export function exitCases(): readonly EqualityCase[] {
  const withoutPid = (session: Session): void => {
    session.config.linux.namespaces = session.config.linux.namespaces.filter(({ type }) => type !== "pid");
  };
  return [
    statusCase("status 0", "echo out; echo err >&2"),
    statusCase("status 7", "exit 7"),
    statusCase("status 255", "exit 255"),
    statusCase("killed by SIGKILL", "kill -KILL $$", withoutPid),
    statusCase("killed by SIGSEGV", "kill -SEGV $$", withoutPid),
    statusCase("killed by SIGTERM", "kill -TERM $$", withoutPid),
    statusCase("orphan of init", "(sleep 0.2; echo late) & exit 5"),
    statusCase("large output", "dd if=/dev/zero bs=1000 count=1000 2>/dev/null | od -v | tail -n 3"),
    ...(["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"] as const).map(forwardCase),
    killCase([], "term"),
    ...["TERM", "SIGTERM", "sigterm", "term", "15"].map((word) => killCase([word], "term")),
    killCase(["USR1"], "usr1"),
    killCase(["1"], "hup"),
    killCase(["KILL"], "ready"),
    killAllCase(["kill", "KILL"]),
    killAllCase(["kill", "--all", "KILL"]),
    killAfterInit,
    ...(["created", "running", "stopped", "missing"] as const).map(forcedDeleteCase),
  ];
}
