/**
 * seccomp: filters of this project's generator beside libseccomp's, by simulating both; and the kernel loads one.
 *
 *   bun conformance/seccomp/main.ts [--random N]
 *
 * Needs root, cc and libseccomp-dev. With `--random`, so many profiles are made at random, else 200.
 */
import { join } from "node:path";
import type { Architecture } from "../../lib/linux/constants/syscalls.ts";
import { compileFilter } from "../../lib/plan/seccomp/filter.ts";
import type { Seccomp } from "../../lib/spec/seccomp.ts";
import { readOptions } from "../harness/options.ts";
import { say, Tally } from "../harness/tally.ts";
import { withWorkspace } from "../harness/workspace.ts";
import { compare, compareStub, type Subject } from "./compare.ts";
import { buildOracle, type Oracle, SCMP_ARCH } from "./oracle.ts";
import { dockerDefault, podmanDefault } from "./profiles.ts";
import { randomProfile } from "./random.ts";
import { compareTables, newerNames } from "./tables.ts";

const NO_EXACT: ReadonlyMap<string, bigint> = new Map();

function namedSubjects(oracle: Oracle): readonly Subject[] {
  const newer = newerNames(oracle);
  const withoutNewer = (seccomp: Seccomp): Seccomp => ({
    ...seccomp,
    syscalls: (seccomp.syscalls ?? []).map((entry) => ({ ...entry, names: entry.names.filter((n) => !newer.has(n)) })),
  });
  const { architectures: _, ...native } = dockerDefault("x64");
  const profiles: readonly (readonly [string, Architecture, Seccomp])[] = [
    ["docker's default, x86-64 with x86 and x32", "x64", dockerDefault("x64")],
    ["docker's default, x86-64 alone", "x64", native],
    ["docker's default with CAP_SYS_ADMIN", "x64", dockerDefault("x64", true)],
    ["docker's default, arm64 with arm", "arm64", dockerDefault("arm64")],
    ["podman's default, x86-64 with x86 and x32", "x64", podmanDefault("x64")],
    ["podman's default, arm64 with arm", "arm64", podmanDefault("arm64")],
    ["an allow list for riscv64 also", "arm64", { ...dockerDefault("arm64"), architectures: ["SCMP_ARCH_RISCV64"] }],
  ];
  return profiles.map(([name, architecture, seccomp], seed) => {
    return { name, architecture, seccomp: withoutNewer(seccomp), exact: NO_EXACT, seed };
  });
}

function judgeTables(oracle: Oracle, tally: Tally): void {
  for (const arch of Object.keys(SCMP_ARCH) as (keyof typeof SCMP_ARCH)[]) {
    const faults = compareTables(oracle, arch);
    if (faults.length === 0) tally.pass(`numbers of ${arch}`);
    else tally.fail(`numbers of ${arch}`, faults);
  }
}

/** Profiles that people use: no difference is accepted. */
function judgeNamed(oracle: Oracle, tally: Tally): void {
  for (const subject of namedSubjects(oracle)) {
    const { faults, queries, known, sizes } = compare(subject, oracle);
    const differences = [...faults, ...known.keys(), ...compareStub(subject)];
    const { instructions } = compileFilter(subject.seccomp, subject.architecture, subject.exact);
    const size = `${instructions} instructions (${sizes?.[0]} without the stub), libseccomp's ${sizes?.[1]}`;
    if (differences.length === 0) tally.pass(`${subject.name}: ${queries} queries; ${size}`);
    else tally.fail(subject.name, differences);
  }
}

/** Profiles whose rules contradict each other: where libseccomp contradicts the profile, ours need not. */
function judgeRandom(oracle: Oracle, tally: Tally, count: number): void {
  const totals = new Map<string, number>();
  const add = (reason: string, by: number): Map<string, number> => totals.set(reason, (totals.get(reason) ?? 0) + by);
  for (let seed = 1; seed <= count; seed++) {
    const architecture = seed % 4 === 0 ? "arm64" : "x64";
    const subject: Subject = { name: `random profile ${seed}`, architecture, seed, ...randomProfile(seed) };
    const { faults, queries, known, refused, sizes } = compare(subject, oracle);
    const all = sizes === undefined ? faults : [...faults, ...compareStub(subject)];
    add("queries", queries);
    if (refused) add("profiles refused by both", 1);
    for (const [reason, times] of known) add(reason, times);
    if (all.length > 0) tally.fail(subject.name, all);
    else tally.pass(subject.name);
  }
  for (const [reason, times] of totals) say(`      ${String(times).padStart(8)} ${reason}`);
}

const LOADED = {
  loaded: 0,
  getpid: "ok",
  unshare: "EPERM",
  personality: "ok",
  personalityOther: "EPERM",
  socketUnix: "ok",
  socketAlg: "EPERM",
  clone3: "ENOSYS",
  openTree: "EPERM",
};

function judgeKernel(tally: Tally): void {
  const script = join(import.meta.dir, "load.ts");
  const run = (mode: string): string => {
    const { stdout, stderr } = Bun.spawnSync({ cmd: [process.execPath, script, mode], stdout: "pipe", stderr: "pipe" });
    return stdout.toString() || stderr.toString() || "nothing: it was killed";
  };
  const enforced = run("default");
  if (enforced === JSON.stringify(LOADED)) tally.pass("the kernel enforces docker's default");
  else tally.fail("the kernel enforces docker's default", [enforced, JSON.stringify(LOADED)]);
  const listener = run("listener");
  if (/^{"loaded":[1-9]\d*}$/.test(listener)) tally.pass("the kernel gives a listener");
  else tally.fail("the kernel gives a listener", [listener]);
}

const values = readOptions(import.meta.path, { random: { type: "string", default: "200" } });
process.exitCode = await withWorkspace("seccomp", (workspace) => {
  const tally = new Tally();
  const oracle = buildOracle(workspace.folder);
  judgeTables(oracle, tally);
  judgeNamed(oracle, tally);
  judgeRandom(oracle, tally, Number(values.random));
  judgeKernel(tally);
  return Promise.resolve(tally.finish());
});
