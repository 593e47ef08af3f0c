import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CAPABILITIES } from "../../../lib/spec/capability.ts";
import type { Config, Mount } from "../../harness/config.ts";
import { PROBE, type Scenario, type Stage } from "../stage.ts";

/** features.md, as far as the scenarios read it. */
interface Features {
  readonly [key: string]: unknown;
  readonly ociVersionMin?: string;
  readonly ociVersionMax?: string;
  readonly hooks?: readonly string[] | null;
  readonly mountOptions?: readonly string[] | null;
  readonly annotations?: unknown;
  readonly linux?: {
    readonly [key: string]: unknown;
    readonly namespaces?: readonly string[] | null;
    readonly capabilities?: readonly string[] | null;
    readonly seccomp?: Readonly<Record<string, readonly string[]>> | null;
    readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean } };
    readonly memoryPolicy?: { readonly modes?: readonly string[]; readonly flags?: readonly string[] };
  };
}

/** The document, or undefined where the runtime has none, which it may. */
async function readFeatures(stage: Stage, ids: readonly string[]): Promise<Features | undefined> {
  const outcome = await stage.invoke(["features"]);
  if (outcome.status === 0) return JSON.parse(outcome.stdout) as Features;
  for (const id of ids) stage.skip(id, "the runtime has no features document, which it MAY provide");
  return undefined;
}

/** `create` takes each of the values; one that the machine does not have may be refused, but not as unknown. */
async function takeEach<T>(
  stage: Stage,
  id: string,
  values: readonly T[] | null | undefined,
  edit: (config: Config, value: T) => void,
): Promise<void> {
  if (values === undefined || values === null) {
    stage.skip(id, "the document does not have it, which it MAY leave out");
    return;
  }
  const config = stage.config;
  for (const value of values) {
    stage.config = structuredClone(config);
    edit(stage.config, value);
    const outcome = await stage.create();
    stage.expect(id, outcome.status === 0, `${JSON.stringify(value)}: ${outcome.stderr.trim()}`);
    await stage.clear();
  }
  stage.config = config;
}

const TOP = [
  "ociVersionMin",
  "ociVersionMax",
  "hooks",
  "mountOptions",
  "linux",
  "annotations",
  "potentiallyUnsafeConfigAnnotations",
];
const LINUX = [
  "namespaces",
  "capabilities",
  "cgroup",
  "seccomp",
  "apparmor",
  "selinux",
  "intelRdt",
  "memoryPolicy",
  "mountExtensions",
  "netDevices",
];

async function readDocument(stage: Stage): Promise<void> {
  const features = await readFeatures(stage, ["FE-01", "FE-06", "FE-10"]);
  if (features === undefined) return;
  const script = 'umount -lR /sys/fs/cgroup && umount -lR /proc/sys 2>/dev/null; exec "$@"';
  stage.around = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"];
  const elsewhere = await stage.invoke(["features"]);
  stage.around = [];
  const isSame = elsewhere.status === 0 && Bun.deepEquals(JSON.parse(elsewhere.stdout || "null"), features);
  stage.expect("FE-01", isSame, "without cgroups mounted it is another one");
  const unknown = [
    ...Object.keys(features).filter((key) => !TOP.includes(key)),
    ...Object.keys(features.linux ?? {}).filter((key) => !LINUX.includes(key)),
  ];
  stage.expect("FE-06", unknown.length === 0, `it has ${unknown.join(", ")}`);
  const { annotations } = features;
  const values = typeof annotations === "object" && annotations !== null ? Object.entries(annotations) : [];
  const isMap = values.every(([key, value]) => key !== "" && typeof value === "string");
  stage.expect(
    "FE-10",
    annotations === undefined || (isMap && !Array.isArray(annotations)),
    JSON.stringify(annotations),
  );
}

async function takeVersions(stage: Stage): Promise<void> {
  const features = await readFeatures(stage, ["FE-03", "FE-04", "FE-05"]);
  if (features === undefined) return;
  const { ociVersionMin, ociVersionMax } = features;
  for (const [id, version] of [
    ["FE-03", ociVersionMin],
    ["FE-04", ociVersionMax],
  ] as const) {
    stage.expect(id, typeof version === "string", `it is ${version}`);
    await takeEach(stage, id, version === undefined ? [] : [version], (config, value) => {
      config.ociVersion = value;
    });
  }
  const isOrdered = Bun.semver.order(ociVersionMin ?? "", ociVersionMax ?? "") <= 0;
  stage.expect("FE-05", isOrdered, `from ${ociVersionMin} to ${ociVersionMax}`);
}

async function takeHooks(stage: Stage): Promise<void> {
  const features = await readFeatures(stage, ["FE-07"]);
  if (features === undefined) return;
  await takeEach(stage, "FE-07", features.hooks, (config, kind) => {
    const path = kind === "startContainer" ? PROBE : stage.helpers.probe;
    config.hooks = { [kind]: [{ path, args: ["hook"] }] };
  });
}

/** A filter for both byte orders is more than libseccomp can make; the machines that the suite runs on have this one. */
const LITTLE_ENDIAN = /X86|X32|ARM|AARCH64|EL|LE$|RISCV|LOONGARCH/;

/** Options of some filesystems, which no runtime has to know. */
const DATA_OPTIONS = [
  "size",
  "mode",
  "uid",
  "gid",
  "nr_inodes",
  "gid=5",
  "mode=755",
  "newinstance",
  "hidepid",
  "lowerdir",
];
const MAPPINGS = [{ containerID: 0, hostID: 1000, size: 10 }];

function mountWith(option: string, source: string): Mount {
  const destination = `/features/${option}`;
  if (option === "remount") {
    return { destination: "/proc", type: "proc", source: "proc", options: ["remount", "nosuid"] };
  }
  if (option === "idmap" || option === "ridmap") {
    const mount = { destination, type: "none", source, options: ["rbind", option] };
    return { ...mount, ...{ uidMappings: MAPPINGS, gidMappings: MAPPINGS } };
  }
  const isRecursive = option.startsWith("r") && !["ro", "rw", "relatime"].includes(option);
  if (option === "bind" || isRecursive) return { destination, type: "none", source, options: ["rbind", option] };
  return { destination, type: "tmpfs", source: "tmpfs", options: [option] };
}

async function takeMountOptions(stage: Stage): Promise<void> {
  const features = await readFeatures(stage, ["FE-08", "FE-09"]);
  if (features === undefined) return;
  const source = join(stage.folder, "source");
  mkdirSync(source);
  const options = features.mountOptions ?? [];
  // Together first: it is quick, and where that is refused, each by itself says which one it was.
  stage.config.mounts.push(...options.map((option) => mountWith(option, source)));
  const outcome = await stage.create();
  await stage.clear();
  stage.config.mounts = stage.config.mounts.slice(0, -options.length || undefined);
  if (outcome.status === 0) stage.expect("FE-08", true, "");
  else {
    await takeEach(stage, "FE-08", features.mountOptions, (config, option) => {
      config.mounts.push(mountWith(option, source));
    });
  }
  const data = options.filter((option) => DATA_OPTIONS.includes(option));
  stage.expect("FE-09", data.length === 0, `it has ${data.join(", ")}`);
}

async function takeLinux(stage: Stage): Promise<void> {
  const features = await readFeatures(stage, ["FL-01", "FL-02", "FL-08", "FL-09"]);
  if (features === undefined) return;
  const { linux = {} } = features;
  await takeEach(stage, "FL-01", linux.namespaces, (config, type) => {
    const others = config.linux.namespaces.filter((each) => each.type !== type);
    config.linux.namespaces = [...others, { type }];
    if (type !== "user") return;
    config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1000 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1000 }];
  });
  await takeCapabilities(stage, linux.capabilities);
  const idmap = linux.mountExtensions?.idmap?.enabled;
  const mount = mountWith("idmap", stage.scratch);
  stage.config.mounts.push(mount);
  const takesMappings = (await stage.create()).status === 0;
  await stage.clear();
  stage.config.mounts.pop();
  if (idmap === undefined) stage.skip("FL-08", "the document does not have it, which it MAY leave out");
  else stage.expect("FL-08", idmap === takesMappings, `it says ${idmap}, create says ${takesMappings}`);
  const modes = linux.memoryPolicy?.modes?.filter((mode) => mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL");
  await takeEach(stage, "FL-09", modes, (config, mode) => {
    Object.assign(config.linux, { memoryPolicy: { mode } });
  });
}

/** All that this machine has at once. */
async function takeCapabilities(stage: Stage, names: readonly string[] | null | undefined): Promise<void> {
  if (names === undefined || names === null) {
    stage.skip("FL-02", "the document does not have it, which it MAY leave out");
    return;
  }
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`);
  const known: readonly string[] = CAPABILITIES;
  const bounding = names.filter((name) => (mask / 2n ** BigInt(Math.max(0, known.indexOf(name)))) % 2n === 1n);
  const before = stage.config.process.capabilities ?? {};
  stage.config.process.capabilities = { bounding, permitted: bounding, effective: bounding };
  const outcome = await stage.create();
  await stage.clear();
  stage.config.process.capabilities = before;
  stage.expect("FL-02", outcome.status === 0, outcome.stderr.trim());
  const unknown = names.filter((name) => outcome.stderr.includes(name));
  stage.expect("FL-02", unknown.length === 0, `a warning names ${unknown.join(", ")}`);
}

async function takeSeccomp(stage: Stage): Promise<void> {
  const features = await readFeatures(stage, ["FL-03", "FL-04", "FL-05", "FL-06", "FL-07"]);
  if (features === undefined) return;
  const seccomp = features.linux?.seccomp ?? {};
  const rule = { names: ["getpgid"], action: "SCMP_ACT_ERRNO" };
  const allow = { defaultAction: "SCMP_ACT_ALLOW" };
  // A listener is another matter; see seccomp/listener.
  const actions = seccomp["actions"]?.filter((action) => action !== "SCMP_ACT_NOTIFY");
  await takeEach(stage, "FL-03", actions, (config, action) => {
    config.linux.seccomp = { ...allow, syscalls: [{ ...rule, action }] };
  });
  await takeEach(stage, "FL-04", seccomp["operators"], (config, op) => {
    config.linux.seccomp = { ...allow, syscalls: [{ ...rule, args: [{ index: 0, value: 1, valueTwo: 1, op }] }] };
  });
  const archs = seccomp["archs"]?.filter((arch) => LITTLE_ENDIAN.test(arch));
  await takeEach(stage, "FL-05", archs, (config, arch) => {
    config.linux.seccomp = { ...allow, architectures: [arch], syscalls: [rule] };
  });
  for (const [id, key] of [
    ["FL-06", "knownFlags"],
    ["FL-07", "supportedFlags"],
  ] as const) {
    // Known, but not always supported: the flag for listeners needs one.
    const flags = seccomp[key]?.filter((flag) => flag !== "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
    await takeEach(stage, id, flags, (config, flag) => {
      config.linux.seccomp = { ...allow, flags: [flag], syscalls: [rule] };
    });
  }
}

/** features.md, features-linux.md */
export const featureScenarios: readonly Scenario[] = [
  { name: "features/document", short: true, play: readDocument },
  { name: "features/versions", play: takeVersions },
  { name: "features/hooks", play: takeHooks },
  { name: "features/mount-options", play: takeMountOptions },
  { name: "features/linux", play: takeLinux },
  { name: "features/seccomp", play: takeSeccomp },
];
