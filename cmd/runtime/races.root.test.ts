import { expect } from "chai";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

/** How often each race is run: the order of its parts is not ours to choose. */
const ROUNDS = 8;
const CONTENDERS = 10;

/** What may be said by those who lose a race. */
const LOSERS =
  /^tsrun: (container with given ID already exists: web|container web does not exist|cannot start (an already running container|a container that has stopped): web)(: [^\n]*)?\n$/;

describe("tsrun: operations on one container at once", () => {
  const checked = useSite();

  it(
    "create: one of ten wins, and all others find that there is one",
    checked(async (site) => {
      const bundles = Array.from({ length: CONTENDERS }, () => site.bundle(LONG));
      const outcomes = await Promise.all(bundles.map((bundle) => site.run("create", "--bundle", bundle, "web")));
      const losers = outcomes.filter(({ status }) => status !== 0);
      expect(outcomes.filter(({ status }) => status === 0)).to.have.lengthOf(1);
      expect(losers.map(({ status }) => status)).to.deep.equal(Array.from({ length: CONTENDERS - 1 }, () => 1));
      for (const { stderr } of losers) expect(stderr).to.match(/^tsrun: container with given ID already exists: web/);
      expect(await site.status("web")).to.equal("created");
      await site.ok("start", "web");
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "run: ten containers at once all end with their own status",
    checked(async (site) => {
      const runs = Array.from({ length: CONTENDERS }, (_, index) =>
        site.run("run", "--bundle", site.bundle(["sh", "-c", `exit ${index}`]), `web${index}`),
      );
      const statuses = (await Promise.all(runs)).map(({ status, stderr }) => ({ status, stderr }));
      expect(statuses).to.deep.equal(Array.from({ length: CONTENDERS }, (_, status) => ({ status, stderr: "" })));
    }),
  );

  it(
    "start: one of two wins",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      for (let round = 0; round < ROUNDS; round++) {
        await site.ok("create", "--bundle", bundle, "web");
        const outcomes = await Promise.all([site.run("start", "web"), site.run("start", "web")]);
        expect(outcomes.map(({ status, stderr }) => `${status} ${stderr}`).sort()).to.deep.equal([
          "0 ",
          "1 tsrun: cannot start an already running container: web\n",
        ]);
        expect(await site.status("web")).to.equal("running");
        await site.ok("delete", "--force", "web");
      }
    }),
  );

  it(
    "start and delete --force: the container is gone, whoever came first",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      for (let round = 0; round < ROUNDS; round++) {
        await site.ok("create", "--bundle", bundle, "web");
        const [started, deleted] = await Promise.all([site.run("start", "web"), site.run("delete", "--force", "web")]);
        expect(`${started.status} ${started.stderr}`).to.match(/^(0 |1 tsrun: container web does not exist[^\n]*\n)$/);
        expect({ status: deleted.status, stderr: deleted.stderr }).to.deep.equal({ status: 0, stderr: "" });
        expect((await site.run("state", "web")).stderr).to.match(/^tsrun: container web does not exist/);
      }
    }),
  );

  it(
    "create and delete --force: the container is whole, or there is none",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      for (let round = 0; round < ROUNDS; round++) {
        const words = [
          "create --bundle BUNDLE web",
          "delete --force web",
          "create --bundle BUNDLE web",
          "delete --force web",
        ];
        const outcomes = await Promise.all(
          words.map((line) => site.run(...line.split(" ").map((word) => (word === "BUNDLE" ? bundle : word)))),
        );
        for (const { stderr } of outcomes.filter(({ status }) => status !== 0)) expect(stderr).to.match(LOSERS);
        const state = await site.run("state", "web");
        expect(`${state.stdout}${state.stderr}`).to.match(/"status": "created"|does not exist/);
        await site.ok("delete", "--force", "web");
      }
    }),
  );
});
