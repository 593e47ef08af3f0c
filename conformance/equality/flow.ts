import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../harness/config.ts";
import { waitUntil } from "../harness/poll.ts";
import { isAlive, readProc } from "../harness/workspace.ts";
import { cgroupView } from "./cgroup-view.ts";
import { flattenJson, normaliseState, normaliseTable } from "./normalise.ts";
import { normaliseProbe, type ProbeOptions, parseProbe } from "./probe.ts";
import type { Session } from "./session.ts";

/** One case: a name and what to do with a fresh session. */
export interface EqualityCase {
  readonly name: string;
  readonly observe: (session: Session) => Promise<void>;
}

/** How the container is started: in two steps, in the foreground, detached, or with a terminal in two ways. */
export type Via = "create" | "run" | "detached" | "pty" | "console";

/** A case that runs the probe under a changed config. */
export interface ProbeCase {
  readonly name: string;
  readonly configure?: (config: Config, session: Session) => void;
  /** Before the bundle is written: files in the rootfs, namespaces to join. */
  readonly prepare?: (session: Session) => void | Promise<void>;
  /** Changes the text of config.json, for what a JavaScript object cannot say. */
  readonly edit?: (text: string) => string;
  /** After the container is gone: what the host shall look at. */
  readonly inspect?: (session: Session) => void;
  readonly flags?: readonly string[] | ((session: Session) => readonly string[]);
  readonly via?: Via;
  readonly probe?: ProbeOptions;
  /** Words before the runtime's own, such as a shell that opens descriptors. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The pid in the pid file, noting how the file is written. */
export function recordPidFile(session: Session, path: string): number {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "missing";
  session.record("pid file", [/^\d+$/.test(text) ? "decimal, no newline" : `unexpected: ${JSON.stringify(text)}`]);
  return Number.parseInt(text, 10) || 0;
}

/** `state` and `list` as JSON, table and ids. */
export async function recordState(session: Session, when: string): Promise<void> {
  const state = await session.invoke(["state", session.id]);
  session.record(`state ${when}`, [`exit ${state.status}`, ...normaliseState(flattenJson(state.stdout))]);
  const json = await session.invoke(["list", "--format", "json"]);
  session.record(`list json ${when}`, [`exit ${json.status}`, ...normaliseState(flattenJson(json.stdout))]);
  const table = await session.invoke(["list"]);
  const pid = Number(/"pid": *(\d+)/.exec(state.stdout)?.[1] ?? 0);
  session.record(`list table ${when}`, [`exit ${table.status}`, ...normaliseTable(table.stdout, pid)]);
  const quiet = await session.invoke(["list", "-q"]);
  session.record(`list ids ${when}`, [`exit ${quiet.status}`, quiet.stdout.trim()]);
}

/** Sorts a probe's output into the observation. */
export function recordProbe(session: Session, output: string): void {
  for (const [section, lines] of normaliseProbe(parseProbe(output), session.names, session.namespaces))
    session.record(section, lines);
}

/** What the root filesystem has become: every entry outside /bin with type, mode and owner. */
export function recordRootfs(session: Session): void {
  const lines: string[] = [];
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(session.rootfs, folder)).sort()) {
      const path = join(folder, name);
      const stat = lstatSync(join(session.rootfs, path));
      lines.push(`${path} mode ${stat.mode.toString(8)} owner ${stat.uid}:${stat.gid}`);
      if (stat.isDirectory() && path !== "/bin") walk(path);
    }
  };
  walk("/");
  session.record("rootfs after", lines);
}

function flagsOf(session: Session, plan: ProbeCase): readonly string[] {
  return typeof plan.flags === "function" ? plan.flags(session) : (plan.flags ?? []);
}

async function throughCreate(session: Session, plan: ProbeCase): Promise<number> {
  const pidFile = join(session.scratch, "pid");
  const words = ["create", "--bundle", session.bundle, "--pid-file", pidFile, ...flagsOf(session, plan), session.id];
  const container = session.begin([...(plan.wrap ?? []), ...session.command(words)], plan.env ? { env: plan.env } : {});
  const created = await container.outcome;
  session.recordOutcome("create", created);
  if (created.status !== 0) return 0;
  const pid = recordPidFile(session, pidFile);
  await recordState(session, "created");
  const cgroup = cgroupView(pid);
  session.record("cgroup paths seen from the host", cgroup.paths);
  session.record("cgroup values", cgroup.values);
  session.record("created init", [
    `oom_score_adj ${readProc(pid, "oom_score_adj").trim()}`,
    `threads ${/Threads:\s*(\d+)/.exec(readProc(pid, "status"))?.[1] === "1" ? "one" : "several"}`,
  ]);
  session.recordOutcome("start", await session.invoke(["start", session.id]));
  await waitUntil("end of the container", () => !isAlive(pid));
  await recordState(session, "stopped");
  recordProbe(session, container.output());
  session.recordOutcome("delete", await session.invoke(["delete", session.id]));
  return pid;
}

async function throughRun(session: Session, plan: ProbeCase): Promise<number> {
  const words = ["run", "--bundle", session.bundle, ...flagsOf(session, plan), session.id];
  const terminal = plan.via === "pty" ? [session.helpers.pty, "run", "33", "99"] : [];
  const command = [...terminal, ...(plan.wrap ?? []), ...session.command(words)];
  const outcome = await session.begin(command, plan.env ? { env: plan.env } : {}).outcome;
  session.recordOutcome("run", outcome);
  recordProbe(session, outcome.stdout);
  return 0;
}

async function throughDetached(session: Session, plan: ProbeCase): Promise<number> {
  const pidFile = join(session.scratch, "pid");
  const flags = ["--detach", "--bundle", session.bundle, "--pid-file", pidFile, ...flagsOf(session, plan)];
  const container = session.begin([...(plan.wrap ?? []), ...session.command(["run", ...flags, session.id])]);
  const outcome = await container.outcome;
  session.recordOutcome("run --detach", outcome);
  if (outcome.status !== 0) return 0;
  const pid = recordPidFile(session, pidFile);
  await waitUntil("end of the container", () => !isAlive(pid));
  recordProbe(session, container.output());
  session.recordOutcome("delete", await session.invoke(["delete", session.id]));
  return pid;
}

async function throughConsole(session: Session, plan: ProbeCase): Promise<number> {
  const socket = join(session.scratch, "s");
  const receiver = session.begin([session.helpers.pty, "receive", socket]);
  await waitUntil("console socket", () => existsSync(socket));
  const pidFile = join(session.scratch, "pid");
  const flags = [
    "--bundle",
    session.bundle,
    "--pid-file",
    pidFile,
    "--console-socket",
    socket,
    ...flagsOf(session, plan),
  ];
  const created = await session.invoke(["create", ...flags, session.id]);
  session.recordOutcome("create", created);
  if (created.status !== 0) {
    receiver.signal("SIGKILL");
    await receiver.outcome;
    return 0;
  }
  const pid = recordPidFile(session, pidFile);
  session.recordOutcome("start", await session.invoke(["start", session.id]));
  await waitUntil("end of the container", () => !isAlive(pid));
  const outcome = await receiver.outcome;
  session.record("receiver", [`exit ${outcome.status}`]);
  recordProbe(session, outcome.stdout);
  session.recordOutcome("delete", await session.invoke(["delete", session.id]));
  return pid;
}

const FLOWS: Readonly<Record<Via, (session: Session, plan: ProbeCase) => Promise<number>>> = {
  create: throughCreate,
  run: throughRun,
  detached: throughDetached,
  pty: throughRun,
  console: throughConsole,
};

/** Makes a case of a config change: the whole life of a container with the probe in it. */
export function probeCase(plan: ProbeCase): EqualityCase {
  return {
    name: plan.name,
    observe: async (session) => {
      plan.configure?.(session.config, session);
      session.config.process.terminal = plan.via === "pty" || plan.via === "console";
      await plan.prepare?.(session);
      session.writeBundle(plan.probe, plan.edit);
      const pid = await FLOWS[plan.via ?? "run"](session, plan);
      recordRootfs(session);
      plan.inspect?.(session);
      await session.recordLeftovers(pid);
    },
  };
}
