import { type EqualityCase, probeCase } from "../flow.ts";

const NAMES = [
  "AS",
  "CORE",
  "CPU",
  "DATA",
  "FSIZE",
  "LOCKS",
  "MEMLOCK",
  "MSGQUEUE",
  "NICE",
  "NPROC",
  "NOFILE",
  "RSS",
  "RTPRIO",
  "RTTIME",
  "SIGPENDING",
  "STACK",
];

/** config.md § POSIX process, rlimits. */
export function rlimitCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "rlimits/every one",
      via: "create",
      configure: ({ process }) => {
        const big = 2 ** 30;
        process.rlimits = NAMES.map((name, index) => ({
          type: `RLIMIT_${name}`,
          soft: big + index,
          hard: big + 2 * index,
        }));
      },
    }),
    probeCase({
      name: "rlimits/unlimited",
      configure: ({ process }) => {
        process.rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: 1 }];
      },
      // RLIM_INFINITY: no number of JavaScript is written so
      edit: (text) => text.replace('"hard": 1', '"hard": 18446744073709551615'),
    }),
    ...(["run", "create"] as const).map((via) =>
      probeCase({
        name: `rlimits/inherited through ${via}`,
        via,
        configure: ({ process }) => {
          process.rlimits = [];
        },
        wrap: ["sh", "-c", 'ulimit -Sn 777; ulimit -Sc 11; ulimit -Ss 4096; "$@"', "sh"],
      }),
    ),
    probeCase({
      name: "rlimits/inherited from a caller that is gone",
      via: "detached",
      configure: ({ process }) => {
        delete process.rlimits;
      },
      wrap: ["sh", "-c", 'ulimit -Sn 777; ulimit -Hn 5000; exec "$@"', "sh"],
    }),
  ];
}
