import { POLL } from "../linux/constants/sockets.ts";
import { compileDescriptors } from "./process.ts";
import { CONTROL, type Field, type Purpose, register, type Step, type Struct } from "./step.ts";

/** The register with the pidfd of the process that is watched. */
export const WATCHED = "watched";

/** `struct pollfd`: i32 fd, i16 events, i16 revents; two of them. */
const POLLFD_BYTES = 8;
const DESCRIPTORS = [WATCHED, CONTROL];

/**
 * A program that ends when a process has ended, or the runtime. An event loop can be told of the end of a child, and of
 * no other process: this makes the one the other.
 */
export function compileWatch(): readonly Step[] {
  const purpose: Purpose = { doing: "wait for the end of a process", from: "" };
  const polls: Struct = {
    kind: "struct",
    bytes: new Uint8Array(DESCRIPTORS.length * POLLFD_BYTES).map((_, at) =>
      // Of the socket only its end counts.
      at === 4 ? POLL.POLLIN : 0,
    ),
    describe: () => `{${DESCRIPTORS.join(", ")}}`,
  };
  const place = (index: number, name: string): Step => {
    const field: Field = { kind: "field", of: polls, at: index * POLLFD_BYTES, name: "fd" };
    return { call: "store", args: [field, register(name), 4], purpose };
  };
  return [
    ...compileDescriptors(DESCRIPTORS, 0, false),
    ...DESCRIPTORS.map((name, index) => place(index, name)),
    { call: "ppoll", args: [polls, DESCRIPTORS.length, 0, 0, 0], purpose },
    { call: "exit_group", args: [0], purpose },
  ];
}
