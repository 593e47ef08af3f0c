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
    case: "process/caller is confined to a CPU",
    section: "attributes",
    pattern: /^\+ cpu \d+$/,
    reason: "runc 1.1.5 hands the caller's CPUs on; later ones, as tsrun, run on all that the cgroup has",
  },
  {
    case: "process/caller is confined to a CPU",
    section: "status",
    pattern: /^[-+] Cpus_allowed_list:/,
    reason: "runc 1.1.5 hands the caller's CPUs on; later ones, as tsrun, run on all that the cgroup has",
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
  {
    case: "rootfs/path through a link",
    section: "*",
    pattern: /./,
    reason: "runc 1.1.5 refuses a rootfs that is a symbolic link; the specification does not",
  },
  {
    case: "rootfs/propagation shared",
    section: "mountinfo",
    pattern: /./,
    reason: "runc 1.1.5 leaves the container's own root private; the specification, crun and tsrun make it shared",
  },
  {
    case: "rootfs/propagation rshared",
    section: "mountinfo",
    pattern: /./,
    reason: "runc 1.1.5 leaves the container's own root private; the specification, crun and tsrun make it shared",
  },
  {
    case: "mounts/tmpfs defaults",
    section: "*",
    pattern: /./,
    reason: "runc 1.1.5 hands `defaults` to the filesystem, which refuses it; later ones, as tsrun, know it",
  },
  {
    case: "mounts/one on the other",
    section: "paths",
    pattern: /^[-+] \/t: /,
    reason: "runc 1.1.5 gives a tmpfs the mode of the directory it covers, whatever its option says",
  },
  {
    case: "devices/nodes that replace a default",
    section: "*",
    pattern: /./,
    reason: "runc reopens /dev/null when it may no longer override permissions, and fails; tsrun reopens it before",
  },
  {
    case: "cgroups/pids zero",
    section: "*",
    pattern: /./,
    reason: "runc 1.1.5 takes a pids limit of 0 for none; since specification 1.3 it is a limit",
  },
  {
    case: "errors/ociVersion is missing*",
    section: "*",
    pattern: /./,
    reason: "ociVersion is required; runc accepts a config without it",
  },
  {
    case: "errors/interpreter is missing (create)",
    section: "start",
    pattern: /./,
    reason: "start of tsrun waits for execve(2) and says why it failed; runc's has ended by then",
  },
  {
    case: "errors/executable is empty of sense (create)",
    section: "start",
    pattern: /./,
    reason: "start of tsrun waits for execve(2) and says why it failed; runc's has ended by then",
  },
  {
    case: "errors/preserve-fds of closed descriptors",
    section: "failure",
    pattern: /./,
    reason: "a descriptor that is to be preserved has to be open; runc passes over one that is not",
  },
  {
    case: "*",
    section: "descriptors",
    pattern: /^[-+] [012] type/,
    reason: "a foreground run of tsrun gives the program its own standard streams; runc puts pipes between and copies",
  },
  {
    case: "hooks/all through *",
    section: "host poststart.state",
    pattern: /status = /,
    reason: "runc 1.1.5 runs poststart hooks before the program; since specification 1.3 they run after it has started",
  },
  {
    case: "hooks/failing poststart",
    section: "*",
    pattern: /./,
    reason: "runc 1.1.5 runs poststart hooks in create; since specification 1.3 they run after the program has started",
  },
  {
    case: "hooks/failing startContainer",
    section: "start",
    pattern: /./,
    reason: "start of tsrun waits for execve(2) and says why it failed; runc's has ended by then",
  },
  {
    case: "namespaces/user*",
    section: "mount order",
    pattern: /./,
    reason:
      "tsrun opens the host's devices before it makes the mount namespace: they have lower ids, by which the kernel lists",
  },
  {
    case: "devices/in a user namespace",
    section: "mount order",
    pattern: /./,
    reason:
      "tsrun opens the host's devices before it makes the mount namespace: they have lower ids, by which the kernel lists",
  },
  {
    case: "namespaces/user*",
    section: "*",
    pattern: /\/dev\/mqueue.* 1777 0:(0|65534)/,
    reason: "tsrun is root of the user namespace, uid and gid, when it makes the others; runc has only the uid by then",
  },
  {
    case: "rootfs/propagation unbindable",
    section: "*",
    pattern: /./,
    reason:
      "runc 1.1.5 makes / unbindable and then cannot bind the rootfs; tsrun makes the mount around the rootfs private first",
  },
  {
    case: "verbs/ps, of one's own",
    section: "*",
    pattern: /./,
    reason: "runc picks lines of the host's ps by a column PID, which has to be there; ps e shows environments too",
  },
];
