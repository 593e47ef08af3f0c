import type { Case } from "../case.ts";

/** Namespaces, plugins and the daemon itself. */
export const nameCases: readonly Case[] = [
  { name: "version", script: "ctr version | grep -c ." },
  { name: "namespaces ls, none", script: "ctr namespaces ls" },
  { name: "namespaces create", script: "ctr namespaces create n1 a=b; ctr namespaces ls" },
  { name: "namespaces create, taken", script: "ctr namespaces create n1" },
  { name: "namespaces create, wrong name", script: "ctr namespaces create 'a b'" },
  { name: "namespaces label", script: "ctr namespaces label n1 a= c=d; ctr namespaces ls" },
  { name: "namespaces label of nothing", script: "ctr namespaces label none a=b" },
  { name: "namespaces rm", script: "ctr namespaces rm n1; ctr namespaces ls -q" },
  { name: "namespaces rm of nothing", script: "ctr namespaces rm n1" },
  {
    name: "plugins ls",
    script:
      "ctr plugins ls | grep -E 'content.v1 .*ok|snapshotter.v1 *(overlayfs|native).*ok' | awk '{print $1, $2, $4}' | sort",
  },
  { name: "a namespace with a wrong name", script: "ctr -n 'a/b' images ls" },
];
