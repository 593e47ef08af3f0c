/**
 * Puts a filter in force for its own thread and says what the kernel then answers, as JSON: run by main.ts in a
 * process of its own, with `default` or `listener`.
 */
import { errnoSymbol } from "../../lib/linux/constants/errno.ts";
import { PRCTL } from "../../lib/linux/constants/processes.ts";
import { SECCOMP, SOCK_FILTER_BYTES, SOCK_FPROG_BYTES, SOCK_FPROG_FILTER } from "../../lib/linux/constants/seccomp.ts";
import { addressOf } from "../../lib/linux/ffi.ts";
import { type Kernel, openKernel } from "../../lib/linux/kernel.ts";
import { compileFilter } from "../../lib/plan/seccomp/filter.ts";
import type { Seccomp } from "../../lib/spec/seccomp.ts";
import { dockerDefault } from "./profiles.ts";

/** A listener's profile may be as small as this: nothing that Bun does is in it. */
const LISTENER: Seccomp = {
  defaultAction: "SCMP_ACT_ALLOW",
  listenerPath: "/nowhere",
  flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_LOG"],
  syscalls: [{ names: ["swapon"], action: "SCMP_ACT_NOTIFY" }],
};

/** Loads the filter. Returns what seccomp(2) did: 0, a listener, or the negated errno. */
function load(kernel: Kernel, seccomp: Seccomp): number {
  const { program, flags } = compileFilter(seccomp, kernel.architecture, new Map());
  const header = new DataView(new ArrayBuffer(SOCK_FPROG_BYTES));
  header.setUint16(0, program.length / SOCK_FILTER_BYTES, true);
  header.setBigUint64(SOCK_FPROG_FILTER, BigInt(addressOf(program)), true);
  kernel.call("prctl", PRCTL.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return kernel.call("seccomp", SECCOMP.SECCOMP_SET_MODE_FILTER, flags, new Uint8Array(header.buffer));
}

const UNSHARE_NOTHING = 0;
const PER_LINUX = 0;
const ADDR_NO_RANDOMIZE = 0x4_0000;
const AF_ALG = 38;
const AF_UNIX = 1;
const SOCK_STREAM = 1;

function answers(kernel: Kernel): Record<string, string> {
  const say = (result: number): string => (result < 0 ? errnoSymbol(-result) : "ok");
  return {
    getpid: say(kernel.call("getpid")),
    unshare: say(kernel.call("unshare", UNSHARE_NOTHING)),
    personality: say(kernel.call("personality", PER_LINUX)),
    personalityOther: say(kernel.call("personality", ADDR_NO_RANDOMIZE)),
    socketUnix: say(kernel.call("socket", AF_UNIX, SOCK_STREAM, 0)),
    socketAlg: say(kernel.call("socket", AF_ALG, SOCK_STREAM, 0)),
    clone3: say(kernel.call("clone3", 0, 0)),
    openTree: say(kernel.call("open_tree", -1, "", 0)),
  };
}

function main(isListener: boolean): void {
  const kernel = openKernel();
  const loaded = load(kernel, isListener ? LISTENER : dockerDefault(kernel.architecture));
  process.stdout.write(JSON.stringify({ loaded, ...(isListener ? {} : answers(kernel)) }));
}

main(process.argv[2] === "listener");
