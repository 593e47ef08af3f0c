import { existsSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import { start } from "../../harness/process.ts";
import { dockerDefault } from "../../seccomp/profiles.ts";
import { Report } from "../report.ts";
import { mustWork, type Scenario, type Stage } from "../stage.ts";

const ERRNO = 77;
const EPERM = 1;
const SECCOMP_MODE_FILTER = 2;

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly object[];
}

function filter(...syscalls: Rule[]): object {
  return { defaultAction: "SCMP_ACT_ALLOW", syscalls };
}

async function useRules(stage: Stage): Promise<void> {
  stage.config.linux.seccomp = {
    ...filter(
      { names: ["getpgid"], action: "SCMP_ACT_ERRNO", errnoRet: ERRNO },
      { names: ["getsid", "nosuchcall"], action: "SCMP_ACT_ERRNO" },
    ),
    architectures: [process.arch === "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64"],
  };
  const report = await stage.play("self", "call:getpgid:0", "call:getsid:0", "call:sched_yield:0");
  const errnos = ["getpgid:0", "getsid:0", "sched_yield:0"].map((name) => report.of(`call:${name}`).errno);
  stage.expect("SE-04", report.self.seccomp === SECCOMP_MODE_FILTER, `the mode is ${report.self.seccomp}`);
  stage.expect("SE-15", errnos[0] !== 0 && errnos[2] === 0, `errnos ${errnos.join()}`);
  stage.expect("SE-16", errnos[0] === ERRNO && errnos[1] === EPERM, `errnos ${errnos.join()}`);
}

async function useFlags(stage: Stage): Promise<void> {
  stage.config.linux.seccomp = {
    ...filter({ names: ["getpgid"], action: "SCMP_ACT_ERRNO" }),
    flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
  };
  const { self } = await stage.play("self");
  stage.expect("SE-05", self.seccomp === SECCOMP_MODE_FILTER, `the mode is ${self.seccomp}`);
}

/** docker's list of what is allowed, with one call less. */
async function useDefault(stage: Stage): Promise<void> {
  const profile = dockerDefault(process.arch === "arm64" ? "arm64" : "x64");
  const syscalls = (profile.syscalls ?? []).map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => name !== "getsid"),
  }));
  for (const [errnoRet, wanted] of [
    [undefined, EPERM],
    [ERRNO, ERRNO],
  ] as const) {
    const more = errnoRet === undefined ? {} : { defaultErrnoRet: errnoRet };
    stage.config.linux.seccomp = { ...profile, syscalls, defaultAction: "SCMP_ACT_ERRNO", ...more };
    if (errnoRet === undefined) Reflect.deleteProperty(stage.config.linux.seccomp, "defaultErrnoRet");
    const report = await stage.play("call:getsid:0", "call:getpgid:0");
    const [denied, allowed] = [report.of("call:getsid:0").errno, report.of("call:getpgid:0").errno];
    stage.expect("SE-01", denied !== 0 && allowed === 0, `errnos ${denied}, ${allowed}`);
    stage.expect("SE-02", denied === wanted, `defaultErrnoRet ${errnoRet}: errno ${denied}`);
  }
}

const VALUES = [4, 5, 6, 0x15];

/** The values of the first argument that a comparison with 5 is true for. */
const OPERATORS = [
  { op: "SCMP_CMP_NE", value: 5, hits: [4, 6, 0x15] },
  { op: "SCMP_CMP_LT", value: 5, hits: [4] },
  { op: "SCMP_CMP_LE", value: 5, hits: [4, 5] },
  { op: "SCMP_CMP_EQ", value: 5, hits: [5] },
  { op: "SCMP_CMP_GE", value: 5, hits: [5, 6, 0x15] },
  { op: "SCMP_CMP_GT", value: 5, hits: [6, 0x15] },
  { op: "SCMP_CMP_MASKED_EQ", value: 0xf, valueTwo: 5, hits: [5, 0x15] },
] as const;

async function compareArguments(stage: Stage): Promise<void> {
  for (const { hits, ...comparison } of OPERATORS) {
    const args = [{ index: 0, ...comparison }];
    stage.config.linux.seccomp = filter({ names: ["umask"], action: "SCMP_ACT_ERRNO", errnoRet: ERRNO, args });
    const report = await stage.play(...VALUES.map((value) => `call:umask:${value}`));
    const shown = VALUES.filter((value) => report.of(`call:umask:${value}`).errno === ERRNO);
    stage.expect("SE-18", shown.join() === hits.join(), `${comparison.op} is true for ${shown.join()}`);
  }
}

async function giveInvalid(stage: Stage): Promise<void> {
  const rule = (more: object): object => filter({ names: ["getpgid"], action: "SCMP_ACT_ALLOW", ...more });
  const cases: readonly (readonly [string, string, object])[] = [
    ["SE-03", "an errno of a default action that has none", { defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1 }],
    ["SE-17", "an errno of an action that has none", rule({ errnoRet: 1 })],
    ["SE-13", "listenerMetadata without listenerPath", { ...rule({}), listenerMetadata: "x" }],
    ["SE-14", "a rule without names", filter({ names: [], action: "SCMP_ACT_ERRNO" })],
  ];
  for (const [id, what, seccomp] of cases) {
    await stage.expectRefused(id, what, (config) => {
      config.linux.seccomp = seccomp;
    });
  }
}

/** seccomp.md: what receive.c prints of a connection. */
interface Received {
  readonly messages: number;
  readonly descriptors: readonly { readonly message: number; readonly target: string }[];
  readonly payload: string;
}

interface ProcessState {
  readonly ociVersion?: unknown;
  readonly fds?: unknown;
  readonly pid?: unknown;
  readonly metadata?: unknown;
  readonly state?: { readonly id?: unknown; readonly pid?: unknown; readonly status?: unknown };
}

const NOTIFIED: Rule = { names: ["getpgid"], action: "SCMP_ACT_NOTIFY" };

async function listen(stage: Stage): Promise<void> {
  const socket = join(stage.folder, "listener");
  const receiver = start([stage.helpers.receive, socket], { scratch: stage.scratch });
  stage.defer(() => receiver.signal("SIGKILL"));
  await waitUntil("listener's socket", () => existsSync(socket));
  stage.config.linux.seccomp = { ...filter(NOTIFIED), listenerPath: socket, listenerMetadata: "some words" };
  stage.program("self", "wait");
  mustWork("create", await stage.create());
  const pid = await stage.pid();
  mustWork("start", await stage.start());
  await stage.waitFor("self");
  // The receiver ends when the connection is closed.
  stage.expect("SE-08", (await receiver.outcome).status === 0, "the connection stays open");
  const received = new Report(receiver.output()).of("received") as unknown as Received;
  const { descriptors, payload } = received;
  stage.expect("SE-19", descriptors.length > 0, "no descriptor came");
  const isFirst = descriptors.every(({ message }) => message === 1);
  stage.expect(
    "SE-20",
    isFirst,
    `descriptors came with the messages ${descriptors.map(({ message }) => message).join()}`,
  );
  checkProcessState(stage, payload, pid);
  const target = descriptors[0]?.target ?? "";
  stage.expect("SE-11", target.includes("seccomp"), `the first descriptor is ${target}`);
}

function checkProcessState(stage: Stage, payload: string, pid: number): void {
  // One JSON document, or the parser says where the next one begins.
  const state = JSON.parse(payload) as ProcessState;
  stage.expect("SE-07", typeof state === "object", payload);
  stage.expect("SE-12", state.metadata === "some words", payload);
  stage.expect("SE-21", typeof state.ociVersion === "string", payload);
  stage.expect("SE-22", Bun.deepEquals(state.fds, ["seccompFd"]), payload);
  stage.expect("SE-11", Array.isArray(state.fds) && state.fds.includes("seccompFd"), payload);
  stage.expect("SE-23", state.pid === pid, payload);
  stage.expect("SE-24", state.state?.id === stage.id && state.state.pid === pid, payload);
}

/** The error may come as late as with `start`. */
async function listenNowhere(stage: Stage): Promise<void> {
  const listenerPath = join(stage.folder, "missing");
  stage.config.linux.seccomp = { ...filter(NOTIFIED), listenerPath };
  stage.program("self");
  const created = await stage.create();
  const outcome = created.status === 0 ? await stage.start() : created;
  stage.expectError("SE-09", outcome, "a container whose listener is not there");
}

async function ignoreListener(stage: Stage): Promise<void> {
  const listenerPath = join(stage.folder, "missing");
  stage.config.linux.seccomp = { ...filter({ names: ["getpgid"], action: "SCMP_ACT_ERRNO" }), listenerPath };
  const report = await stage.play("call:getpgid:0");
  stage.expect("SE-10", report.of("call:getpgid:0").errno === EPERM, "the filter is not there");
}

/** config-linux.md § Seccomp */
export const seccompScenarios: readonly Scenario[] = [
  { name: "seccomp/rules", short: true, play: useRules },
  { name: "seccomp/flags", play: useFlags },
  { name: "seccomp/default", play: useDefault },
  { name: "seccomp/operators", play: compareArguments },
  { name: "seccomp/invalid", play: giveInvalid },
  { name: "seccomp/listener", play: listen },
  { name: "seccomp/listener-missing", play: listenNowhere },
  { name: "seccomp/listener-unused", play: ignoreListener },
];
