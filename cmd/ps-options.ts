import type { Arg } from "./args.ts";

/** What comes after the container is ps(1)'s. */
export const psOptions: Arg<readonly string[]> = {
  label: "[ps options]",
  summary: "as for ps(1): -e, -f, -o LIST, aux or ax (default: -ef)",
  min: 0,
  max: Number.POSITIVE_INFINITY,
  parse: (texts) => texts,
};
