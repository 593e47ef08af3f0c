import { dockerDefault } from "../seccomp/profiles.ts";
import { type Site, smallestLimit, waitingMemory } from "./measure.ts";
import type { Goal, Row } from "./report.ts";

/** Something that is timed: `prepare` once per runtime, then the returned command again and again. */
export interface TimedWork {
  readonly name: string;
  readonly runs: number;
  readonly goals: readonly Goal[];
  /** The peers that have no such command. */
  readonly unknownTo?: readonly string[];
  readonly prepare: (site: Site) => Promise<readonly string[]>;
}

/** Something that is measured once per runtime. */
export interface MeasuredWork {
  readonly names: readonly string[];
  readonly goals: readonly (readonly Goal[])[];
  readonly measure: (site: Site) => Promise<readonly (number | undefined)[]>;
}

const beside = (runc: number | undefined, crun: number): readonly Goal[] => [
  ...(runc === undefined ? [] : [{ peer: "runc", atMost: runc }]),
  { peer: "crun", atMost: crun },
];

/** The container for state, kill, list and exec sleeps during the whole run of the bench. */
async function sleeper(site: Site): Promise<string> {
  const id = site.id("sleeper");
  if (site.sleeping) return id;
  await site.create("sleeper", site.bundle("sleeper", ["/bin/sleep", "3600"]));
  await site.invoke("start", id);
  site.sleeping = true;
  return id;
}

/** What is timed, in the order of the table. */
export const TIMED_WORKS: readonly TimedWork[] = [
  {
    name: "run true",
    runs: 10,
    goals: beside(0.45, 1),
    prepare: (site) =>
      Promise.resolve(site.command("run", "--bundle", site.bundle("run", ["/bin/true"]), site.id("run"))),
  },
  {
    name: "run true with docker's seccomp profile",
    runs: 10,
    goals: beside(0.45, 1),
    prepare: (site) => {
      const bundle = site.bundle("filtered", ["/bin/true"], (config) => {
        config.linux.seccomp = dockerDefault(process.arch === "arm64" ? "arm64" : "x64");
      });
      return Promise.resolve(site.command("run", "--bundle", bundle, site.id("filtered")));
    },
  },
  {
    name: "create, start, delete",
    runs: 10,
    goals: beside(0.55, 1),
    prepare: (site) => Promise.resolve(site.lifecycleCommand(site.bundle("cycle", ["/bin/true"]))),
  },
  {
    name: "state",
    runs: 20,
    goals: beside(1.2, 1.6),
    prepare: async (site) => site.command("state", await sleeper(site)),
  },
  {
    name: "kill with signal 0",
    runs: 20,
    goals: beside(1.2, 1.6),
    prepare: async (site) => site.command("kill", await sleeper(site), "0"),
  },
  {
    name: "list",
    runs: 20,
    goals: beside(1.2, 1.6),
    prepare: async (site) => {
      await sleeper(site);
      return site.command("list");
    },
  },
  {
    name: "exec true",
    runs: 10,
    goals: beside(0.5, 1.2),
    prepare: async (site) => site.command("exec", await sleeper(site), "/bin/true"),
  },
  {
    name: "update",
    runs: 10,
    goals: [],
    prepare: async (site) => site.command("update", "--pids-limit", "100", await sleeper(site)),
  },
  {
    // crun has no such command.
    name: "events --stats",
    unknownTo: ["crun"],
    runs: 10,
    goals: [],
    prepare: async (site) => site.command("events", "--stats", await sleeper(site)),
  },
];

/** What is measured once. */
export const MEASURED_WORKS: readonly MeasuredWork[] = [
  {
    names: ["memory between create and start, resident", "memory between create and start, proportional"],
    goals: [beside(0.02, 0.12), []],
    measure: async (site) => {
      const { rssKib, pssKib } = await waitingMemory(site);
      return [rssKib, pssKib];
    },
  },
  {
    names: ["smallest memory limit that starts"],
    goals: [beside(undefined, 1)],
    measure: async (site) => [await smallestLimit(site)],
  },
];

/** The rows of a finished run, without those nothing was measured for. */
export function rowsOf(figures: ReadonlyMap<string, ReadonlyMap<string, number>>): readonly Row[] {
  const rows: readonly Row[] = [
    ...TIMED_WORKS.map(({ name, goals }) => ({
      name,
      goals,
      unit: "ms" as const,
      figures: figures.get(name) ?? new Map(),
    })),
    ...MEASURED_WORKS.flatMap(({ names, goals }) =>
      names.map((name, index) => ({
        name,
        goals: goals[index] ?? [],
        unit: "KiB" as const,
        figures: figures.get(name) ?? new Map(),
      })),
    ),
  ];
  return rows.filter((row) => row.figures.size > 0);
}
