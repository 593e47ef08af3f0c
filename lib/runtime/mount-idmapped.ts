import { ContainerError } from "../errors.ts";
import { launchExecutor, parseReport, REPORT_BYTES } from "../linux/executor.ts";
import type { Kernel } from "../linux/kernel.ts";
import { type MountRequest, parseOptions } from "../linux/mount.ts";
import { receive, socketPair } from "../linux/socket.ts";
import { encode, presetRegister } from "../plan/encode.ts";
import { compileIdmappedMount } from "../plan/idmapped-mount.ts";
import { CONTROL, type Step } from "../plan/step.ts";
import { stepError } from "./step-error.ts";
import type { Waits } from "./waits.ts";

/** containerd's own options of a mount, which no filesystem knows. */
const MAPPING = /^[ug]idmap=/;

/** Mounts what a snapshotter gives for a container with a user namespace. @throws {ContainerError}, SyscallError */
export async function mountIdmapped(
  { kernel, waits }: { readonly kernel: Kernel; readonly waits: Waits },
  { type, source, options }: MountRequest,
  target: string,
): Promise<void> {
  const { flags, data } = parseOptions(options.filter((option) => !MAPPING.test(option)));
  const mappings = options.filter((option) => MAPPING.test(option));
  await runToEnd(kernel, waits, compileIdmappedMount({ type, source, target, mappings, flags, data }));
}

/** Runs a program of one part. @throws {SyscallError} for the refused step */
async function runToEnd(kernel: Kernel, waits: Waits, steps: readonly Step[]): Promise<void> {
  const part = encode(steps, kernel.architecture);
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  const executor = launchExecutor(kernel, {
    inherit: [remote],
    preserveFds: 0,
    image: ([own = -1]) => {
      presetRegister(part, CONTROL, own);
      return part.image;
    },
  });
  using _program = executor.program;
  remote.close();
  let failure: Error | undefined;
  for (;;) {
    await waits.readable(control);
    const bytes = receive(kernel, control, new Uint8Array(REPORT_BYTES));
    if (bytes.length === 0) break;
    const report = parseReport(bytes);
    const step = report.kind === "failure" ? steps[report.step] : undefined;
    if (report.kind === "failure" && step !== undefined) failure = stepError(step, { ...report, process: "setup" });
  }
  const { code, signal } = await waits.exited(executor.pid);
  if (failure !== undefined) throw failure;
  if (code !== 0) throw new ContainerError("internal", `cannot mount with mapped ids: exit ${code}, signal ${signal}`);
}
