import { MSG } from "../linux/constants/sockets.ts";
import { CONTROL, flags, type Purpose, register, type Step, type Struct } from "./step.ts";

/** Kinds of the program's own messages on the control socket; native/program.h has REPORT_FAILURE, 1. */
export const MESSAGE_PID = 2;
export const MESSAGE_READY = 3;
/** Init waits until the hooks of the runtime have run. */
export const MESSAGE_HOOKS = 4;
/** Says nothing: that it can be sent is all. */
export const MESSAGE_ALIVE = 5;
/** Comes with the descriptor that tells a listener of calls: seccomp_unotify(2). */
export const MESSAGE_LISTENER = 6;
/** The value is the number of init's netlink socket; init waits until its network devices are there. */
export const MESSAGE_NETWORK = 7;
/** Tells what the kernel says of a label, after u32 which one. */
export const MESSAGE_LABEL = 8;
/** u32 kind, u32 value */
export const MESSAGE_BYTES = 8;

/** A message of a kind; the value is 0. */
export function message(kind: number, name: string): Struct {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  new DataView(bytes.buffer).setUint32(0, kind, true);
  return { kind: "struct", bytes, describe: () => `{${name}}` };
}

/** read(2) of the runtime's answer, which is all that its bytes say; that it has gone is a failure. */
export function receiveAnswer(purpose: Purpose): Step {
  const answer: Struct = { kind: "struct", bytes: new Uint8Array(MESSAGE_BYTES), describe: () => "answer" };
  return { call: "read", args: [register(CONTROL), answer, MESSAGE_BYTES], failOnZero: true, purpose };
}

/** send(2) of a message to the runtime; a runtime that is gone is a failure, not a SIGPIPE. */
export function sendMessage(what: Struct, purpose: Purpose): Step {
  const noSignal = flags(MSG.MSG_NOSIGNAL, MSG);
  return { call: "sendto", args: [register(CONTROL), what, what.bytes.length, noSignal, 0, 0], purpose };
}
