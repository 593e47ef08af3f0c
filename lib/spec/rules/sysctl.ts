import { pointerTo } from "../../json-pointer.ts";
import type { Config, NamespaceType } from "../config.ts";
import { hasNamespace } from "../namespace-entry.ts";
import type { Rule } from "../rule.ts";
import { sysctlNames } from "../sysctl-key.ts";

/** config-linux.md § Sysctl; the allow-list is runc's. Whether a joined network namespace is the runtime's own only the kernel knows. */
export const sysctlRules: readonly Rule<Config>[] = [
  {
    reads: ["/linux/namespaces", "/linux/sysctl"],
    check(config, at, report) {
      const sysctl = config.linux?.sysctl ?? {};
      for (const key of Object.keys(sysctl)) {
        const problem = findProblem(config, key);
        if (problem !== undefined) report(pointerTo(`${at}/linux/sysctl`, key), sysctl[key], problem);
      }
    },
  },
];

function findProblem(config: Config, key: string): string | undefined {
  const names = sysctlNames(key);
  if (!isPath(names)) return 'must be a key such as "net.ipv4.ip_forward"';
  if (names.join(".") === "kernel.hostname") return "must be set by the hostname property instead";
  const type = namespaceOf(names);
  if (type === undefined) return "must be a key that belongs to a namespace: it would change the host";
  if (hasNamespace(config, type)) return undefined;
  return `must be absent unless linux.namespaces has an entry of type "${type}"`;
}

function isPath(names: readonly string[]): boolean {
  for (const name of names) {
    if (name === "" || name === "." || name === ".." || name.includes("\0") || name.includes("\n")) return false;
  }
  return true;
}

/** namespaces(7): the keys of /proc/sys/kernel that belong to an IPC namespace. */
const IPC_KEYS: readonly string[] = [
  "msgmax",
  "msgmnb",
  "msgmni",
  "sem",
  "shmall",
  "shmmax",
  "shmmni",
  "shm_rmid_forced",
];

function namespaceOf([top, second, ...rest]: readonly string[]): NamespaceType | undefined {
  if (second === undefined) return undefined;
  if (top === "net") return "network";
  if (top === "user") return "user";
  if (top === "fs") return second === "mqueue" && rest.length > 0 ? "ipc" : undefined;
  if (top !== "kernel" || rest.length > 0) return undefined;
  if (second === "domainname") return "uts";
  return IPC_KEYS.includes(second) ? "ipc" : undefined;
}
