import { DEFAULTS } from "./settings.ts";

/** What --help prints. */
export function usage(name: string): string {
  return `${name} manages containers, with containerd's API: ctr, nerdctl and dockerd can be its clients.

  ${name} [options]
  ${name} fsck [--root DIR] [--repair] [--quick]    look at what it keeps while it does not run: fsck --help

  -a, --address PATH     socket to serve on (default ${DEFAULTS.address}); shims get PATH.ttrpc
      --root DIR         what outlives a reboot: images, snapshots, metadata (default ${DEFAULTS.root})
      --state DIR        what does not: the bundles of tasks (default ${DEFAULTS.state})
  -c, --config FILE      configuration in TOML (default ${DEFAULTS.config}, if it is there)
  -l, --log-level LEVEL  warn or debug (default warn)
      --log FILE         log to a file instead of standard error
      --log-format FORM  text or json (default text)
  -v, --version          print the version
  -h, --help             print this

SIGTERM ends it; containers and their shims live on, and the next ${name} finds them.

  ${name} --address /run/tsrund/tsrund.sock &
  ctr --address /run/tsrund/tsrund.sock version
`;
}
