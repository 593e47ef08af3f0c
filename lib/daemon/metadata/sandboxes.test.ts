import { expect } from "chai";
import { memoryStores, refusal } from "../../testing/metadata.ts";
import { NO_LABELS } from "../labels.ts";
import { type NewSandbox, SandboxStore } from "./sandboxes.ts";

const any = (typeUrl: string) => ({ typeUrl, value: Uint8Array.of(1, 2) });
const SANDBOX: NewSandbox = {
  ...{ id: "s1", runtime: { name: "r", options: any("o") }, spec: any("spec"), labels: new Map([["a", "1"]]) },
  ...{ extensions: new Map([["x", any("e")]]), sandboxer: "shim" },
};

describe("SandboxStore", () => {
  const open = () => {
    const { database, namespaces, clock } = memoryStores();
    return { namespaces, sandboxes: new SandboxStore(database, namespaces, clock) };
  };

  it("keeps what it is given", () => {
    const { sandboxes } = open();
    const made = sandboxes.create("n", SANDBOX);
    expect(sandboxes.get("n", "s1")).to.deep.equal(made);
    expect(made).to.deep.include(SANDBOX);
    const bare = {
      ...SANDBOX,
      id: "s2",
      runtime: { name: "", options: undefined },
      spec: undefined,
      extensions: new Map(),
    };
    sandboxes.create("n", bare);
    expect(sandboxes.get("n", "s2")).to.deep.include(bare);
    expect(sandboxes.list("n", []).map(({ id }) => id)).to.deep.equal(["s1", "s2"]);
    expect(sandboxes.list("n", ['labels."a"==1,id==s1', "runtime.name==zz"]).map(({ id }) => id)).to.deep.equal(["s1"]);
    expect(sandboxes.list("m", [])).to.deep.equal([]);
  });

  it("changes what a mask names", () => {
    const { sandboxes } = open();
    sandboxes.create("n", SANDBOX);
    const wanted = {
      ...SANDBOX,
      labels: new Map([["b", "2"]]),
      extensions: new Map([["y", any("f")]]),
      spec: any("new"),
    };
    expect(sandboxes.update("n", wanted, ["labels.b", "extensions.y"])).to.deep.include({
      labels: new Map([...SANDBOX.labels, ["b", "2"]]),
      extensions: new Map([...SANDBOX.extensions, ["y", any("f")]]),
      spec: SANDBOX.spec,
    });
    expect(sandboxes.update("n", wanted, [])).to.deep.include({ labels: wanted.labels, spec: wanted.spec });
    expect(sandboxes.get("n", "s1").extensions).to.deep.equal(wanted.extensions);
  });

  it("deletes, and keeps a namespace from being deleted before", async () => {
    const { sandboxes, namespaces } = open();
    sandboxes.create("n", SANDBOX);
    expect(await refusal(() => namespaces.delete("n"))).to.match(/must be empty, but it still has sandboxes$/);
    sandboxes.delete("n", "s1");
    namespaces.delete("n");
    expect(await refusal(() => sandboxes.get("n", "s1"))).to.equal('not_found: sandbox "s1": not found');
  });

  for (const [what, work, why] of [
    ["a second of the same id", (s: SandboxStore) => s.create("n", SANDBOX), /^already_exists: sandbox "s1"/],
    [
      "a bad id",
      (s: SandboxStore) => s.create("n", { ...SANDBOX, id: "a/b" }),
      /^invalid_argument: invalid sandbox id/,
    ],
    [
      "an extension without a name",
      (s: SandboxStore) => s.create("n", { ...SANDBOX, id: "t", extensions: new Map([["", any("e")]]) }),
      /has no name$/,
    ],
    [
      "another runtime",
      (s: SandboxStore) => s.update("n", { ...SANDBOX, runtime: { name: "q" } }, []),
      /it is immutable$/,
    ],
    ["a field that is none", (s: SandboxStore) => s.update("n", SANDBOX, ["id"]), /cannot update field "id"/],
    ["to change what is not there", (s: SandboxStore) => s.update("n", { ...SANDBOX, id: "none" }, []), /^not_found: /],
    ["to delete what is not there", (s: SandboxStore) => s.delete("n", "none"), /^not_found: /],
    ["a filter that is none", (s: SandboxStore) => s.list("n", ["=="]), /^invalid_argument: /],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { sandboxes } = open();
      sandboxes.create("n", { ...SANDBOX, labels: NO_LABELS });
      expect(await refusal(() => work(sandboxes))).to.match(why);
    });
  }
});
