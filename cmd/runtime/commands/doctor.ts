import type { Finding } from "../../../lib/runtime/doctor.ts";
import { command } from "../../command.ts";
import { oneOf } from "../../flags.ts";
import type { RuntimeContext } from "../context.ts";
import { goJson } from "../state-json.ts";

/** The machine lacks what every container needs. */
const EXIT_UNFIT = 2;

export const doctorCommand = command({
  name: "doctor",
  summary: "print what on this machine will work and what will not, with remedies",
  description:
    "Looks at the kernel, cgroups, user namespaces, seccomp, security modules, systemd, criu and resctrl, for whoever runs " +
    "it, and changes nothing. What is limited is refused when a config asks for it; what has failed keeps every container " +
    "from running.",
  examples: [
    { command: "doctor", summary: "examine this machine for the current user" },
    { command: "doctor --format json", summary: "the same as a JSON array" },
  ],
  exitStatuses: [
    { status: "0", meaning: "containers can run; something may be limited" },
    { status: "2", meaning: "no container can run: something has failed" },
  ],
  args: {},
  flags: { format: oneOf(["text", "json"], "how to print it", { short: "f", label: "FORMAT" }) },
  run: async (context: RuntimeContext, _args, flags) => {
    const { examine } = await import("../../../lib/runtime/doctor.ts");
    const { uid, env } = context;
    const findings = await examine({ kernel: context.options.kernel, uid, env });
    await context.print(flags.format === "json" ? `${goJson(findings, "  ")}\n` : renderFindings(findings));
    return findings.some(({ verdict }) => verdict === "failed") ? EXIT_UNFIT : 0;
  },
});

/** One line a finding, and one more with the remedy. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ area }) => area.length));
  return findings
    .map(({ area, verdict, detail, remedy }) => {
      const line = `${verdict.padEnd("limited".length)}  ${area.padEnd(width)}  ${detail}\n`;
      return remedy === undefined ? line : `${line}${" ".repeat("limited".length + width + 4)}→ ${remedy}\n`;
    })
    .join("");
}
