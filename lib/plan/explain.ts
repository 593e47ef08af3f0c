import { propertyPath } from "../json-pointer.ts";
import { printable } from "../printable.ts";
import { describeFlags } from "./calls.ts";
import type { Plan, PlanProcess } from "./compile.ts";
import { type ScopeStep, stepsBeforeScope } from "./scope.ts";
import type { Argument, RuntimeStep, Step } from "./step.ts";

/** One step as `tsrun explain --format json` gives it. */
export interface ExplainedStep {
  /** Its number in the program, as in the report of a failure; absent for a step of the runtime. */
  readonly step?: number;
  readonly process: PlanProcess;
  readonly call: string;
  /** Decoded, in the order of the system call. */
  readonly arguments: readonly string[];
  /** The register that takes the result. */
  readonly into?: string;
  /** Errnos that are no failure. */
  readonly tolerated?: readonly string[] | "any";
  /** The step that follows after success, where it is not the next one. */
  readonly next?: number;
  /** The step that follows after a tolerated errno, where it is not the next one. */
  readonly otherwise?: number;
  readonly purpose: string;
  /** RFC 6901 pointer of the property that caused the step, "" for what every container gets. */
  readonly pointer: string;
}

/** The program in words: the very steps that `create` hands to the executor. */
export function explainSteps(plan: Plan): readonly ExplainedStep[] {
  const setup = plan.setup.map((step, index) => explainStep(step, index, "setup"));
  const scope = (plan.scope ?? []).map(explainScopeStep);
  const waits = stepsBeforeScope(plan.setup);
  const runtime = plan.runtime.map((step) => explainStep(step, undefined, "runtime"));
  const init = plan.init.map((step, index) => explainStep(step, setup.length + index, "init"));
  return [...setup.slice(0, waits), ...scope, ...setup.slice(waits), ...runtime, ...init];
}

function explainScopeStep({ call, text, purpose }: ScopeStep): ExplainedStep {
  return { process: "runtime", call, arguments: text, purpose: purpose.doing, pointer: purpose.from };
}

/** The program as text: a line for every purpose, and below it the calls that serve it. */
export function explainText(plan: Plan): string {
  const lines: string[] = [];
  let process = "";
  let title = "";
  for (const step of explainSteps(plan)) {
    if (step.process !== process) {
      process = step.process;
      lines.push(`${lines.length === 0 ? "" : "\n"}${PROCESS_TITLES[step.process]}`);
    }
    const from = step.pointer === "" ? "" : ` (${propertyPath(step.pointer)})`;
    if (`${step.purpose}${from}` !== title) {
      title = `${step.purpose}${from}`;
      lines.push(`\n  ${printable(title)}`);
    }
    lines.push(`  ${String(step.step ?? "").padStart(5)}  ${printable(callText(step))}`);
  }
  return `${lines.join("\n")}\n`;
}

const PROCESS_TITLES: Readonly<Record<PlanProcess, string>> = {
  setup: "setup: a process in the host's namespaces, which ends when init is born",
  runtime: "runtime: tsrun itself, while the container waits",
  init: "init: the first process of the container",
};

/** What only an instruction has. */
type NotInProgram = { readonly [Field in Exclude<keyof Step, keyof RuntimeStep>]?: never };

function explainStep(
  step: Step | (RuntimeStep & NotInProgram),
  number: number | undefined,
  process: PlanProcess,
): ExplainedStep {
  const index = number ?? 0;
  return {
    ...(number === undefined ? {} : { step: number }),
    process,
    call: step.call,
    arguments: step.args.map(describeArgument),
    ...(step.into === undefined ? {} : { into: step.into }),
    ...(step.tolerated === undefined ? {} : { tolerated: step.tolerated }),
    ...(step.skip === undefined ? {} : { next: index + 1 + step.skip }),
    ...(step.otherwise === undefined ? {} : { otherwise: index + 1 + step.otherwise }),
    purpose: step.purpose.doing,
    pointer: step.purpose.from,
  };
}

function callText(step: ExplainedStep): string {
  const result = step.into === undefined ? "" : ` → ${step.into}`;
  return `${step.call}(${step.arguments.join(", ")})${result}${branchText(step)}`;
}

/** Where the program goes on when it is not the next step. */
function branchText({ call, tolerated, next, otherwise }: ExplainedStep): string {
  const parts: string[] = [];
  if (next !== undefined) parts.push(call.startsWith("clone") ? `in the child: go to ${next}` : `go to ${next}`);
  if (tolerated !== undefined && tolerated.length > 0) {
    const errnos = tolerated === "any" ? "any error" : tolerated.join(", ");
    parts.push(`${errnos}: ${otherwise === undefined ? "go on" : `go to ${otherwise}`}`);
  }
  return parts.length === 0 ? "" : `   [${parts.join("; ")}]`;
}

const MAX_TEXT_CHARS = 400;

function describeArgument(argument: Argument): string {
  const text = describe(argument);
  return text.length <= MAX_TEXT_CHARS ? text : `${text.slice(0, MAX_TEXT_CHARS)}…`;
}

function describe(argument: Argument): string {
  if (typeof argument === "string") return JSON.stringify(argument);
  if (typeof argument !== "object") return String(argument);
  switch (argument.kind) {
    case "flags":
      return describeFlags(argument);
    case "mode":
      return `0${argument.value.toString(8)}`;
    case "register":
      return argument.name;
    case "strings":
      return `[${argument.values.map((value) => JSON.stringify(value)).join(", ")}]`;
    case "struct":
      return argument.describe();
    case "field":
      return argument.name;
  }
}
