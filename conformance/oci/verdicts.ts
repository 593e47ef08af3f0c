import { isSometimes } from "../harness/failing.ts";
import type { Requirement } from "./requirements.ts";

/** What became of a requirement. */
export interface Verdict {
  readonly requirement: Requirement;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was seen instead, or why it was skipped. */
  readonly details: readonly string[];
}

/** Collects what the scenarios find out about the requirements that they name. */
export class Findings {
  readonly #holding = new Set<string>();
  readonly #faults = new Map<string, string[]>();
  readonly #skips = new Map<string, string>();

  /** The requirement is seen to hold, or not, and `seen` says what was there instead. May be said many times. */
  expect(id: string, holds: boolean, seen: string): void {
    if (holds) this.#holding.add(id);
    else this.fault(id, seen);
  }

  /** The requirement is broken. */
  fault(id: string, seen: string): void {
    this.#faults.set(id, [...(this.#faults.get(id) ?? []), seen]);
  }

  /** It cannot be seen here. What other scenarios find counts all the same. */
  skip(id: string, why: string): void {
    this.#skips.set(id, why);
  }

  /** The ids that were spoken of. */
  get ids(): readonly string[] {
    return [...new Set([...this.#holding, ...this.#faults.keys(), ...this.#skips.keys()])];
  }

  /** A requirement holds if something showed it and nothing spoke against it. */
  judge(requirement: Requirement): Verdict {
    const faults = this.#faults.get(requirement.id);
    if (faults !== undefined) return { requirement, outcome: "failed", details: faults };
    if (this.#holding.has(requirement.id)) return { requirement, outcome: "passed", details: [] };
    const why = this.#skips.get(requirement.id);
    if (why !== undefined) return { requirement, outcome: "skipped", details: [why] };
    return { requirement, outcome: "failed", details: ["its scenario did not come to it"] };
  }
}

/** A failure is red unless it is listed, and what is listed and holds is red unless the list says `sometimes`. */
export function isRed({ outcome }: Verdict, reason: string | undefined): boolean {
  if (outcome === "skipped") return false;
  if (outcome === "failed") return reason === undefined;
  return reason !== undefined && !isSometimes(reason);
}
