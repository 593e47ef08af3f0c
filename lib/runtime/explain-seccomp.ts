import { ContainerError } from "../errors.ts";
import { answer, answerText } from "../plan/seccomp/answer.ts";
import { loadBundle } from "./bundle.ts";
import type { RuntimeOptions } from "./options.ts";

/** What is asked about the filter of a bundle. */
export interface SeccompQuestion {
  /** Absolute path. */
  readonly bundle: string;
  readonly syscall: string | number;
  readonly args: readonly bigint[];
  readonly arch: string | undefined;
  readonly format: "text" | "json";
}

/** Which rule of a bundle's profile decides about a system call, and why. Runs nothing and needs no privilege. */
export function explainSeccomp({ kernel }: RuntimeOptions, question: SeccompQuestion): string {
  const { bundle, syscall, args, arch, format } = question;
  const { config, exact } = loadBundle(kernel, bundle);
  const seccomp = config.linux?.seccomp;
  if (seccomp === undefined) {
    const why = "config.json has no linux.seccomp, so that every system call is let through";
    throw new ContainerError("failed_precondition", `cannot explain ${syscall}: ${why}`);
  }
  const { architecture } = kernel;
  const answers = answer({ seccomp, architecture, exact, syscall, args }, arch);
  return format === "json" ? `${JSON.stringify(answers, null, 2)}\n` : answerText(answers);
}
