import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, mountsBelow } from "../../harness/workspace.ts";
import { Report } from "../report.ts";
import { LOG, mustWork, type Scenario, type Stage } from "../stage.ts";
import { holdNamespace } from "./hold.ts";

const INVALID_IDS = ["", ".", "..", "a/b", "../a", "/a"];
const SIGUSR1 = 10;
const SIGUSR2 = 12;

async function giveNoArguments(stage: Stage): Promise<void> {
  stage.writeConfig();
  const cases = [
    ["RT-34", "state"],
    ["RT-37", "create"],
    ["RT-44", "start"],
    ["RT-49", "kill"],
    ["RT-53", "delete"],
  ] as const;
  for (const [id, verb] of cases) stage.expectError(id, await stage.invoke([verb]), `${verb} without an id`);
  const missing = join(stage.folder, "missing");
  const outcome = await stage.invoke(["create", "--bundle", missing, stage.id], { cwd: stage.folder });
  stage.expectError("RT-37", outcome, "create without a bundle");
}

async function nameNobody(stage: Stage): Promise<void> {
  stage.expectError("RT-35", await stage.invoke(["state", stage.id]), "state of a container that does not exist");
  stage.expectError("RT-46", await stage.start(), "start of a container that does not exist");
}

async function createTwice(stage: Stage): Promise<void> {
  stage.program("wait");
  mustWork("create", await stage.create());
  const before = JSON.stringify(await stage.state());
  const again = await stage.createAs(stage.id);
  const after = JSON.stringify(await stage.state());
  for (const id of ["RT-04", "RT-38"]) {
    stage.expectError(id, again, "a second create with the same id");
    stage.expect(id, before === after, `the first container has become ${after}`);
  }
}

async function createInvalid(stage: Stage): Promise<void> {
  stage.writeConfig();
  for (const id of INVALID_IDS) {
    const outcome = await stage.invoke(["create", "--bundle", stage.bundle, id], { cwd: stage.folder });
    stage.expectError("RT-39", outcome, `create with the id ${JSON.stringify(id)}`);
  }
  const left = existsSync(stage.root) ? readdirSync(stage.root).filter((name) => name === "a") : [];
  stage.expect("RT-39", left.length === 0, `the state root has ${left.join(", ")}`);
}

async function createImpossible(stage: Stage): Promise<void> {
  const mounts = stage.config.mounts;
  stage.config.mounts = [
    ...mounts,
    { destination: "/there", type: "tmpfs", source: "tmpfs" },
    { destination: "/x", type: "nosuchfs", source: "none" },
  ];
  const outcome = await stage.create();
  for (const id of ["RT-14", "RT-43"]) stage.expectError(id, outcome, "create with a filesystem that does not exist");
  stage.expect("RT-43", !(await stage.isKnown()), "the container is there");
  const left = [...(await stage.waitGone()), ...mountsBelow(stage.folder)];
  stage.expect("RT-31", left.length === 0, `left after the error: ${left.join(", ")}`);
  stage.config.mounts = mounts;
  const again = await stage.create();
  stage.expect("RT-31", again.status === 0, `the id cannot be used afterwards: ${again.stderr.trim()}`);
}

async function startWrongly(stage: Stage): Promise<void> {
  stage.program(`log:${LOG}:program`, "self", "wait");
  mustWork("create", await stage.create());
  const pid = await stage.pid();
  mustWork("start", await stage.start());
  await stage.waitFor("self");
  stage.expectError("RT-45", await stage.start(), "start of a running container");
  stage.expect("RT-45", (await stage.state()).status === "running", "it does not run any more");
  mustWork("kill", await stage.kill("KILL"));
  await stage.waitStopped(pid);
  stage.expectError("RT-45", await stage.start(), "start of a stopped container");
  stage.expect("RT-45", (await stage.state()).status === "stopped", "it is not stopped any more");
  stage.expect("RT-45", stage.log().length === 1, `the program ran ${stage.log().length} times`);
}

async function startNothing(stage: Stage): Promise<void> {
  stage.writeConfig((text) => {
    const { process: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify(rest);
  });
  // A runtime may say so at create already: there is no container then, and start fails for that.
  await stage.createAs(stage.id);
  const outcome = await stage.start();
  for (const id of ["RT-48", "PR-01"]) stage.expectError(id, outcome, "start without process");
}

async function killStopped(stage: Stage): Promise<void> {
  mustWork("create", await stage.create());
  mustWork("start", await stage.start());
  await stage.waitStopped();
  stage.expectError("RT-50", await stage.kill("TERM"), "kill of a stopped container");
  stage.expect("RT-50", (await stage.state()).status === "stopped", "it is not stopped any more");
}

async function sendSignals(stage: Stage): Promise<void> {
  stage.program(`trap:${SIGUSR1}`, `trap:${SIGUSR2}`, "self", "wait");
  mustWork("create", await stage.create());
  const pid = await stage.pid();
  mustWork("start", await stage.start());
  await stage.waitFor("self");
  const signals = (): string =>
    new Report(stage.output()).lines
      .filter((line) => line.do === "signal")
      .map(({ number }) => number)
      .join();
  mustWork("kill", await stage.kill("USR1"));
  await stage.waitFor("signal");
  stage.expect("RT-51", signals() === String(SIGUSR1), `after USR1 the process has got ${signals()}`);
  mustWork("kill", await stage.kill(String(SIGUSR2)));
  mustWork("kill", await stage.kill("SIGKILL"));
  await stage.waitStopped(pid);
  stage.expect("RT-51", !isAlive(pid), "it is alive after SIGKILL");
}

async function killCreated(stage: Stage): Promise<void> {
  stage.program(`log:${LOG}:program`);
  mustWork("create", await stage.create());
  const pid = await stage.pid();
  const outcome = await stage.kill("KILL");
  stage.expect("RT-52", outcome.status === 0, `kill: ${outcome.stderr.trim()}`);
  await stage.waitStopped(pid);
  stage.expect("RT-52", stage.log().length === 0, "the program ran");
}

async function deleteRunning(stage: Stage): Promise<void> {
  stage.program("self", "wait");
  mustWork("create", await stage.create());
  mustWork("start", await stage.start());
  await stage.waitFor("self");
  const pid = await stage.pid();
  stage.expectError("RT-54", await stage.delete(), "delete of a running container");
  stage.expect("RT-54", isAlive(pid) && (await stage.state()).status === "running", "it does not run any more");
}

async function deleteCreated(stage: Stage): Promise<void> {
  mustWork("create", await stage.create());
  stage.expectError("RT-55", await stage.delete(), "delete of a created container");
  stage.expect("RT-55", await stage.isKnown(), "the container is gone");
}

async function deleteResources(stage: Stage): Promise<void> {
  mkdirSync(join(stage.rootfs, "data"));
  stage.config.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs" });
  stage.program("self", "wait");
  mustWork("create", await stage.create());
  const pid = await stage.pid();
  mustWork("start", await stage.start());
  await stage.waitFor("self");
  mustWork("kill", await stage.kill("KILL"));
  await stage.waitStopped(pid);
  mustWork("delete", await stage.delete());
  const left = [...(await stage.waitGone()), ...mountsBelow(stage.folder)];
  for (const id of ["RT-28", "RT-56"]) {
    stage.expect(id, left.length === 0, `left after delete: ${left.join(", ")}`);
    stage.expect(id, !(await stage.isKnown()), "state still knows it");
  }
  const again = await stage.create();
  stage.expect("RT-58", again.status === 0, `create with the same id: ${again.stderr.trim()}`);
}

/** A network namespace, a bind mount's source and the root filesystem are there before and after. */
async function deleteOthers(stage: Stage): Promise<void> {
  const volume = join(stage.folder, "volume");
  mkdirSync(volume);
  writeFileSync(join(volume, "kept"), "kept");
  stage.config.mounts.push({ destination: "/volume", type: "none", source: volume, options: ["rbind"] });
  const holder = await holdNamespace(stage, "net");
  const network = `/proc/${holder}/ns/net`;
  stage.config.linux.namespaces = [
    ...stage.config.linux.namespaces.filter(({ type }) => type !== "network"),
    { type: "network", path: network },
  ];
  await stage.play("self", "read:/volume/kept");
  stage.expect("RT-57", existsSync(network) && isAlive(holder), "the network namespace's process is gone");
  stage.expect("RT-57", existsSync(join(volume, "kept")), "the volume is empty");
  stage.expect("RT-57", existsSync(join(stage.rootfs, "probe")), "the root filesystem is empty");
  stage.expect("RT-57", existsSync(join(stage.bundle, "config.json")), "config.json is gone");
}

/** runtime.md § Operations */
export const operationScenarios: readonly Scenario[] = [
  { name: "arguments/missing", short: true, play: giveNoArguments },
  { name: "arguments/unknown-id", short: true, play: nameNobody },
  { name: "create/same-id", play: createTwice },
  { name: "create/invalid-id", play: createInvalid },
  { name: "create/impossible", short: true, play: createImpossible },
  { name: "start/not-created", play: startWrongly },
  { name: "start/no-process", play: startNothing },
  { name: "kill/stopped", play: killStopped },
  { name: "kill/signals", short: true, play: sendSignals },
  { name: "kill/created", play: killCreated },
  { name: "delete/running", play: deleteRunning },
  { name: "delete/created", play: deleteCreated },
  { name: "delete/resources", short: true, play: deleteResources },
  { name: "delete/others-resources", play: deleteOthers },
];
