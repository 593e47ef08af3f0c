import type { Config } from "../config.ts";
import type { Rule } from "../rule.ts";

/** config.md § Annotations */
export const annotationRules: readonly Rule<Config>[] = [
  {
    reads: ["/annotations"],
    check({ annotations }, at, report) {
      if (annotations === undefined || !Object.hasOwn(annotations, "")) return;
      report(`${at}/annotations/`, annotations[""], "must have a name that is not empty");
    },
  },
];
