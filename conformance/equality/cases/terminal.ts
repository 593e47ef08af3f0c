import { type EqualityCase, probeCase } from "../flow.ts";

/** config.md § Process: terminal and consoleSize. */
export function terminalCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "terminal/relayed by run",
      via: "pty",
      configure: ({ process }) => {
        process.env.push("PROBE_WAIT_SIZE=1");
      },
    }),
    probeCase({
      name: "terminal/relayed by run, exit status",
      via: "pty",
      configure: ({ process }) => {
        process.env.push("PROBE_WAIT_SIZE=1");
      },
      probe: { status: 42 },
    }),
    probeCase({ name: "terminal/console socket", via: "console" }),
    probeCase({
      name: "terminal/console socket and size",
      via: "console",
      configure: ({ process }) => {
        process.consoleSize = { height: 40, width: 123 };
      },
    }),
    probeCase({
      name: "terminal/console of a user",
      via: "console",
      configure: ({ process }) => {
        process.user = { uid: 1000, gid: 1000 };
      },
    }),
    probeCase({
      name: "terminal/console size is ignored without a terminal",
      configure: ({ process }) => {
        process.consoleSize = { height: 40, width: 123 };
      },
    }),
  ];
}
