import { openKernel } from "../../lib/linux/kernel.ts";
import type { RuntimeContext } from "./context.ts";

/** For tests: an ordinary user's context in a directory, which puts what is printed into `printed`. */
export function testContext(cwd: string, printed: string[]): RuntimeContext {
  return {
    options: {
      kernel: openKernel(),
      root: "/run/tsrun",
      systemdCgroup: false,
      rootless: "auto",
      debug: () => undefined,
      warn: () => undefined,
    },
    cwd,
    uid: 1000,
    gid: 1000,
    env: {},
    describe: () => Promise.reject(new Error("not asked for")),
    pid: 1,
    print: (content) => {
      printed.push(content);
      return Promise.resolve();
    },
  };
}
