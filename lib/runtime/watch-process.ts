import { launchExecutor } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import { socketPair } from "../linux/socket.ts";
import { encode, presetRegister } from "../plan/encode.ts";
import { CONTROL } from "../plan/step.ts";
import { compileWatch, WATCHED } from "../plan/watch.ts";

/** A child that ends when the process ends that it watches. */
export interface Watcher {
  readonly pid: number;
  /** Lets it end; so does the end of this process. */
  stop(): void;
}

/** Starts a child that ends with the process of a pidfd, whoever is the parent of that. The caller waits for the child. */
export function watchProcess(kernel: Kernel, process: OwnedFd): Watcher {
  const part = encode(compileWatch(), kernel.architecture);
  using open = new DisposableStack();
  const [control, remote] = socketPair(kernel).map((fd) => open.use(fd)) as [OwnedFd, OwnedFd];
  const executor = launchExecutor(kernel, {
    inherit: [remote, process],
    preserveFds: 0,
    image: (numbers) => {
      [CONTROL, WATCHED].forEach((name, index) => {
        presetRegister(part, name, numbers[index] ?? -1);
      });
      return part.image;
    },
  });
  executor.program.close();
  const kept = control.move();
  return { pid: executor.pid, stop: () => kept.close() };
}
