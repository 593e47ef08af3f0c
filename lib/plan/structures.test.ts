import { writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { MOUNT_ATTR, PROPAGATION } from "../linux/constants/mounts.ts";
import { HYBRID, SMALL_V2, V2 } from "../testing/plan-host.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { setAttributes } from "./calls.ts";
import { compileCapabilities, compileUser } from "./credentials.ts";
import { compileDevices, planDevices } from "./devices.ts";
import { compileFork } from "./fork.ts";
import { compileLoopback } from "./network.ts";
import { compileRlimits } from "./rlimits.ts";
import { compileScheduling } from "./scheduling.ts";
import type { Step } from "./step.ts";
import { compileSysctl } from "./sysctl.ts";
import { compileTerminal } from "./terminal.ts";

/** Explain shows structures in words: what the kernel reads of them is compared with what a C compiler makes. */
interface Case {
  readonly name: string;
  /** Steps, of which one call has the structure. */
  readonly steps: readonly Step[];
  readonly call: Step["call"];
  /** Which of its arguments. */
  readonly argument: number;
  /** Which of several such calls. */
  readonly nth?: number;
  /** C: declares and fills `x`. */
  readonly c: string;
}

const PURPOSE = { doing: "test", from: "" } as const;
const CAPABILITIES = {
  effective: ["CAP_CHOWN", "CAP_BPF"],
  permitted: ["CAP_CHOWN", "CAP_SETFCAP", "CAP_BPF"],
  inheritable: ["CAP_MAC_OVERRIDE"],
};
const NAMESPACES = [{ type: "pid" }, { type: "mount" }, { type: "network" }] as const;
const SCHEDULER = {
  policy: "SCHED_DEADLINE",
  nice: -5,
  priority: 7,
  flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_DL_OVERRUN"],
  runtime: 1_000_000_000_000,
  deadline: 2_000_000_000_000,
  period: 3_000_000_000_000,
} as const;

const CASES: readonly Case[] = [
  {
    name: "struct rlimit64",
    steps: compileRlimits([{ type: "RLIMIT_CORE", soft: 1, hard: 2 ** 64 }], HYBRID).early,
    call: "prlimit64",
    argument: 2,
    nth: 1,
    c: "struct rlimit64 x = { .rlim_cur = 1, .rlim_max = RLIM64_INFINITY };",
  },
  {
    name: "struct rlimit64 of the caller",
    steps: compileRlimits([], HYBRID).early,
    call: "prlimit64",
    argument: 2,
    c: "struct rlimit64 x = { .rlim_cur = 1024, .rlim_max = 1048576 };",
  },
  {
    name: "struct __user_cap_header_struct",
    steps: compileCapabilities(CAPABILITIES, V2),
    call: "capset",
    argument: 0,
    c: "struct __user_cap_header_struct x = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };",
  },
  {
    name: "struct __user_cap_data_struct",
    steps: compileCapabilities(CAPABILITIES, V2),
    call: "capset",
    argument: 1,
    c: `struct __user_cap_data_struct x[2] = {
      { .effective = 1u << CAP_CHOWN, .permitted = 1u << CAP_CHOWN | 1u << CAP_SETFCAP },
      { .effective = 1u << (CAP_BPF - 32), .permitted = 1u << (CAP_BPF - 32), .inheritable = 1u << (CAP_MAC_OVERRIDE - 32) } };`,
  },
  {
    name: "gid_t[]",
    steps: compileUser({ additionalGids: [5, 4_294_967_294] }, "allowed"),
    call: "setgroups",
    argument: 1,
    c: "gid_t x[2] = { 5, 4294967294u };",
  },
  {
    name: "struct mount_attr",
    steps: [
      setAttributes(
        "tree",
        { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY, clear: 0x70, propagation: PROPAGATION.MS_SLAVE },
        false,
        PURPOSE,
      ),
    ],
    call: "mount_setattr",
    argument: 3,
    c: "struct mount_attr x = { .attr_set = MOUNT_ATTR_RDONLY, .attr_clr = MOUNT_ATTR__ATIME, .propagation = 1 << 19 };",
  },
  {
    name: "struct open_how",
    steps: compileSysctl({ "net.ipv4.ip_forward": "1" }, false),
    call: "openat2",
    argument: 2,
    c: `struct open_how x = { .flags = O_WRONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV
      | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS };`,
  },
  {
    name: "struct ifreq",
    steps: compileLoopback(),
    call: "ioctl",
    argument: 2,
    c: 'struct ifreq x = { .ifr_name = "lo", .ifr_flags = IFF_UP };',
  },
  {
    name: "struct winsize",
    steps: compileTerminal({ height: 24, width: 300 }, true),
    call: "ioctl",
    argument: 2,
    nth: 2,
    c: "struct winsize x = { .ws_row = 24, .ws_col = 300 };",
  },
  {
    name: "struct msghdr, without its pointers",
    steps: compileTerminal(undefined, true),
    call: "sendmsg",
    argument: 1,
    c: `struct { struct msghdr header; struct iovec vector; char control[CMSG_SPACE(sizeof(int))]; } x = {
        .header = { .msg_iovlen = 1, .msg_controllen = CMSG_SPACE(sizeof(int)) },
        .vector = { .iov_len = strlen("/dev/ptmx") } };
      struct cmsghdr *c = (struct cmsghdr *)x.control;
      c->cmsg_len = CMSG_LEN(sizeof(int)); c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS;`,
  },
  {
    name: "struct clone_args",
    steps: compileFork(NAMESPACES, SMALL_V2, []),
    call: "clone3",
    argument: 0,
    c: `struct clone_args x = { .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_PARENT | CLONE_INTO_CGROUP };`,
  },
  {
    name: "struct sched_attr",
    steps: compileScheduling({ cwd: "/", scheduler: SCHEDULER }, {}),
    call: "sched_setattr",
    argument: 1,
    c: `struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; }
      x = { 48, 6, 1 | 4, -5, 7, 1000000000000, 2000000000000, 3000000000000 };`,
  },
];

const HEADERS = [
  "fcntl.h",
  "stdint.h",
  "stdio.h",
  "string.h",
  "net/if.h",
  "sys/ioctl.h",
  "sys/resource.h",
  "sys/socket.h",
  "sys/sysmacros.h",
  "sys/types.h",
  "linux/capability.h",
  "linux/mount.h",
  "linux/openat2.h",
  "linux/sched.h",
];

/** The bytes, in hexadecimal, of each `x`. */
function compileC(sources: readonly string[]): readonly string[] {
  using directory = new TemporaryDirectory();
  const blocks = sources.map(
    (source) =>
      `{ ${source} for (size_t i = 0; i < sizeof x; i++) printf("%02x", ((unsigned char *)&x)[i]); puts(""); }`,
  );
  const includes = HEADERS.map((header) => `#include <${header}>`);
  const program = ["#define _GNU_SOURCE", ...includes, "int main(void) {", ...blocks, "return 0; }"];
  writeFileSync(directory.at("print.c"), program.join("\n"));
  const compiled = Bun.spawnSync({ cmd: ["cc", "-o", directory.at("print"), directory.at("print.c")] });
  if (compiled.exitCode !== 0) throw new Error(compiled.stderr.toString());
  return Bun.spawnSync({ cmd: [directory.at("print")] })
    .stdout.toString()
    .trim()
    .split("\n");
}

function bytesOf({ steps, call, argument, nth = 0 }: Case): string {
  const found = steps.filter((step) => step.call === call)[nth]?.args[argument];
  if (typeof found !== "object" || found.kind !== "struct") throw new Error(`argument ${argument} is no structure`);
  return Buffer.from(found.bytes).toString("hex");
}

describe("structures", () => {
  it("are what a C compiler makes of them", () => {
    const expected = compileC(CASES.map(({ c }) => c));
    expect(Object.fromEntries(CASES.map((each) => [each.name, bytesOf(each)]))).to.deep.equal(
      Object.fromEntries(CASES.map(({ name }, index) => [name, expected[index]])),
    );
  });

  it("device numbers are those of makedev(3)", () => {
    const numbers = [
      [1, 3],
      [10, 229],
      [253, 70_000],
      [4095, 1_048_575],
    ] as const;
    const devices = numbers.map(([major, minor]) => ({ path: `/dev/d${minor}`, type: "c", major, minor }) as const);
    const steps = compileDevices(planDevices(devices, []), [], false);
    const made = new Map(steps.filter(({ call }) => call === "mknodat").map(({ args }) => [args[1], args[3]]));
    const ours = numbers.map(([, minor]) => {
      const number = made.get(`d${minor}`);
      return BigInt(typeof number === "object" && number.kind === "flags" ? number.value : -1).toString(16);
    });
    const theirs = compileC(numbers.map(([major, minor]) => `uint32_t x = makedev(${major}, ${minor});`));
    const littleEndian = theirs.map((hex) => Buffer.from(hex, "hex").readUInt32LE().toString(16));
    expect(ours).to.deep.equal(littleEndian);
  });
});
