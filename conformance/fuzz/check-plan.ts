import { ContainerError, explain, SpecError } from "../../lib/errors.ts";
import { compile, type Plan, planSteps } from "../../lib/plan/compile.ts";
import { encode } from "../../lib/plan/encode.ts";
import { explainSteps, explainText } from "../../lib/plan/explain.ts";
import type { Host } from "../../lib/plan/host.ts";
import { parseConfig } from "../../lib/spec/parse-config.ts";
import { HYBRID, REQUEST, V2 } from "../../lib/testing/plan-host.ts";

const HOSTS: readonly Host[] = [HYBRID, V2];
const UNCLEAR = /internal error|undefined|\[object |NaN/;

/** What became of one config.json. */
export type Verdict = "compiled" | "refused";

/**
 * Takes a text through validation, compiling, explaining and encoding.
 * @throws {Error} for anything but a plan or an error that says what its user can do
 */
export function checkPlan(text: string): Verdict {
  try {
    const { config } = parseConfig(text);
    for (const host of HOSTS) checkProgram(compile(config, host, REQUEST), host);
    return "compiled";
  } catch (error) {
    checkRefusal(error);
    return "refused";
  }
}

function checkProgram(plan: Plan, { architecture }: Host): void {
  const first = encode(plan.setup, architecture);
  const second = encode(plan.init, architecture, first);
  if (second.offset < first.image.length) throw new TypeError("the parts of the program overlap");
  const text = explainText(plan);
  const { length } = planSteps(plan);
  if (explainSteps(plan).length < length) throw new TypeError("explain shows fewer steps than there are");
  if (text.includes("[object ")) throw new TypeError("explain prints an object");
}

/** @throws the error itself when it is none that a user can understand */
function checkRefusal(error: unknown): void {
  if (!(error instanceof ContainerError) || error.code === "internal") throw error;
  const message = explain(error);
  if (UNCLEAR.test(message.replace(/"(\\.|[^"\\])*"/g, '""')) || /[\n\0]/.test(message)) throw error;
  if (error instanceof SpecError && error.faults.some(({ problem }) => problem === "")) throw error;
}
