import { ContainerError } from "../../errors.ts";
import type { Labels } from "../labels.ts";

/** Labels of a container, as containerd's restart monitor and its clients know them. */
export const RESTART_LABELS = {
  /** `running` or `stopped`: what its task is to be. Without it a container is left alone. */
  status: "containerd.io/restart.status",
  /** `always`, `unless-stopped`, `on-failure[:N]` or `no`; `always` without it. */
  policy: "containerd.io/restart.policy",
  /** How often it was restarted; counted by the monitor. */
  count: "containerd.io/restart.count",
  /** `true`: a client has stopped it. */
  explicitlyStopped: "containerd.io/restart.explicitly-stopped",
  /** Where what it prints goes. */
  logUri: "containerd.io/restart.loguri",
  /** A file for what it prints; of old, and outranked by the URI. */
  logPath: "containerd.io/restart.logpath",
  /** Where tsctr has its logs, and looks for them. */
  ownLogUri: "tsrun.dev/log-uri",
} as const;

/** What is to become of a container's task when it is not what it is to be. */
export interface RestartWish {
  readonly status: "running" | "stopped";
  readonly count: number;
  /** Where both streams go; "" for nowhere. */
  readonly output: string;
  /** Whether a task that ended so is to be started again. */
  restartsAfter(exitStatus: number): boolean;
}

/** strconv.ParseBool: what a client may write for true. */
const TRUE = ["1", "t", "T", "TRUE", "true", "True"];

/** What the labels ask for; undefined for nothing. @throws {ContainerError} invalid_argument */
export function parseRestartLabels(labels: Labels): RestartWish | undefined {
  const status = labels.get(RESTART_LABELS.status);
  // Another one is none of those that anything can be done about.
  if (status !== "running" && status !== "stopped") return undefined;
  const count = parseCount(labels);
  const { name, most } = parsePolicy(labels.get(RESTART_LABELS.policy) ?? "always");
  const isStopped = TRUE.includes(labels.get(RESTART_LABELS.explicitlyStopped) ?? "");
  const path = labels.get(RESTART_LABELS.logPath);
  const restartsAfter = (exitStatus: number): boolean => {
    switch (name) {
      case "always":
        return true;
      case "unless-stopped":
        return !isStopped;
      case "on-failure":
        return exitStatus !== 0 && (most === 0 || count < most);
      case "no":
        return false;
    }
  };
  const output = labels.get(RESTART_LABELS.logUri) ?? (path === undefined ? undefined : `file://${path}`);
  return { status, count, output: output ?? labels.get(RESTART_LABELS.ownLogUri) ?? "", restartsAfter };
}

type PolicyName = "always" | "unless-stopped" | "on-failure" | "no";

interface Policy {
  readonly name: PolicyName;
  /** How often; 0 for without end. */
  readonly most: number;
}

function parsePolicy(text: string): Policy {
  const [, most] = /^on-failure(?::(\d{1,9}))?$/.exec(text) ?? [];
  if (text.startsWith("on-failure") && (text === "on-failure" || most !== undefined)) {
    return { name: "on-failure", most: Number(most ?? 0) };
  }
  const name = (["always", "unless-stopped", "no"] as const).find((each) => each === text);
  if (name !== undefined) return { name, most: 0 };
  throw invalid(RESTART_LABELS.policy, text, "must be always, unless-stopped, on-failure[:N] or no");
}

function parseCount(labels: Labels): number {
  const text = labels.get(RESTART_LABELS.count) ?? "0";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(RESTART_LABELS.count, text, "must be a number");
}

function invalid(label: string, value: string, must: string): ContainerError {
  return new ContainerError("invalid_argument", `invalid label ${label}=${value}: ${must}`);
}
