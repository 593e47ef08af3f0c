/** A judge of this folder: `NAME/main.ts`, a program that ends with `N passed, N failed, N skipped`. */
export interface Suite {
  readonly name: string;
  readonly judges: string;
  /** Options of the form that `.ci/run` and `npm run conformance` use. */
  readonly short?: readonly string[];
  /** Options of the form that `npm run conformance -- --long` uses. */
  readonly long?: readonly string[];
  /** Why it has nothing to say of another OCI runtime; undefined where it takes one as `--runtime PATH`. */
  readonly ownOnly?: string;
}

const SHIM = "it judges the shim and the daemon";

/** In the order in which they run: what is quick and says most comes first. */
export const SUITES: readonly Suite[] = [
  { name: "oci", judges: "runtime-spec 1.3, sentence by sentence" },
  {
    name: "seccomp",
    judges: "filters beside libseccomp's, by simulating both",
    ownOnly: "it judges the library that makes filters",
  },
  { name: "equality", judges: "the same bundles with runc: what a probe and the host see" },
  { name: "attacks", judges: "what has been done to container runtimes" },
  {
    name: "faults",
    judges: "system calls that fail, kills, damaged records, full disks",
    short: ["--most", "4"],
    ownOnly: "it judges what tsrun says, too",
  },
  { name: "leaks", judges: "what is left after many containers" },
  {
    name: "soak",
    judges: "many containers in a row and at once, through tsrun and tsrund: no leak, flat memory",
    short: ["--count", "50", "--at-once", "30"],
    ownOnly: "it judges the daemon and the shims, too",
  },
  { name: "engines", judges: "what a person types at podman, buildah and docker, with runc beside" },
  { name: "containerd", judges: "the same `ctr` commands with our shim and with containerd's own", ownOnly: SHIM },
  { name: "layers", judges: "images, unpacked by the store and by containerd", ownOnly: SHIM },
  { name: "supervisor", judges: "the same `ctr` and `docker` commands at tsrund and at containerd", ownOnly: SHIM },
  {
    name: "daemon-faults",
    judges: "tsrund, its shims and its clients, killed at every moment; damaged and full stores",
    long: ["--rounds", "200"],
    ownOnly: SHIM,
  },
  { name: "tsctr", judges: "what a person types at tsctr, on tsrund and on containerd", ownOnly: SHIM },
  { name: "networks", judges: "networks of tsrund by CNI, and what is left of them", ownOnly: SHIM },
  { name: "registry", judges: "pull and push between tsrund and registries, also faulty ones", ownOnly: SHIM },
  { name: "cgroup2", judges: "cgroup v2 alone, with systemd, in a machine of its own" },
  { name: "runc-bats", judges: "runc's own integration tests" },
  { name: "crun-tests", judges: "crun's own tests" },
  {
    name: "fuzz",
    judges: "configs changed at random: a plan or a clear refusal, and nothing left over",
    short: ["--runs", "20000", "--creates", "300", "--seed", "1"],
    ownOnly: "it judges the compiler of configs from inside",
  },
];
