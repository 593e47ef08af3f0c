import { expect } from "chai";
import { type Answer, FakeBus, type Signal } from "../../testing/fake-bus.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import type { BusMessage } from "./message.ts";
import { Systemd, unitPath } from "./systemd.ts";

const MANAGER = "org.freedesktop.systemd1.Manager";
const JOB = "/org/freedesktop/systemd1/job/7";

function jobRemoved(result: string): Signal {
  const header = { path: "/org/freedesktop/systemd1", interface: MANAGER, member: "JobRemoved", signature: "uoss" };
  return { header, body: [7, JOB, "x.scope", result] };
}

/** What a manager says, but for the calls that a test is about. */
function manager(own: (call: BusMessage) => Answer): (call: BusMessage) => Answer {
  return (call) => {
    const { member } = call.header;
    if (member === "Hello") return { signature: "s", body: [":1.5"] };
    if (member === "AddMatch") return { signature: "", body: [] };
    if (member === "ResetFailedUnit") return own(call) ?? { signature: "", body: [] };
    const property = member === "Get" ? call.body[1] : undefined;
    const value = { Version: "252.39-1~deb12u2", ControlGroup: "/user.slice", Description: "of x" }[String(property)];
    if (value !== undefined) return { signature: "v", body: [{ signature: "s", value }] };
    return own(call);
  };
}

describe("Systemd", () => {
  const address = (folder: string) => ({ user: true, runtimeDirectory: folder, busAddress: undefined }) as const;
  const members = (bus: FakeBus) => bus.calls.map(({ header }) => header.member);

  it("says who it is by the socket alone, and what it is told of the manager", async () => {
    using folder = new TemporaryDirectory();
    using bus = new FakeBus(
      `${folder.path}/bus`,
      manager(() => undefined),
    );
    using systemd = await Systemd.open(address(folder.path));
    expect(systemd).to.include({ version: 252, controlGroup: "/user.slice" });
    expect(bus.greeting).to.equal("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n");
    expect(members(bus)).to.deep.equal(["Hello", "AddMatch", "Get", "Get"]);
  });

  it("needs no names without a bus between", async () => {
    using folder = new TemporaryDirectory();
    await Bun.$`mkdir ${folder.path}/systemd`.quiet();
    using bus = new FakeBus(
      `${folder.path}/systemd/private`,
      manager(() => undefined),
    );
    using _systemd = await Systemd.open(address(folder.path));
    expect(members(bus)).to.deep.equal(["Get", "Get"]);
    expect(bus.calls.map(({ header }) => header.destination)).to.deep.equal([undefined, undefined]);
  });

  it("asks the bus that the caller names", async () => {
    using folder = new TemporaryDirectory();
    using _bus = new FakeBus(
      `${folder.path}/other`,
      manager(() => undefined),
    );
    const busAddress = `unix:path=${folder.path}/other`;
    using systemd = await Systemd.open({ user: true, runtimeDirectory: undefined, busAddress });
    expect(systemd.version).to.equal(252);
  });

  for (const order of ["before", "after"] as const) {
    it(`waits for a job whose end is told ${order} its name`, async () => {
      using folder = new TemporaryDirectory();
      const answer = { signature: "o", body: [JOB], [order]: jobRemoved("done") };
      using bus = new FakeBus(
        `${folder.path}/bus`,
        manager(() => answer),
      );
      using systemd = await Systemd.open(address(folder.path));
      await systemd.startTransientUnit("x.scope", [{ name: "TasksMax", signature: "t", value: 5n }]);
      expect(bus.calls.at(-1)?.body).to.deep.equal([
        "x.scope",
        "replace",
        [["TasksMax", { signature: "t", value: 5n }]],
        [],
      ]);
    });
  }

  it("says how a job has ended that was not done", async () => {
    using folder = new TemporaryDirectory();
    using _bus = new FakeBus(
      `${folder.path}/bus`,
      manager(() => ({ signature: "o", body: [JOB], after: jobRemoved("failed") })),
    );
    using systemd = await Systemd.open(address(folder.path));
    expect(await messageOf(systemd.startTransientUnit("x.scope", []))).to.include('ended with "failed"');
  });

  it("resets a unit of this name once", async () => {
    using folder = new TemporaryDirectory();
    const refusal = { error: "org.freedesktop.systemd1.UnitExists", text: "Unit x.scope exists." };
    using bus = new FakeBus(
      `${folder.path}/bus`,
      manager(({ header }) => (header.member === "StartTransientUnit" ? refusal : undefined)),
    );
    using systemd = await Systemd.open(address(folder.path));
    expect(await messageOf(systemd.startTransientUnit("x.scope", []))).to.equal("Unit x.scope exists.");
    expect(members(bus).slice(4)).to.deep.equal(["StartTransientUnit", "ResetFailedUnit", "StartTransientUnit"]);
  });

  it("takes a unit that is gone for stopped", async () => {
    using folder = new TemporaryDirectory();
    const refusal = { error: "org.freedesktop.systemd1.NoSuchUnit", text: "Unit x.scope not loaded." };
    using bus = new FakeBus(
      `${folder.path}/bus`,
      manager(() => refusal),
    );
    using systemd = await Systemd.open(address(folder.path));
    await systemd.stopUnit("x.scope");
    await systemd.resetFailedUnit("x.scope");
    expect(members(bus).slice(4)).to.deep.equal(["StopUnit", "ResetFailedUnit"]);
  });

  it("is told by an answer that properties are in force", async () => {
    using folder = new TemporaryDirectory();
    using bus = new FakeBus(
      `${folder.path}/bus`,
      manager(() => ({ signature: "", body: [] })),
    );
    using systemd = await Systemd.open(address(folder.path));
    await systemd.setUnitProperties("x.scope", [{ name: "MemoryMax", signature: "t", value: 1n }]);
    expect(members(bus).slice(4)).to.deep.equal(["SetUnitProperties", "Get"]);
  });

  it("asks for processes to be moved", async () => {
    using folder = new TemporaryDirectory();
    using bus = new FakeBus(
      `${folder.path}/bus`,
      manager(() => ({ signature: "", body: [] })),
    );
    using systemd = await Systemd.open(address(folder.path));
    await systemd.attachProcesses("x.scope", "/init", [5, 6]);
    expect(bus.calls.at(-1)).to.deep.include({ body: ["x.scope", "/init", [5, 6]] });
  });

  it("tells a call when the connection ends", async () => {
    using folder = new TemporaryDirectory();
    const bus = new FakeBus(
      `${folder.path}/bus`,
      manager(() => undefined),
    );
    using systemd = await Systemd.open(address(folder.path));
    const stop = messageOf(systemd.stopUnit("x.scope"));
    bus[Symbol.dispose]();
    expect(await stop).to.equal("the other side has closed the connection");
  });

  for (const greet of ["REJECTED EXTERNAL\r\n", "DATA\r\nREJECTED EXTERNAL\r\n", "DATA\r\nERROR\r\n"]) {
    it(`says that it was turned away by ${JSON.stringify(greet)}`, async () => {
      using folder = new TemporaryDirectory();
      using _bus = new FakeBus(`${folder.path}/bus`, () => undefined, greet);
      expect(await messageOf(Systemd.open(address(folder.path)))).to.include("the other side refuses us: ");
    });
  }

  it("says that it met something else than a bus", async () => {
    using folder = new TemporaryDirectory();
    using _bus = new FakeBus(`${folder.path}/bus`, () => undefined, "DATA\r\nOK 1\r\nHTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await messageOf(Systemd.open(address(folder.path)))).to.include("does not speak D-Bus");
  });

  it("names the remedy where there is no systemd", async () => {
    using folder = new TemporaryDirectory();
    const message = await messageOf(Systemd.open(address(folder.path)));
    expect(message).to.match(/^cannot reach the user's systemd over D-Bus: .*no such socket.*loginctl enable-linger/s);
  });
});

async function messageOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "no error",
    (error: Error) => error.message,
  );
}

describe("unitPath()", () => {
  it("escapes what is no letter or digit, and a digit in front", () => {
    expect(unitPath("docker-4f.scope")).to.equal("/org/freedesktop/systemd1/unit/docker_2d4f_2escope");
    expect(unitPath("1a.scope")).to.equal("/org/freedesktop/systemd1/unit/_31a_2escope");
  });
});
