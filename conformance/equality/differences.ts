import type { AcceptedDifference } from "./compare.ts";

/** Where tsrun is meant to differ from Debian's runc 1.1.5. */
export const ACCEPTED_DIFFERENCES: readonly AcceptedDifference[] = [
  {
    case: "*",
    section: "created init",
    pattern: /^[-+] threads (several|one)$/,
    reason: "runc's init is a Go program with several threads, tsrun's has one",
  },
  {
    case: "*",
    section: "state*",
    pattern: /ociVersion = /,
    reason: "runc 1.1.5 speaks version 1.0.2-dev of the specification",
  },
  {
    case: "*",
    section: "list json*",
    pattern: /ociVersion = /,
    reason: "runc 1.1.5 speaks version 1.0.2-dev of the specification",
  },
  {
    case: "hooks/*",
    section: "*",
    pattern: /ociVersion = /,
    reason: "runc 1.1.5 speaks version 1.0.2-dev of the specification",
  },
  {
    case: "uts/domainname",
    section: "uts",
    pattern: /^[-+] domainname /,
    reason: "runc 1.1.5 does not know domainname",
  },
  {
    case: "uts/domainname",
    section: "sysctl",
    pattern: /kernel\/domainname/,
    reason: "runc 1.1.5 does not know domainname",
  },
  {
    case: "process/scheduler and io priority",
    section: "attributes",
    pattern: /^[-+] (nice|io priority) /,
    reason: "runc 1.1.5 does not know scheduler and ioPriority",
  },
  {
    case: "rlimits/inherited*",
    section: "rlimits",
    pattern: /^[-+] NOFILE /,
    reason: "runc built with Go 1.19 raises its own soft limit and hands it on; tsrun hands on the caller's",
  },
  {
    case: "errors/cpuset impossible*",
    section: "failure",
    pattern: /lines? on stderr$/,
    reason: "runc warns of an OOM counter it cannot read before it says what is wrong",
  },
  {
    case: "exits/kill KILL without a pid namespace",
    section: "others",
    pattern: /(ended too|live on until delete)$/,
    reason: "runc 1.1.5 kills init alone; since 1.2, as tsrun, it kills the whole container",
  },
];
