import type { Kernel } from "../linux/kernel.ts";
import { compile } from "../plan/compile.ts";
import { encode } from "../plan/encode.ts";
import { defaultConfig, stringifyConfig } from "../spec/default-config.ts";
import { parseConfig } from "../spec/parse-config.ts";
import { gatherHost } from "./host.ts";

const CONTEXT = { id: "rehearsal", rootfs: "/", noPivot: false, foreground: false, stdio: [0, 1, 2] } as const;
const REQUEST = { ...CONTEXT, bundle: "/", noNewKeyring: false, preserveFds: 0, initPid: 1 };

/**
 * Compiles the program of a container that nobody makes: what has run once runs in half the time, and who waits for a
 * container to make has time for the first. Reads, and changes nothing.
 * @throws {ContainerError} where nobody can make one either
 */
export function rehearse(kernel: Kernel): void {
  const text = stringifyConfig(defaultConfig({ rootless: false, uid: 0, gid: 0, cgroupMode: "hybrid" }));
  const { config } = parseConfig(text);
  const host = gatherHost({ kernel, rootless: "auto" }, config, CONTEXT);
  const { setup, init } = compile(config, host, REQUEST);
  encode(init, kernel.architecture, encode(setup, kernel.architecture));
}
