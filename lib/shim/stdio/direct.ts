import type { OwnedFd } from "../../linux/fd.ts";
import type { Machine } from "../machine.ts";
import { DirectInput } from "./input.ts";
import { type LoggedProcess, type Logger, startLogger } from "./logger.ts";
import { openForProgram, openNull } from "./output.ts";
import type { ProcessStdio } from "./process-stdio.ts";
import { type OutputTarget, parseTarget, type StdioPaths } from "./target.ts";
import { untilRead } from "./unread.ts";

/** An output the program writes to itself. */
interface DirectOutput {
  readonly writer: OwnedFd;
  readonly keeper?: OwnedFd;
}

/** Standard streams that nothing has to be done for: the program has the FIFOs, files and pipes themselves. */
export async function openDirect(machine: Machine, paths: StdioPaths, owner: LoggedProcess): Promise<ProcessStdio> {
  using open = new DisposableStack();
  const input = open.use(new DirectInput(machine.kernel, paths.stdin));
  const target = parseTarget(paths.stdout);
  const logger = target.kind === "binary" ? await startLogger(machine, target, owner) : undefined;
  const [stdout, stderr] = logger === undefined ? openOutputs(machine, paths, target) : logged(logger);
  const kept = open.move();
  return {
    fds: [input.reader.number, stdout.writer.number, stderr.writer.number],
    prepare: () => input.prepare(),
    attach: () => {
      // From here the end of the program is the end of its outputs.
      input.attach();
      stdout.writer.close();
      stderr.writer.close();
    },
    closeInput: () => input.closeWriter(),
    resize: () => undefined,
    close: async () => {
      kept.dispose();
      const outputs = [stdout, stderr];
      for (const { writer } of outputs) writer.close();
      const keepers = outputs.map(({ keeper }) => keeper);
      await untilRead(machine.kernel, keepers);
      for (const keeper of keepers) keeper?.close();
      await logger?.stop();
    },
  };
}

function logged({ stdout, stderr }: Logger): readonly [DirectOutput, DirectOutput] {
  return [{ writer: stdout }, { writer: stderr }];
}

function openOutputs(
  { kernel }: Machine,
  paths: StdioPaths,
  stdout: OutputTarget,
): readonly [DirectOutput, DirectOutput] {
  const first = openOutput(kernel, stdout);
  try {
    return [first, openOutput(kernel, parseTarget(paths.stderr))];
  } catch (error) {
    first.writer.close();
    first.keeper?.close();
    throw error;
  }
}

function openOutput(kernel: Machine["kernel"], target: OutputTarget): DirectOutput {
  switch (target.kind) {
    case "path":
    case "file":
      return openForProgram(kernel, target.path, target.kind === "file");
    // A logger takes both outputs, named at the first one; a log has streams of its own.
    case "binary":
    case "json-file":
    case "null":
      return { writer: openNull(kernel) };
  }
}
