import { join } from "node:path";
import { type EqualityCase, probeCase } from "../flow.ts";

const FOUR_OPEN = ["sh", "-c", 'exec "$@" 3</dev/null 4</etc/hostname 5</dev/zero 9</dev/null', "sh"];

/** Descriptors a container gets: --preserve-fds and the LISTEN_FDS block. */
export function descriptorCases(): readonly EqualityCase[] {
  const inherited = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };
  return [
    ...(["run", "create", "detached"] as const).flatMap((via) => [
      probeCase({ name: `descriptors/none is kept through ${via}`, via, wrap: FOUR_OPEN }),
      probeCase({
        name: `descriptors/two are kept through ${via}`,
        via,
        wrap: FOUR_OPEN,
        flags: ["--preserve-fds", "2"],
      }),
    ]),
    probeCase({
      name: "descriptors/socket activation",
      wrap: FOUR_OPEN,
      env: { ...inherited, LISTEN_FDS: "1", LISTEN_FDNAMES: "one" },
    }),
    probeCase({
      name: "descriptors/socket activation and one kept",
      wrap: FOUR_OPEN,
      flags: ["--preserve-fds", "1"],
      env: { ...inherited, LISTEN_FDS: "2" },
    }),
    probeCase({
      name: "descriptors/stdin closed",
      via: "create",
      wrap: ["sh", "-c", 'exec "$@" <&-', "sh"],
    }),
    probeCase({
      name: "descriptors/stdin is a file",
      via: "detached",
      wrap: ["sh", "-c", 'exec "$@" </etc/passwd', "sh"],
    }),
    probeCase({
      name: "descriptors/stdin through a pipe",
      wrap: ["sh", "-c", 'echo "typed in" | "$@"', "sh"],
      probe: { extra: "cat" },
    }),
    probeCase({
      name: "descriptors/pid file beside a relative bundle",
      flags: ({ scratch }) => ["--pid-file", join(scratch, "other-pid")],
    }),
  ];
}
