import { type EqualityCase, probeCase } from "../flow.ts";

/** config.md § Process: arguments, environment, directory, user, and what hangs on a process. */
export function processCases(): readonly EqualityCase[] {
  return [
    probeCase({ name: "process/default through create", via: "create" }),
    probeCase({ name: "process/default through run" }),
    probeCase({ name: "process/default detached", via: "detached" }),
    ...identityCases(),
    ...environmentCases(),
    ...attributeCases(),
  ];
}

function identityCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "process/user and groups",
      via: "create",
      configure: ({ process }) => {
        process.user = { uid: 1000, gid: 1001, additionalGids: [5, 7, 1001] };
      },
    }),
    probeCase({
      name: "process/umask",
      configure: ({ process }) => {
        process.user.umask = 0o027;
      },
    }),
    probeCase({
      name: "process/umask zero",
      configure: ({ process }) => {
        process.user.umask = 0;
      },
    }),
    probeCase({
      name: "process/user without a name",
      configure: ({ process }) => {
        process.user = { uid: 4242, gid: 4343 };
      },
    }),
  ];
}

function environmentCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "process/environment",
      configure: ({ process }) => {
        process.env = ["PATH=/bin", "A=1", "EMPTY=", "WITH=an=equals", "A=2", "SPACE= x ", "UTF=å😀"];
      },
    }),
    probeCase({
      name: "process/environment with HOME",
      configure: ({ process }) => {
        process.env.push("HOME=/nowhere");
      },
    }),
    probeCase({
      name: "process/executable found on PATH",
      configure: ({ process }) => {
        process.env = ["PATH=/nowhere:/tmp:/bin"];
        process.args = ["probe", "-c", "last"];
      },
    }),
    probeCase({
      name: "process/no environment",
      configure: ({ process }) => {
        process.env = [];
      },
    }),
    probeCase({
      name: "process/working directory",
      configure: ({ process }) => {
        process.cwd = "/home";
      },
    }),
    probeCase({
      name: "process/working directory is made",
      configure: ({ process }) => {
        process.cwd = "/made/by/the/runtime";
      },
    }),
    probeCase({
      name: "process/working directory of the user only",
      configure: ({ process }) => {
        process.cwd = "/tmp/own";
        process.user = { uid: 1000, gid: 1000 };
      },
    }),
    probeCase({
      name: "process/relative executable",
      configure: ({ process }) => {
        process.cwd = "/bin";
        process.args = ["./probe"];
      },
    }),
  ];
}

function attributeCases(): readonly EqualityCase[] {
  return [
    ...[-500, 0, 1000].map((oomScoreAdj) =>
      probeCase({
        name: `process/oom_score_adj ${oomScoreAdj}`,
        via: "create",
        configure: ({ process }) => {
          process.oomScoreAdj = oomScoreAdj;
        },
      }),
    ),
    probeCase({
      name: "process/new privileges allowed",
      configure: ({ process }) => {
        process.noNewPrivileges = false;
      },
    }),
    probeCase({
      name: "process/new privileges absent",
      configure: ({ process }) => {
        delete process.noNewPrivileges;
      },
    }),
    probeCase({ name: "process/no new keyring", flags: ["--no-new-keyring"] }),
    probeCase({
      name: "process/scheduler and io priority",
      configure: ({ process }) => {
        process["scheduler"] = { policy: "SCHED_OTHER", nice: 5 };
        process["ioPriority"] = { class: "IOPRIO_CLASS_BE", priority: 4 };
      },
    }),
    probeCase({
      name: "process/caller ignores signals",
      wrap: ["env", "--ignore-signal=USR1,PIPE,INT", "--block-signal=USR2"],
    }),
    probeCase({
      name: "process/caller ignores real-time signals",
      wrap: ["env", "--ignore-signal=RTMIN+1,RTMIN+9,RTMAX"],
    }),
    probeCase({ name: "process/caller is confined to a CPU", wrap: ["taskset", "-c", "0"] }),
    probeCase({
      name: "process/caller has umask and nice",
      wrap: ["nice", "-n", "3", "sh", "-c", 'umask 077; exec "$@"', "sh"],
    }),
  ];
}
