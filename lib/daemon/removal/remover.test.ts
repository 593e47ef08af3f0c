import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { containerd } from "../../../proto/gen/daemon.js";
import { waitUntil } from "../../testing/runtime-poll.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { systemClock } from "../clock.ts";
import { EventBus } from "../events/event-bus.ts";
import type { Store } from "../store.ts";
import type { TaskManager } from "../tasks/task-manager.ts";
import { REMOVAL_LABEL, Remover } from "./remover.ts";

const { Status } = containerd.v1.types;

describe("Remover", () => {
  let folder: TemporaryDirectory;
  let labels: Map<string, string>;
  let statuses: Map<string, number>;
  let warnings: string[];
  let events: EventBus;
  let remover: Remover;

  /** In the place of tsctr: writes down what it was called with, and the name it would go by. */
  const program = (rest = "") => {
    writeFileSync(folder.at("tsctr"), `#!/bin/sh\necho "$*" >>${folder.at("calls")}\n${rest}\n`);
    chmodSync(folder.at("tsctr"), 0o755);
  };
  const calls = () => (existsSync(folder.at("calls")) ? readFileSync(folder.at("calls"), "utf8").split("\n") : []);
  const exit = (containerId: string, id = containerId) =>
    events.tell("ns", "/tasks/exit", "containerd.events.TaskExit", containerd.events.TaskExit, { containerId, id });
  const called = async (id: string) => {
    const line = `--address /sock --namespace ns rm --exact --volumes -- ${id}`;
    await waitUntil(`removal of ${id}`, () => calls().includes(line));
  };

  beforeEach(() => {
    folder = new TemporaryDirectory();
    labels = new Map();
    statuses = new Map();
    warnings = [];
    program();
    events = new EventBus(systemClock());
    const find = (_: string, id: string) => ({ id, labels: new Map([[REMOVAL_LABEL, labels.get(id) ?? ""]]) });
    const containers = { find, walk: () => [...labels.keys()].map((id) => find("ns", id)) };
    const store = { namespaces: { list: () => [{ name: "ns" }] }, containers } as unknown as Store;
    const tasks = {
      isBeingMade: () => false,
      has: (_: string, id: string) => statuses.has(id),
      get: (_: string, id: string) => ({ shim: { state: () => Promise.resolve({ status: statuses.get(id) }) } }),
    } as unknown as TaskManager;
    const warn = (message: string) => warnings.push(message);
    remover = new Remover({ store, tasks, events, program: folder.at("tsctr"), address: "/sock", warn });
  });

  afterEach(async () => {
    await remover.stop(10_000);
    folder[Symbol.dispose]();
  });

  it("calls tsctr for a container with the label whose first process has ended, and for no other", async () => {
    remover.start();
    labels.set("web", "true").set("kept", "false");
    exit("web", "an exec");
    exit("kept");
    exit("nobody");
    expect(calls()).to.deep.equal([]);
    exit("web");
    await called("web");
    await remover.stop(10_000);
    expect(calls().filter((line) => line !== "")).to.have.length(1);
    expect(warnings).to.deep.equal([]);
  });

  it("finds those that have ended, or have lost their tasks, before it began", async () => {
    labels.set("ended", "true").set("lost", "true").set("runs", "true");
    statuses.set("ended", Status.STOPPED).set("runs", Status.RUNNING);
    remover.start();
    await called("ended");
    await called("lost");
    await remover.stop(10_000);
    expect(calls().filter((line) => line !== "")).to.have.length(2);
  });

  it("removes all of many, a few at a time", async () => {
    program(
      `mkdir ${folder.at("now")}.$$; ls -d ${folder.at("now")}.* | wc -l >>${folder.at("widths")}; rmdir ${folder.at("now")}.$$`,
    );
    remover.start();
    const ids = Array.from({ length: 12 }, (_, index) => `c${index}`);
    for (const id of ids) labels.set(id, "true");
    for (const id of ids) exit(id);
    for (const id of ids) await called(id);
    await remover.stop(10_000);
    const widths = readFileSync(folder.at("widths"), "utf8").trim().split("\n").map(Number);
    expect(Math.max(...widths)).to.be.at.most(4);
  });

  it("tells of a failure, unless nobody wants the removal any more", async () => {
    program("echo 'tsctr: it does not go' >&2; exit 1");
    remover.start();
    labels.set("web", "true");
    exit("web");
    const why = "cannot remove container web in namespace ns, as its label tsrun.dev/rm has it: tsctr: it does not go";
    await waitUntil("warning", () => warnings.length > 0);
    expect(warnings).to.deep.equal([why]);
    program(`until [ -e ${folder.at("go")} ]; do sleep 0.01; done; exit 1`);
    exit("web");
    await waitUntil("second call", () => calls().filter((line) => line !== "").length === 2);
    labels.set("web", "false");
    writeFileSync(folder.at("go"), "");
    await remover.stop(10_000);
    expect(warnings).to.deep.equal([why]);
  });
});
