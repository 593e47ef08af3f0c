import { expect } from "chai";
import { useSite } from "../testing/runtime-hooks.ts";
import type { Moment } from "../testing/runtime-kill-kernel.ts";
import {
  bundleFor,
  count,
  faultsOf,
  faultsOfDelete,
  isTaken,
  prepareTrial,
  startDriver,
  type Trial,
  tryAll,
} from "../testing/runtime-kill-trial.ts";
import { LONG, type Site } from "../testing/runtime-site.ts";

/** In how many tests the moments are tried: each test has to end in time. */
const PARTS = 4;

async function prepare(site: Site): Promise<Trial> {
  const trial = await prepareTrial(site, LONG);
  // The first container makes the state root and the cgroups above its own, which takes some calls more.
  await site.ok("create", "--bundle", trial.bundle, "first");
  await site.ok("delete", "first");
  return trial;
}

/** From the joining of namespaces to the first steps of the second part. */
const PAUSED_STEPS = 24;
/** Of the moments of a delete every third is tried: most are readings of the same kind. */
const DELETE_STRIDE = 3;

function upTo(end: number): readonly number[] {
  return Array.from({ length: end }, (_, n) => n);
}

/** Kills a `create`, looks at what others can do then, and at what `delete --force` leaves. */
async function tryCreate(trial: Trial, at: Moment, id: string): Promise<readonly string[]> {
  const { site } = trial;
  const bundle = await bundleFor(trial, id);
  const killed = startDriver(trial, { operation: "create", id, bundle, at });
  const { signal, stderr } = await killed.outcome;
  const survived = signal === "SIGKILL" ? [] : [`was not killed: ${stderr}`];
  const listed = await faultsOf(site, "list", "--quiet");
  const created = await faultsOfCreate(site, bundle, id);
  return [...survived, ...listed, ...created, ...(await faultsOfDelete(site, id, killed.pid))];
}

/** A `create` of the same id before anybody has cleared up is refused, unless nothing was made yet. */
async function faultsOfCreate(site: Site, bundle: string, id: string): Promise<readonly string[]> {
  const wanted = isTaken(site, id) ? /^1 tsrun: container with given ID already exists: [^\n]*\n$/ : /^0 $/;
  const { status, stderr } = await site.run("create", "--bundle", bundle, id);
  return wanted.test(`${status} ${stderr}`) ? [] : [`create: exit status ${status}: ${stderr.trim()}`];
}

describe("create killed by SIGKILL: delete --force leaves nothing", () => {
  const checked = useSite();

  it(
    "in place of each of its calls to the kernel",
    checked(async (site) => {
      const trial = await prepare(site);
      const { calls } = await count(trial, { operation: "create", id: "whole", bundle: trial.bundle });
      await site.ok("delete", "--force", "whole");
      expect(calls).to.be.greaterThan(50);
      const moments = upTo(calls).map((call) => ({ call }));
      expect(await tryAll(moments, (at, id) => tryCreate(trial, at, id))).to.deep.equal([]);
    }),
  );

  for (const part of upTo(PARTS)) {
    it(
      `before each step of its program, part ${part + 1} of ${PARTS}`,
      checked(async (site) => {
        const trial = await prepare(site);
        const { steps } = await count(trial, { operation: "create", id: "whole", bundle: trial.bundle });
        await site.ok("delete", "--force", "whole");
        expect(steps.all).to.be.greaterThan(300);
        const own = upTo(steps.all).filter((step) => step % PARTS === part);
        const moments = own.map((step) => ({ step }));
        expect(await tryAll(moments, (at, id) => tryCreate(trial, at, id))).to.deep.equal([]);
      }),
    );
  }
});

describe("create with a slow program", () => {
  const checked = useSite();

  it(
    "succeeds, whichever of the steps around the birth of init is late",
    checked(async (site) => {
      const trial = await prepare(site);
      const { steps } = await count(trial, { operation: "create", id: "whole", bundle: trial.bundle });
      await site.ok("delete", "--force", "whole");
      // Around the birth of init, when two processes are under way.
      const moments = upTo(steps.setup + 3)
        .slice(-PAUSED_STEPS)
        .map((pause) => ({ pause }));
      const tryPause = async (at: Moment, id: string): Promise<readonly string[]> => {
        const bundle = await bundleFor(trial, id);
        const paused = startDriver(trial, { operation: "create", id, bundle, at });
        const { status, signal = "no signal", stderr } = await paused.outcome;
        const failed = status === 0 ? [] : [`exit status ${status}, ${signal}: ${stderr}`];
        const { stdout } = await site.run("state", id);
        const wrong = stdout.includes('"status": "created"') ? [] : [`state: ${stdout}`];
        return [...failed, ...wrong, ...(await faultsOfDelete(site, id, paused.pid))];
      };
      expect(await tryAll(moments, tryPause)).to.deep.equal([]);
    }),
  );
});

describe("start killed by SIGKILL", () => {
  const checked = useSite();

  it(
    "in place of each of its calls: the container is created, and can be started, or it is running",
    checked(async (site) => {
      const trial = await prepare(site);
      await site.ok("create", "--bundle", trial.bundle, "whole");
      const { calls } = await count(trial, { operation: "start", id: "whole", bundle: trial.bundle });
      await site.ok("delete", "--force", "whole");
      expect(calls).to.be.greaterThan(10);
      const ends = new Set<string>();
      const tryStart = async (at: Moment, id: string): Promise<readonly string[]> => {
        const bundle = await bundleFor(trial, id);
        const created = await faultsOf(site, "create", "--bundle", bundle, id);
        const killed = startDriver(trial, { operation: "start", id, bundle, at });
        const { signal, stderr } = await killed.outcome;
        const survived = signal === "SIGKILL" ? [] : [`was not killed: ${stderr}`];
        // From here `start` does its work, or finds that it is done.
        const again = await site.run("start", id);
        const end = `${again.status} ${again.stderr}`.replace(id, "ID");
        ends.add(end);
        const state = await site.run("state", id);
        const wrong = state.stdout.includes('"status": "running"') ? [] : [`after ${end}: ${state.stdout}`];
        return [...created, ...survived, ...wrong, ...(await faultsOfDelete(site, id, killed.pid))];
      };
      const moments = upTo(calls).map((call) => ({ call }));
      expect(await tryAll(moments, tryStart)).to.deep.equal([]);
      expect([...ends].sort()).to.deep.equal(["0 ", "1 tsrun: cannot start an already running container: ID\n"]);
    }),
  );
});

describe("delete --force killed by SIGKILL", () => {
  const checked = useSite();

  it(
    "in place of its calls: the next one leaves nothing",
    checked(async (site) => {
      const trial = await prepare(site);
      await site.ok("run", "--detach", "--bundle", trial.bundle, "whole");
      const { calls } = await count(trial, { operation: "delete", id: "whole", bundle: trial.bundle });
      expect(calls).to.be.greaterThan(20);
      const tryDelete = async (at: Moment, id: string): Promise<readonly string[]> => {
        const bundle = await bundleFor(trial, id);
        const started = await faultsOf(site, "run", "--detach", "--bundle", bundle, id);
        const killed = startDriver(trial, { operation: "delete", id, bundle, at });
        await killed.outcome;
        const listed = await faultsOf(site, "list");
        return [...started, ...listed, ...(await faultsOfDelete(site, id, killed.pid))];
      };
      const own = upTo(calls).filter((call) => call % DELETE_STRIDE === 0);
      const moments = own.map((call) => ({ call }));
      expect(await tryAll(moments, tryDelete)).to.deep.equal([]);
    }),
  );
});
