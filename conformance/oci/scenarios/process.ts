import { existsSync, linkSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import { start } from "../../harness/process.ts";
import { Report } from "../report.ts";
import { mustWork, PROBE, type Scenario, type Stage } from "../stage.ts";

async function showBasics(stage: Stage): Promise<void> {
  mkdirSync(join(stage.rootfs, "work/deep"), { recursive: true });
  stage.config.process.cwd = "/work/deep";
  stage.config.process.env = ["PATH=/bin", "EMPTY=", "WORDS=two words", "SIGN=a=b"];
  const args = ["self", "", "two words", 'a"quote', "ünïcode"];
  const { self } = await stage.play(...args);
  stage.expect("PR-05", self.cwd === "/work/deep", `cwd is ${self.cwd}`);
  const wanted = stage.config.process.env;
  // A runtime may add variables of its own, as HOME.
  const missing = wanted.filter((entry) => !self.env.includes(entry));
  stage.expect("PR-08", missing.length === 0, `missing: ${missing.join(", ")}`);
  stage.expect("PR-09", Bun.deepEquals(self.args, [PROBE, ...args]), `args are ${JSON.stringify(self.args)}`);
  await stage.expectRefused("PR-06", "a process without cwd", (config) => {
    Reflect.deleteProperty(config.process, "cwd");
  });
  for (const cwd of ["work", "./work", ""]) {
    await stage.expectRefused("PR-07", `the cwd ${JSON.stringify(cwd)}`, (config) => {
      config.process.cwd = cwd;
    });
  }
}

/** The error may come as late as with `start`. */
async function giveNoArgs(stage: Stage): Promise<void> {
  stage.config.process.args = [];
  const created = await stage.create();
  const outcome = created.status === 0 ? await stage.start() : created;
  stage.expectError("PR-10", outcome, "a start without args");
}

async function searchProgram(stage: Stage): Promise<void> {
  mkdirSync(join(stage.rootfs, "tools"));
  linkSync(stage.helpers.probe, join(stage.rootfs, "tools/found"));
  stage.config.process.env = ["PATH=/missing:/tools"];
  stage.config.process.args = ["found", "self"];
  mustWork("create", await stage.create());
  mustWork("start", await stage.start());
  await stage.waitStopped();
  const [first] = new Report(stage.output()).self.args;
  stage.expect("PR-11", first === "found", `argv[0] is ${first}`);
}

/** Nothing above what root has anyway: not every machine lets it raise its limits. */
const LIMITS = [
  { type: "RLIMIT_AS", soft: 2 ** 33, hard: 2 ** 34 },
  { type: "RLIMIT_CORE", soft: 0, hard: 1024 },
  { type: "RLIMIT_CPU", soft: 500, hard: 600 },
  { type: "RLIMIT_DATA", soft: 2 ** 33, hard: 2 ** 33 },
  { type: "RLIMIT_FSIZE", soft: 2 ** 30, hard: 2 ** 31 },
  { type: "RLIMIT_LOCKS", soft: 10, hard: 20 },
  { type: "RLIMIT_MEMLOCK", soft: 65_536, hard: 65_536 },
  { type: "RLIMIT_MSGQUEUE", soft: 4096, hard: 8192 },
  { type: "RLIMIT_NICE", soft: 0, hard: 0 },
  { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
  { type: "RLIMIT_NPROC", soft: 1000, hard: 2000 },
  { type: "RLIMIT_RSS", soft: 2 ** 30, hard: 2 ** 30 },
  { type: "RLIMIT_RTPRIO", soft: 0, hard: 0 },
  { type: "RLIMIT_RTTIME", soft: 1000, hard: 2000 },
  { type: "RLIMIT_SIGPENDING", soft: 100, hard: 100 },
  { type: "RLIMIT_STACK", soft: 2 ** 22, hard: 2 ** 23 },
];

async function limit(stage: Stage): Promise<void> {
  stage.config.process.rlimits = LIMITS;
  const { rlimits } = (await stage.play("self")).self;
  for (const { type, soft, hard } of LIMITS) {
    const shown = rlimits[type];
    stage.expect("PR-13", shown !== undefined, `${type} is not there`);
    stage.expect("PR-14", shown?.soft === soft, `${type}: ${shown?.soft} in place of ${soft}`);
    stage.expect("PR-15", shown?.hard === hard, `${type}: ${shown?.hard} in place of ${hard}`);
  }
}

async function limitWrongly(stage: Stage): Promise<void> {
  for (const type of ["RLIMIT_NOSUCH", "NOFILE", ""]) {
    await stage.expectRefused("PR-12", `the limit ${JSON.stringify(type)}`, (config) => {
      config.process.rlimits = [{ type, soft: 1, hard: 1 }];
    });
  }
  await stage.expectRefused("PR-16", "two limits of a type", (config) => {
    const entry = { type: "RLIMIT_NOFILE", soft: 100, hard: 100 };
    config.process.rlimits = [entry, { ...entry, soft: 50 }];
  });
}

async function warnOfCapability(stage: Stage): Promise<void> {
  const sets = stage.config.process.capabilities;
  for (const set of Object.values(sets ?? {})) set.push("CAP_NO_SUCH");
  const outcome = await stage.create();
  stage.expect("PR-19", outcome.status === 0, `create: ${outcome.stderr.trim()}`);
  stage.expect("PR-18", outcome.stderr.includes("CAP_NO_SUCH"), "create does not name it on its standard error");
}

/** A runtime that has been started without a capability cannot grant it. */
async function lackCapability(stage: Stage): Promise<void> {
  stage.around = ["setpriv", "--bounding-set", "-sys_time"];
  for (const set of Object.values(stage.config.process.capabilities ?? {})) set.push("CAP_SYS_TIME");
  const outcome = await stage.create();
  stage.expect("PR-38", outcome.status === 0, `create: ${outcome.stderr.trim()}`);
  stage.expect("PR-37", outcome.stderr.includes("CAP_SYS_TIME"), "create does not name it on its standard error");
}

/** capabilities(7): numbers of some. */
const CAPABILITIES: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_NET_BIND_SERVICE: 10,
  CAP_AUDIT_WRITE: 29,
};

function maskOf(names: readonly string[]): string {
  const mask = names.reduce((sum, name) => sum + 2 ** (CAPABILITIES[name] ?? 0), 0);
  return mask.toString(16).padStart(16, "0");
}

async function grant(stage: Stage): Promise<void> {
  const sets = {
    bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SETGID", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"],
    permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
    inheritable: ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
    effective: ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
    ambient: ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
  };
  stage.config.process.capabilities = sets;
  // As another user than root, whom execve(2) gives what the sets say and no more: of permitted, what is ambient.
  stage.config.process.user = { uid: 1000, gid: 1000 };
  const user = (await stage.play("self")).self.capabilities;
  const ids = { bounding: "PR-21", inheritable: "PR-22", ambient: "PR-24" } as const;
  for (const [name, id] of Object.entries(ids)) {
    const wanted = maskOf(sets[name as keyof typeof ids]);
    stage.expect(id, user[name] === wanted, `${name} is ${user[name]} in place of ${wanted}`);
  }
  const kept = maskOf(sets.ambient);
  for (const [name, id] of [
    ["effective", "PR-20"],
    ["permitted", "PR-23"],
  ] as const) {
    stage.expect(id, user[name] === kept, `as a user, ${name} is ${user[name]} in place of ${kept}`);
  }
  // Root gets all that the bounding set has.
  stage.config.process.user = { uid: 0, gid: 0 };
  stage.config.process.capabilities = { bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"] };
  const root = (await stage.play("self")).self.capabilities;
  stage.expect("PR-20", root["effective"] === maskOf(["CAP_KILL"]), `as root, effective is ${root["effective"]}`);
  stage.expect("PR-23", root["permitted"] === maskOf(["CAP_KILL"]), `as root, permitted is ${root["permitted"]}`);
}

async function keepPrivileges(stage: Stage): Promise<void> {
  for (const wanted of [true, false]) {
    stage.config.process.noNewPrivileges = wanted;
    const { noNewPrivileges } = (await stage.play("self")).self;
    stage.expect("PR-25", noNewPrivileges === Number(wanted), `${wanted}: the process has ${noNewPrivileges}`);
  }
}

async function scoreForOom(stage: Stage): Promise<void> {
  const path = "/proc/self/oom_score_adj";
  for (const score of [100, 1000, 0]) {
    stage.config.process.oomScoreAdj = score;
    const text = (await stage.play(`read:${path}`)).text(path).trim();
    stage.expect("PR-26", text === String(score), `${text} in place of ${score}`);
  }
  Reflect.deleteProperty(stage.config.process, "oomScoreAdj");
  const text = (await stage.play(`read:${path}`)).text(path).trim();
  const own = readFileSync(path, "utf8").trim();
  stage.expect("PR-27", text === own, `${text}, the caller has ${own}`);
}

const SCHED_BATCH = 3;
const SCHED_IDLE = 5;

async function schedule(stage: Stage): Promise<void> {
  const show = async (scheduler: object): Promise<{ scheduler: number; nice: number }> => {
    Object.assign(stage.config.process, { scheduler });
    return (await stage.play("self")).self;
  };
  const batch = await show({ policy: "SCHED_BATCH", nice: 7 });
  stage.expect("PR-28", batch.scheduler === SCHED_BATCH, `SCHED_BATCH: the policy is ${batch.scheduler}`);
  stage.expect("PR-29", batch.nice === 7, `nice 7: it is ${batch.nice}`);
  const idle = await show({ policy: "SCHED_IDLE" });
  stage.expect("PR-28", idle.scheduler === SCHED_IDLE, `SCHED_IDLE: the policy is ${idle.scheduler}`);
  const other = await show({ policy: "SCHED_OTHER" });
  stage.expect("PR-29", other.nice === 0, `nice is not set: it is ${other.nice}`);
}

const IOPRIO_CLASSES = { IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 };
const IOPRIO_CLASS_UNIT = 2 ** 13;

async function prioritiseIo(stage: Stage): Promise<void> {
  for (const [name, number] of Object.entries(IOPRIO_CLASSES)) {
    Object.assign(stage.config.process, { ioPriority: { class: name, priority: 4 } });
    const { ioPriority } = (await stage.play("self")).self;
    const shown = `class ${Math.floor(ioPriority / IOPRIO_CLASS_UNIT)}, priority ${ioPriority % IOPRIO_CLASS_UNIT}`;
    stage.expect("PR-31", ioPriority === number * IOPRIO_CLASS_UNIT + 4, `${name}, 4: ${shown}`);
  }
}

async function beUser(stage: Stage): Promise<void> {
  stage.config.process.user = { uid: 1234, gid: 2345, umask: 0o027, additionalGids: [7, 99] };
  const { user } = (await stage.play("self")).self;
  stage.expect("PR-33", user.uid === 1234, `uid ${user.uid}`);
  stage.expect("PR-34", user.gid === 2345, `gid ${user.gid}`);
  stage.expect("PR-35", user.umask === 0o027, `umask ${user.umask.toString(8)}`);
  const others = user.groups.filter((gid) => gid !== 2345).toSorted((a, b) => a - b);
  stage.expect("PR-36", others.join() === "7,99", `groups ${user.groups.join()}`);
}

async function ignoreConsoleSize(stage: Stage): Promise<void> {
  stage.config.process.consoleSize = { height: 10, width: 20 };
  stage.config.process.terminal = false;
  const { self } = await stage.play("self");
  const terminals = self.descriptors.filter(({ terminal }) => terminal);
  stage.expect("PR-04", terminals.length === 0, "there is a terminal");
}

async function giveTerminal(stage: Stage): Promise<void> {
  const socket = join(stage.folder, "console");
  const receiver = start([stage.helpers.receive, socket], { scratch: stage.scratch });
  stage.defer(() => receiver.signal("SIGKILL"));
  await waitUntil("console socket", () => existsSync(socket));
  stage.config.process.terminal = true;
  stage.config.process.consoleSize = { height: 13, width: 57 };
  stage.program("self", "stat:/dev/console", "list:/dev/pts");
  mustWork("create", await stage.create(["--console-socket", socket]));
  mustWork("start", await stage.start());
  await stage.waitStopped();
  mustWork("delete", await stage.delete());
  await receiver.outcome;
  const report = new Report(receiver.output());
  const { self } = report;
  const terminals = self.descriptors.filter(({ terminal }) => terminal).map(({ fd }) => fd);
  stage.expect("PR-02", terminals.join() === "0,1,2", `terminals are ${terminals.join()}`);
  stage.expect("PR-03", self.rows === 13 && self.columns === 57, `its size is ${self.rows} × ${self.columns}`);
  const { type, major } = report.of("stat:/dev/console");
  stage.expect("CL-44", type === "c" && major === 136, `/dev/console is ${type} ${major}`);
}

/** config.md § Process */
export const processScenarios: readonly Scenario[] = [
  { name: "process/basics", short: true, play: showBasics },
  { name: "process/no-args", play: giveNoArgs },
  { name: "process/search", play: searchProgram },
  { name: "process/terminal", play: giveTerminal },
  { name: "process/console-size", play: ignoreConsoleSize },
  { name: "process/rlimits", short: true, play: limit },
  { name: "process/rlimits-invalid", play: limitWrongly },
  { name: "process/unknown-capability", play: warnOfCapability },
  { name: "process/ungranted-capability", play: lackCapability },
  { name: "process/capabilities", short: true, play: grant },
  { name: "process/privileges", play: keepPrivileges },
  { name: "process/oom-score", play: scoreForOom },
  { name: "process/scheduler", play: schedule },
  { name: "process/io-priority", play: prioritiseIo },
  { name: "process/user", short: true, play: beUser },
];
