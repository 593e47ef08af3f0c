import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import type { Outcome } from "../../harness/process.ts";
import { isAlive } from "../../harness/workspace.ts";
import { cgroupView } from "../cgroup-view.ts";
import type { EqualityCase } from "../flow.ts";
import { flattenJson } from "../normalise.ts";
import type { Session } from "../session.ts";

/** A container that runs, and the words that are tried on it, one after the other. */
interface VerbPlan {
  readonly name: string;
  readonly steps: readonly VerbStep[];
}

interface VerbStep {
  readonly words: (id: string, session: Session) => readonly string[];
  /** What is looked at of the standard output; all of it when not given. */
  readonly show?: (stdout: string) => readonly string[];
  readonly stdin?: string;
  /** Waits until the container has ended. */
  readonly ends?: true;
  /** Records the limits of its cgroup afterwards. */
  readonly limits?: true;
}

function verbCase({ name, steps }: VerbPlan): EqualityCase {
  return {
    name: `verbs/${name}`,
    observe: async (session) => {
      session.config.process.args = ["/bin/sleep", "1000"];
      session.writeBundle();
      const pidFile = join(session.scratch, "pid");
      session.recordOutcome("run", await session.invoke(["run", "--detach", "--pid-file", pidFile, session.id]));
      const state = await session.invoke(["state", session.id]);
      const pid = Number(/"pid": *(\d+)/.exec(state.stdout)?.[1] ?? 0);
      session.rename(String(pid), "<PID>");
      for (const [index, step] of steps.entries()) await tryStep(session, pid, index, step);
      session.recordOutcome("delete", await session.invoke(["delete", "--force", session.id]));
      await session.recordLeftovers(pid);
    },
  };
}

async function tryStep(session: Session, pid: number, index: number, step: VerbStep): Promise<void> {
  const { words, show = lines, stdin, ends, limits } = step;
  const command = words(session.id, session);
  const outcome = await session.invoke(command, stdin === undefined ? {} : { stdin });
  if (ends) await waitUntil("end of the container", () => !isAlive(pid));
  const title = `${index + 1}. ${command.join(" ")}`.replaceAll(session.id, "ID").replaceAll(session.folder, "");
  // What is printed with a mistake, as help is, is each one's own.
  session.record(title, [...statusOf(outcome), ...(outcome.status === 0 ? show(outcome.stdout) : [])]);
  if (limits) session.record(`${index + 1}. limits`, cgroupView(pid).values);
  const state = await session.invoke(["state", session.id]);
  session.record(`${index + 1}. status`, [/"status": *"(\w+)"/.exec(state.stdout)?.[1] ?? "none"]);
}

/** The words of an error are each one's own. */
function statusOf({ status, stderr }: Outcome): readonly string[] {
  return [`exit ${status}`, stderr === "" ? "says nothing" : "complains"];
}

function lines(stdout: string): readonly string[] {
  return stdout.split("\n").map((line) => line.trimEnd());
}

/** The names of all that a JSON document has; what varies from moment to moment is left out. */
function names(stdout: string): readonly string[] {
  return flattenJson(stdout)
    .map((line) => line.replace(/[:=].*$/, "").replace(/\[\d+\]|\.\d+(?=\.|$)/g, "[]"))
    .filter((line, at, all) => all.indexOf(line) === at)
    .filter((line) => !/\.raw\b|blkio/.test(line))
    .sort();
}

const exec =
  (...words: readonly string[]) =>
  (id: string) => ["exec", id, ...words];

function execCases(): readonly EqualityCase[] {
  return [
    verbCase({
      name: "exec, exit statuses",
      steps: [
        { words: exec("true") },
        { words: exec("sh", "-c", "exit 7") },
        { words: exec("sh", "-c", "kill -9 $$") },
        { words: exec("sh", "-c", "kill -15 $$") },
        { words: exec("/no/such/program") },
        { words: exec("nosuchprogram") },
        { words: exec("/tmp") },
        { words: (id) => ["exec", id] },
      ],
    }),
    verbCase({
      name: "exec, options",
      steps: [
        { words: (id) => ["exec", "--user", "1000:1000", id, "id"] },
        { words: (id) => ["exec", "-u", "1000", "-g", "5", "-g", "7", id, "id"] },
        { words: (id) => ["exec", "--cwd", "/tmp", id, "pwd"] },
        { words: (id) => ["exec", "--env", "A=1", "--env", "A=2", id, "sh", "-c", "echo $A $HOME"] },
        { words: (id) => ["exec", "-env", "A=1", "-cwd=/tmp", id, "sh", "-c", "echo $A; pwd"] },
        { words: (id) => ["exec", "--cap", "CAP_SYS_ADMIN", id, "grep", "Cap", "/proc/self/status"] },
        { words: (id) => ["exec", "--no-new-privs", id, "grep", "NoNewPrivs", "/proc/self/status"] },
        { words: (id) => ["exec", id, "echo", "--user", "-x", "--", "a"] },
        { words: (id) => ["exec", "--detach", id, "true"] },
        { words: (id) => ["exec", "--tty", "--detach", id, "true"] },
        { words: (id) => ["exec", "--process", "/no/such/file", id] },
        { words: (id) => ["exec", "--nosuchflag", id, "true"] },
      ],
    }),
    verbCase({
      name: "exec, a process of a file",
      steps: [
        {
          words: (id, { scratch }) => {
            const path = join(scratch, "process.json");
            writeFileSync(path, JSON.stringify({ args: ["pwd"], cwd: "/etc", env: ["PATH=/bin"] }));
            return ["exec", "--process", path, id];
          },
        },
      ],
    }),
  ];
}

function freezerCases(): readonly EqualityCase[] {
  return [
    verbCase({
      name: "pause and resume",
      steps: [
        { words: (id) => ["pause", id] },
        { words: (id) => ["pause", id] },
        { words: exec("true") },
        { words: (id) => ["kill", id, "TERM"] },
        { words: (id) => ["delete", id] },
        { words: (id) => ["resume", id] },
        { words: (id) => ["resume", id] },
      ],
    }),
    verbCase({
      name: "delete a paused one by force",
      steps: [{ words: (id) => ["pause", id] }, { words: (id) => ["delete", "--force", id] }],
    }),
  ];
}

function limitCases(): readonly EqualityCase[] {
  const resources = JSON.stringify({ memory: { limit: 67_108_864 }, pids: { limit: 33 }, cpu: { shares: 512 } });
  return [
    verbCase({
      name: "update by options",
      steps: [
        { words: (id) => ["update", "--memory", "64m", "--pids-limit", "50", id], limits: true },
        {
          words: (id) => ["update", "--cpu-share", "512", "--cpu-period", "50000", "--cpu-quota", "25000", id],
          limits: true,
        },
        { words: (id) => ["update", "--memory-reservation", "33554432", "--cpuset-cpus", "0", id], limits: true },
        { words: (id) => ["update", "--memory", "-1", "--pids-limit", "-1", id], limits: true },
      ],
    }),
    verbCase({
      name: "update by a document",
      steps: [{ words: (id) => ["update", "--resources", "-", id], stdin: resources, limits: true }],
    }),
    verbCase({
      name: "update, mistakes",
      steps: [
        { words: (id) => ["update", "--memory", "much", id] },
        { words: (id) => ["update", "--cpu-share", "x", id] },
        { words: (id) => ["update", "--cpuset-cpus", "9999", id] },
        { words: (id) => ["update", "--resources", "/no/such/file", id] },
        { words: (id) => ["update", "--resources", "-", id], stdin: "{" },
        { words: () => ["update"] },
        { words: () => ["update", "--memory", "64m", "nosuchcontainer"] },
      ],
    }),
  ];
}

function readingCases(): readonly EqualityCase[] {
  return [
    verbCase({
      name: "ps",
      steps: [
        { words: (id) => ["ps", "--format", "json", id] },
        { words: (id) => ["ps", id, "-o", "pid,comm"] },
        { words: (id) => ["ps", "-f", "table", id, "-e", "-o", "pid,args"] },
        { words: (id) => ["ps", id, "ax"] },
        { words: (id) => ["ps", id, "-o", "nosuchcolumn"] },
        { words: () => ["ps", "nosuchcontainer"] },
      ],
    }),
    verbCase({
      name: "ps, of one's own",
      steps: [
        { words: (id) => ["ps", id, "-o", "pid=,args="] },
        { words: (id) => ["ps", id, "-e", "-o", "args"] },
        { words: (id) => ["ps", id, "-e", "-x"] },
      ],
    }),
    verbCase({
      name: "events --stats",
      steps: [
        { words: (id) => ["events", "--stats", id], show: names },
        { words: (id) => ["events", "--interval", "0", id] },
        { words: () => ["events", "--stats", "nosuchcontainer"] },
      ],
    }),
    verbCase({
      name: "features",
      steps: [{ words: () => ["features"], show: (stdout) => JSON.stringify(JSON.parse(stdout)["hooks"]).split(",") }],
    }),
    verbCase({
      name: "list",
      steps: [
        { words: () => ["list", "-q"] },
        { words: () => ["list", "--format", "xml"] },
        { words: () => ["list", "-f", "json", "-q"] },
        { words: () => ["list", "extra"] },
      ],
    }),
  ];
}

function endingCases(): readonly EqualityCase[] {
  return [
    verbCase({
      name: "kill",
      steps: [
        { words: (id) => ["kill", id, "0"] },
        { words: (id) => ["kill", id, "NOSUCHSIGNAL"] },
        { words: (id) => ["kill", id, "sigurg"] },
        { words: (id) => ["kill", "--all", id, "SIGKILL"], ends: true },
        { words: (id) => ["kill", id, "KILL"] },
        { words: exec("true") },
        { words: (id) => ["ps", "--format", "json", id] },
        { words: (id) => ["pause", id] },
        { words: (id) => ["update", "--memory", "64m", id] },
        { words: (id) => ["delete", id] },
        { words: (id) => ["delete", id] },
        { words: (id) => ["delete", "--force", id] },
      ],
    }),
    verbCase({
      name: "delete",
      steps: [
        { words: (id) => ["delete", id] },
        { words: (id) => ["delete", "-f", id] },
        { words: (id) => ["delete", id] },
      ],
    }),
  ];
}

/** Commands on a container that runs: what they print, what they exit with, and what becomes of the container. */
export function verbCases(): readonly EqualityCase[] {
  return [...execCases(), ...freezerCases(), ...limitCases(), ...readingCases(), ...endingCases()];
}
