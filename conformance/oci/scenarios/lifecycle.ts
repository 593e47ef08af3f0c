import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { cgroupsNamed } from "../../harness/workspace.ts";
import { parseMountinfo } from "../report.ts";
import { LOG, mustWork, PROBE, type Scenario, type Stage, type State } from "../stage.ts";

const SEMVER = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

function checkState(stage: Stage, state: State, status: string): void {
  const { ociVersion, id, pid, bundle, annotations } = state;
  const version = String(ociVersion);
  stage.expect("RT-02", SEMVER.test(version), `${status}: ociVersion ${version}`);
  stage.expect("RT-03", id === stage.id, `${status}: id ${String(id)}`);
  stage.expect("RT-05", state.status === status, `status ${String(state.status)} in place of ${status}`);
  stage.expect("RT-10", bundle === stage.bundle, `${status}: bundle ${String(bundle)}`);
  const isSame = Bun.deepEquals(annotations, stage.config.annotations);
  stage.expect("RT-11", isSame, `${status}: annotations ${JSON.stringify(annotations)}`);
  stage.expect("CF-20", isSame, `${status}: annotations ${JSON.stringify(annotations)}`);
  const types = [ociVersion, id, state.status, bundle].every((value) => typeof value === "string");
  const isPid = pid === undefined || Number.isInteger(pid);
  stage.expect("RT-12", types && isPid, `${status}: ${JSON.stringify(state)}`);
  stage.expect("RT-36", types && isPid, `${status}: ${JSON.stringify(state)}`);
}

async function showProperties(stage: Stage): Promise<void> {
  stage.config.annotations = { "com.example.first": "one", "com.example.empty": "" };
  stage.program("self", "wait");
  mustWork("create", await stage.create());
  const created = await stage.state();
  checkState(stage, created, "created");
  const cgroupOf = (pid: unknown): string => readFileSync(`/proc/${String(pid)}/cgroup`, "utf8");
  const isOwn = (state: State): boolean => Number(state.pid) > 0 && cgroupOf(state.pid).includes(stage.id);
  stage.expect("RT-07", isOwn(created), `created: pid ${String(created.pid)} is not in the container's cgroup`);
  mustWork("start", await stage.start());
  await stage.waitFor("self");
  const running = await stage.state();
  checkState(stage, running, "running");
  const program = readlinkSync(`/proc/${String(running.pid)}/exe`);
  stage.expect("RT-07", program.endsWith(PROBE), `running: pid ${String(running.pid)} is ${program}`);
  mustWork("kill", await stage.kill("KILL"));
  await stage.waitStopped(Number(running.pid));
  checkState(stage, await stage.state(), "stopped");
}

async function playOperations(stage: Stage): Promise<void> {
  stage.program(`log:${LOG}:program`, "self", "wait");
  const outcomes: [string, number][] = [];
  const note = (name: string, { status }: { status: number }): void => void outcomes.push([name, status]);
  const statuses: string[] = [];
  const look = async (): Promise<void> => {
    const outcome = await stage.invoke(["state", stage.id]);
    note("state", outcome);
    statuses.push(String((JSON.parse(outcome.stdout) as State).status));
  };
  note("create", await stage.create());
  await look();
  note("start", await stage.start());
  await stage.waitFor("self");
  const ran = stage.log().some(({ word }) => word === "program");
  await look();
  note("kill", await stage.kill("KILL"));
  await stage.waitStopped();
  await look();
  note("delete", await stage.delete());
  const failed = outcomes.filter(([, status]) => status !== 0).map(([name, status]) => `${name} ended with ${status}`);
  for (const id of ["RT-01", "RT-33"]) stage.expect(id, failed.length === 0, failed.join(", "));
  stage.expect("RT-06", statuses.join() === "created,running,stopped", statuses.join());
  for (const id of ["RT-25", "RT-47"]) stage.expect(id, ran, "the program did not run");
}

async function lookAtEnvironment(stage: Stage): Promise<void> {
  mkdirSync(join(stage.rootfs, "data"));
  stage.config.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options: ["ro"] });
  stage.config.hostname = "environment";
  stage.program(`log:${LOG}:program`);
  const outcome = await stage.create();
  stage.expect("RT-40", outcome.status === 0 && (await stage.isKnown()), `create: ${outcome.stderr.trim()}`);
  const pid = await stage.pid();
  const mounts = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
  const missing = ["/", "/proc", "/data"].filter((path) => mounts.every(({ target }) => target !== path));
  const own = ["ipc", "mnt", "net", "uts"].filter(
    (kind) => readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`),
  );
  const hostname = Bun.spawnSync(["nsenter", `--uts=/proc/${pid}/ns/uts`, "hostname"])
    .stdout.toString()
    .trim();
  for (const id of ["RT-13", "RT-15", "RT-41"]) {
    stage.expect(id, missing.length === 0, `not mounted after create: ${missing.join(", ")}`);
    stage.expect(id, own.length === 0, `the host's namespaces after create: ${own.join(", ")}`);
    stage.expect(id, hostname === "environment", `the hostname after create is ${hostname}`);
    stage.expect(id, cgroupsNamed(stage.id).length > 0, "there is no cgroup after create");
  }
  const early = existsSync(join(stage.rootfs, LOG));
  for (const id of ["RT-15", "RT-42"]) stage.expect(id, !early, "the program ran before start");
}

async function changeConfig(stage: Stage): Promise<void> {
  stage.config.process.env = ["WHEN=created"];
  stage.program("self", `log:${LOG}:old`);
  mustWork("create", await stage.create());
  const pid = await stage.pid();
  stage.config.process.env = ["WHEN=later"];
  stage.config.annotations = { later: "yes" };
  stage.program(`log:${LOG}:new`);
  stage.writeConfig();
  mustWork("start", await stage.start());
  await stage.waitStopped(pid);
  const words = stage.log().map(({ word }) => word);
  stage.expect("RT-16", words.join() === "old", `of the programs before and after the change ran: ${words.join()}`);
  const { annotations } = await stage.state();
  stage.expect("RT-16", JSON.stringify(annotations ?? {}) === "{}", `annotations: ${JSON.stringify(annotations)}`);
}

/** runtime.md § State, § Lifecycle */
export const lifecycleScenarios: readonly Scenario[] = [
  { name: "lifecycle/operations", short: true, play: playOperations },
  { name: "lifecycle/environment", short: true, play: lookAtEnvironment },
  { name: "lifecycle/config-changes", play: changeConfig },
  { name: "state/properties", short: true, play: showProperties },
];
