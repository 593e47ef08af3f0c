import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { mountsBelow } from "../../harness/workspace.ts";
import type { LogLine } from "../report.ts";
import { LOG, mustWork, PROBE, type Scenario, type Stage, type State } from "../stage.ts";

/** The hooks that run in the runtime's namespaces, and the requirements that say so. */
const RUNTIME_HOOKS = [
  { kind: "prestart", resolves: "HK-10", executes: "HK-11", invoked: "RT-17" },
  { kind: "createRuntime", resolves: "HK-13", executes: "HK-14", invoked: "RT-19" },
  { kind: "poststart", resolves: "HK-23", executes: "HK-24", invoked: "RT-26" },
  { kind: "poststop", resolves: "HK-26", executes: "HK-27", invoked: "RT-29" },
] as const;

/** Those that run in the container's. */
const CONTAINER_HOOKS = [
  { kind: "createContainer", resolves: "HK-17", executes: "HK-18", invoked: "RT-21" },
  { kind: "startContainer", resolves: "HK-20", executes: "HK-21", invoked: "RT-23" },
] as const;

const HOOK_ENV = ["HOOK=yes", "EMPTY="];

interface HookEntry {
  path: string;
  args: string[];
  env?: string[];
  timeout?: number;
}

/** A hook that writes `word` into the common log and then does `more`. */
function hook(stage: Stage, kind: string, word: string, ...more: string[]): HookEntry {
  const inside = kind === "startContainer";
  const path = inside ? PROBE : stage.helpers.probe;
  const log = inside ? LOG : join(stage.rootfs, LOG);
  return { path, args: [`called-${word}`, `hook:${log}:${word}`, ...more], env: HOOK_ENV };
}

const KINDS = [...RUNTIME_HOOKS, ...CONTAINER_HOOKS].map(({ kind }) => kind);

function stateOf(line: LogLine): State | undefined {
  try {
    return JSON.parse(line.stdin ?? "") as State;
  } catch {
    return undefined;
  }
}

/** What runs until the container is deleted, with two hooks of each kind. */
async function callAll(stage: Stage): Promise<void> {
  stage.config.hooks = Object.fromEntries(
    KINDS.map((kind) => [kind, [1, 2].map((number) => hook(stage, kind, `${kind}${number}`))]),
  );
  stage.program(`log:${LOG}:program`, "self", "wait");
  mustWork("create", await stage.create());
  const afterCreate = stage.log().length;
  const pid = await stage.pid();
  mustWork("start", await stage.start());
  const afterStart = stage.log();
  await stage.waitFor("self");
  const namespaces = namespacesOf(pid);
  mustWork("kill", await stage.kill("KILL"));
  await stage.waitStopped(pid);
  mustWork("delete", await stage.delete());
  const log = stage.log();
  const count = (kind: string, lines: readonly LogLine[]): number =>
    lines.filter(({ word }) => word === `${kind}1` || word === `${kind}2`).length;
  for (const { kind, invoked } of [...RUNTIME_HOOKS, ...CONTAINER_HOOKS]) {
    stage.expect(invoked, count(kind, log) === 2, `${count(kind, log)} of 2 ${kind} hooks ran`);
  }
  const createKinds = { prestart: "HK-08", createRuntime: "HK-12", createContainer: "HK-15" };
  for (const [kind, id] of Object.entries(createKinds)) {
    const early = log.slice(0, afterCreate);
    stage.expect(id, count(kind, early) === 2, `${count(kind, early)} of 2 ${kind} hooks ran by the end of create`);
    // Before pivot_root the root is the host's, which has no probe there.
    const line = log.find(({ word }) => word === `${kind}1`);
    stage.expect(id, line?.probeAtRoot === false, `${kind}: / is the container's root already`);
  }
  checkOrder(stage, log, afterCreate, afterStart);
  checkNamespaces(stage, log, namespaces);
  checkStates(stage, log, pid);
  for (const line of log.filter(({ word }) => word !== "program")) {
    stage.expect("HK-02", line.args?.[0] === `called-${line.word}`, `${line.word}: argv[0] is ${line.args?.[0]}`);
    stage.expect("HK-03", line.env?.join() === HOOK_ENV.join(), `${line.word}: the environment is ${line.env?.join()}`);
  }
}

function checkOrder(stage: Stage, log: readonly LogLine[], afterCreate: number, afterStart: readonly LogLine[]): void {
  const words = log.map(({ word }) => word);
  const at = (word: string): number => words.indexOf(word);
  const ordered = KINDS.every((kind) => at(`${kind}1`) >= 0 && at(`${kind}1`) < at(`${kind}2`));
  stage.expect("HK-06", ordered, words.join());
  const isBefore = (first: string, second: string): boolean => at(first) >= 0 && at(first) < at(second);
  stage.expect("HK-09", isBefore("prestart2", "createRuntime1"), words.join());
  stage.expect("HK-16", isBefore("createRuntime2", "createContainer1"), words.join());
  stage.expect("HK-19", isBefore("startContainer2", "program"), words.join());
  stage.expect("HK-19", at("startContainer1") >= afterCreate, "startContainer hooks ran in create");
  // The program has been executed; whether it has written already is another matter.
  const program = log[at("poststart1")]?.program ?? "";
  stage.expect("HK-22", program.endsWith(PROBE), `the container's process runs ${program}`);
  const started = afterStart.map(({ word }) => word);
  stage.expect("HK-22", started.includes("poststart2"), "the poststart hooks had not ended when start returned");
  stage.expect("HK-22", at("poststart1") >= afterCreate, "poststart hooks ran in create");
  const stopped = at("poststop2") === words.length - 1 && !started.includes("poststop1");
  stage.expect("HK-25", stopped, words.join());
}

function namespacesOf(pid: number | "self"): Readonly<Record<string, string>> {
  const read = (kind: string): string => readlinkSync(`/proc/${pid}/ns/${kind}`);
  return Object.fromEntries(["mnt", "net", "ipc", "uts"].map((kind) => [kind, read(kind)]));
}

function checkNamespaces(stage: Stage, log: readonly LogLine[], container: Readonly<Record<string, string>>): void {
  const host = namespacesOf("self");
  const check = (kind: string, id: string, wanted: Readonly<Record<string, string>>): void => {
    const shown = log.find(({ word }) => word === `${kind}1`)?.namespaces ?? {};
    const wrong = Object.keys(wanted).filter((name) => shown[name] !== wanted[name]);
    stage.expect(id, wrong.length === 0, `${kind}: other namespaces than its own: ${wrong.join(", ")}`);
  };
  const wrapped = stage.runtime.prefix.length > 1;
  for (const { kind, resolves, executes } of RUNTIME_HOOKS) {
    const ran = log.some(({ word }) => word === `${kind}1`);
    stage.expect(resolves, ran, `${kind}: the path of the host was not run`);
    const { mnt: _, ...rest } = host;
    // A runtime that is wrapped for the sake of its cgroups has a mount namespace of its own.
    check(kind, executes, wrapped ? rest : host);
  }
  for (const { kind, resolves, executes } of CONTAINER_HOOKS) {
    const ran = log.some(({ word }) => word === `${kind}1`);
    stage.expect(resolves, ran, `${kind}: the path was not run`);
    check(kind, executes, container);
  }
}

const STATUS_IN: Readonly<Record<string, readonly unknown[]>> = {
  prestart: ["creating", "created"],
  createRuntime: ["creating", "created"],
  createContainer: ["creating", "created"],
  startContainer: ["created", "creating"],
  poststart: ["running"],
  poststop: ["stopped"],
};

function checkStates(stage: Stage, log: readonly LogLine[], pid: number): void {
  for (const kind of KINDS) {
    const line = log.find(({ word }) => word === `${kind}1`);
    const state = line === undefined ? undefined : stateOf(line);
    const whole = state?.id === stage.id && state.bundle === stage.bundle && typeof state.ociVersion === "string";
    const fits = STATUS_IN[kind]?.includes(state?.status) ?? false;
    stage.expect("HK-07", whole && fits, `${kind} was told ${line?.stdin?.trim() ?? "nothing"}`);
    if (["prestart", "createRuntime", "poststart"].includes(kind)) {
      stage.expect("RT-08", state?.pid === pid, `${kind}: pid ${String(state?.pid)}, the container's is ${pid}`);
    }
    if (kind === "startContainer") stage.expect("RT-09", state?.pid === 1, `${kind}: pid ${String(state?.pid)}, not 1`);
  }
}

/** A hook of `create` that fails: an error, no process, no container. */
function failInCreate(kind: string, id: string): Scenario {
  return {
    name: `hooks/${kind}-fails`,
    play: async (stage) => {
      stage.config.hooks = { [kind]: [hook(stage, kind, "first", "exit:3"), hook(stage, kind, "second")] };
      stage.program(`log:${LOG}:program`);
      const outcome = await stage.create();
      stage.expectError(id, outcome, `create with a ${kind} hook that fails`);
      const words = stage.log().map(({ word }) => word);
      stage.expect(id, words.join() === "first", `ran: ${words.join()}`);
      stage.expect(id, !(await stage.isKnown()), "the container is there");
      const left = [...(await stage.waitGone()), ...mountsBelow(stage.folder)];
      stage.expect(id, left.length === 0, `left: ${left.join(", ")}`);
    },
  };
}

/** A hook of `start` that fails: an error, and the container's process has ended. */
function failInStart(kind: string, id: string): Scenario {
  return {
    name: `hooks/${kind}-fails`,
    play: async (stage) => {
      stage.config.hooks = { [kind]: [hook(stage, kind, "first", "exit:3")] };
      stage.program(`log:${LOG}:program`, "wait");
      mustWork("create", await stage.create());
      const pid = await stage.pid();
      stage.expectError(id, await stage.start(), `start with a ${kind} hook that fails`);
      stage.expect(id, !(await stage.waitProcess(pid)), "the container's process runs");
      const words = stage.log().map(({ word }) => word);
      stage.expect(id, kind === "poststart" || !words.includes("program"), `ran: ${words.join()}`);
    },
  };
}

async function failPoststop(stage: Stage): Promise<void> {
  stage.config.hooks = { poststop: [hook(stage, "poststop", "first", "exit:3"), hook(stage, "poststop", "second")] };
  mustWork("create", await stage.create());
  mustWork("start", await stage.start());
  await stage.waitStopped();
  const outcome = await stage.delete();
  const words = stage.log().map(({ word }) => word);
  stage.expect("RT-30", words.join() === "first,second", `ran: ${words.join()}`);
  stage.expect("RT-30", outcome.stderr.trim() !== "", "nothing is logged");
  stage.expect("RT-32", !(await stage.isKnown()), "the container is there");
}

async function timeOut(stage: Stage): Promise<void> {
  const slow = { ...hook(stage, "createRuntime", "slow", "wait"), timeout: 1 };
  stage.config.hooks = { createRuntime: [slow] };
  const outcome = await stage.create();
  stage.expectError("HK-04", outcome, "create with a hook that outlives its timeout");
  const left = await stage.waitGone();
  stage.expect("HK-04", left.length === 0, `left: ${left.join(", ")}`);
}

async function giveInvalid(stage: Stage): Promise<void> {
  const good = hook(stage, "createRuntime", "x");
  stage.config.hooks = { createRuntime: [{ ...good, path: "relative/path" }] };
  stage.expect("HK-01", await stage.isRefused(), "create takes a hook with a relative path");
  for (const timeout of [0, -1]) {
    stage.config.hooks = { createRuntime: [{ ...good, timeout }] };
    stage.expect("HK-05", await stage.isRefused(), `create takes a hook with the timeout ${timeout}`);
  }
}

/** config.md § POSIX-platform Hooks; runtime.md § Lifecycle */
export const hookScenarios: readonly Scenario[] = [
  { name: "hooks/all", short: true, play: callAll },
  failInCreate("prestart", "RT-18"),
  failInCreate("createRuntime", "RT-20"),
  failInCreate("createContainer", "RT-22"),
  failInStart("startContainer", "RT-24"),
  failInStart("poststart", "RT-27"),
  { name: "hooks/poststop-fails", play: failPoststop },
  { name: "hooks/timeout", play: timeOut },
  { name: "hooks/invalid", play: giveInvalid },
];
