import { expect } from "chai";
import { describe, it } from "mocha";
import { containerd } from "../../proto/gen/daemon.js";
import { ContainerError } from "../errors.ts";
import { failureOf } from "../testing/failure.ts";
import type { Client } from "./client.ts";
import type { Container } from "./tasks.ts";
import { updateContainer } from "./update.ts";

const { Status } = containerd.v1.types;

interface Call {
  readonly path: string;
  readonly request: Record<string, unknown>;
}

/** A client of a daemon that has one container, whose task has a status, or none. */
function clientOf(status: number | undefined, refusal?: ContainerError) {
  const calls: Call[] = [];
  const call = ({ path }: { readonly path: string }, request: Record<string, unknown>) => {
    if (path.endsWith("Tasks/Get")) {
      if (status === undefined) return Promise.reject(new ContainerError("not_found", "no task"));
      return Promise.resolve({ process: { id: "web", status } });
    }
    calls.push({ path: path.replace(/^.*\.v1\./, ""), request });
    return path.endsWith("Tasks/Update") && refusal !== undefined ? Promise.reject(refusal) : Promise.resolve({});
  };
  return { client: { call } as unknown as Client, calls };
}

const SPEC = { linux: { resources: { memory: { limit: 1, swap: 2 }, pids: { limit: 9 } } }, hostname: "kept" };
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const CONTAINER = { id: "web", labels: {}, spec: { typeUrl: "x", value: bytes(SPEC) } } as unknown as Container;
const json = (any: unknown): unknown => JSON.parse(new TextDecoder().decode((any as { value: Uint8Array }).value));

describe("updateContainer()", () => {
  const resources = { memory: { limit: 5 }, cpu: { shares: 7 } };

  it("changes the task, and the limits in the record that are named", async () => {
    const { client, calls } = clientOf(Status.RUNNING);
    await updateContainer(client, CONTAINER, { resources, labels: { a: "b" } });
    expect(calls.map(({ path }) => path)).to.deep.equal(["Tasks/Update", "Containers/Update"]);
    expect(json(calls[0]?.request["resources"])).to.deep.equal(resources);
    const { container, updateMask } = calls[1]?.request ?? {};
    expect(updateMask).to.deep.equal({ paths: ["spec", "labels.a"] });
    expect(json((container as Container).spec)).to.deep.equal({
      hostname: "kept",
      linux: { resources: { memory: { limit: 5, swap: 2 }, cpu: { shares: 7 }, pids: { limit: 9 } } },
    });
  });

  for (const [name, status] of [
    ["has no task", undefined],
    ["has ended", Status.STOPPED],
  ] as const) {
    it(`changes the record alone of one that ${name}`, async () => {
      const { client, calls } = clientOf(status);
      await updateContainer(client, CONTAINER, { resources, labels: {} });
      expect(calls.map(({ path }) => path)).to.deep.equal(["Containers/Update"]);
    });
  }

  it("leaves the record alone when the task refuses", async () => {
    const refusal = new ContainerError("failed_precondition", "too small");
    const { client, calls } = clientOf(Status.PAUSED, refusal);
    expect(await failureOf(updateContainer(client, CONTAINER, { resources, labels: {} }))).to.equal(refusal);
    expect(calls.map(({ path }) => path)).to.deep.equal(["Tasks/Update"]);
  });

  it("says labels without looking at the task", async () => {
    const { client, calls } = clientOf(undefined);
    await updateContainer(client, CONTAINER, { resources: {}, labels: { a: "" } });
    expect(calls[0]?.request["updateMask"]).to.deep.equal({ paths: ["labels.a"] });
    expect(calls).to.have.length(1);
  });
});
