import { expect } from "chai";
import { waitUntil } from "../../harness/poll.ts";
import type { Check } from "../site.ts";

const SLEEP = ["/bin/sleep", "1000"];
const SHELL = ["/bin/sh", "-c"];

/** What containerd is told, and in which order. */
export const eventChecks: readonly Check[] = [
  {
    name: "events: create, start, exit, delete",
    run: async (site) => {
      await site.run([], ...SHELL, "exit 5");
      const id = site.id();
      await site.events.waitFor(id, "/tasks/delete");
      const events = site.events.of(id);
      expect(events.map(({ topic }) => topic)).to.deep.equal([
        "/tasks/create",
        "/tasks/start",
        "/tasks/exit",
        "/tasks/delete",
      ]);
      expect(events[2]?.fields).to.include({ id, exit_status: 5, container_id: id });
    },
  },
  {
    name: "events: start comes before exit, however short the program",
    run: async (site) => {
      for (let round = 0; round < 10; round++) {
        const id = site.id(`r${round}`);
        await site.ok(...site.runWords(id, ["--rm", "--null-io"]), "/bin/true");
        await site.events.waitFor(id, "/tasks/exit");
        const topics = site.events.of(id).map(({ topic }) => topic);
        expect(topics.indexOf("/tasks/start")).to.be.lessThan(topics.indexOf("/tasks/exit"));
      }
    },
  },
  {
    name: "events: execs are added, started, and exit",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      await site.daemon.ctr("task", "exec", "--exec-id", "e1", id, ...SHELL, "exit 3");
      await site.events.waitFor(id, "/tasks/exit");
      const events = site.events.of(id).slice(2);
      expect(events.map(({ topic }) => topic)).to.deep.equal([
        "/tasks/exec-added",
        "/tasks/exec-started",
        "/tasks/exit",
      ]);
      expect(events[2]?.fields).to.include({ id: "e1", exit_status: 3 });
    },
  },
  {
    name: "events: the first process exits last",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const execs = ["e1", "e2", "e3"].map((name) =>
        site.daemon.spawn("task", "exec", "--exec-id", name, id, ...SLEEP),
      );
      const told = (wanted: string) => site.events.of(id).filter(({ topic }) => topic === wanted);
      await waitUntil("starts of three execs", () => told("/tasks/exec-started").length === 3);
      await site.ok("task", "kill", "--signal", "KILL", id);
      await site.waitForStatus(id, "STOPPED");
      await Promise.all(execs.map(({ outcome }) => outcome));
      await waitUntil("exits of all four", () => told("/tasks/exit").length === 4);
      const exits = told("/tasks/exit");
      expect(exits.at(-1)?.fields["id"]).to.equal(id);
      expect(exits.map(({ fields }) => fields["id"])).to.have.members(["e1", "e2", "e3", id]);
    },
  },
  {
    name: "events: paused and resumed",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      await site.ok("task", "pause", id);
      await site.ok("task", "resume", id);
      await site.events.waitFor(id, "/tasks/resumed");
      expect(site.events.of(id).map(({ topic }) => topic)).to.include.members(["/tasks/paused", "/tasks/resumed"]);
    },
  },
  {
    name: "events: out of memory is told before the exit",
    run: async (site) => {
      const id = await site.detach(
        ["--memory-limit", String(32 * 2 ** 20)],
        ...SHELL,
        "sleep 0.5; exec dd if=/dev/zero of=/dev/null bs=100M count=1",
      );
      await site.events.waitFor(id, "/tasks/exit");
      const topics = site.events.of(id).map(({ topic }) => topic);
      expect(topics).to.include("/tasks/oom");
      expect(topics.indexOf("/tasks/oom")).to.be.lessThan(topics.indexOf("/tasks/exit"));
    },
  },
  {
    name: "events: out of memory in a process that is not the first",
    run: async (site) => {
      const id = await site.detach(
        ["--memory-limit", String(32 * 2 ** 20)],
        ...SHELL,
        "dd if=/dev/zero of=/dev/null bs=100M count=1; sleep 1000",
      );
      await site.events.waitFor(id, "/tasks/oom");
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
];
