import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { addressOf } from "../linux/ffi.ts";
import type { Kernel } from "../linux/kernel.ts";
import { receiveFd } from "../linux/socket.ts";
import type { TerminalRelay } from "./terminal-relay.ts";

/** Takes the terminal's master from the program and joins it to the caller's terminal. @throws {ContainerError} */
export async function openRelay(kernel: Kernel, console: OwnedFd): Promise<TerminalRelay> {
  using master = receiveFd(kernel, console, addressOf);
  if (master === undefined) throw new ContainerError("internal", "cannot get the terminal of the process");
  return await startRelay(kernel, master.move());
}

/** Joins a terminal's master, which the relay owns from here, to the caller's terminal. */
export async function startRelay(kernel: Kernel, master: OwnedFd): Promise<TerminalRelay> {
  // This process stays, and copies: now compiled code pays.
  Bun.unsafe.setJITPolicy(1);
  const { relayTerminal } = await import("./terminal-relay.ts");
  return relayTerminal(kernel, master);
}
