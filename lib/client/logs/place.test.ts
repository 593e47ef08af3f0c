import { expect } from "chai";
import { containerd } from "../../../proto/gen/daemon.js";
import { errnoNumber } from "../../linux/constants/errno.ts";
import { FakeKernel } from "../../testing/fake-kernel.ts";
import type { Container, Process } from "../tasks.ts";
import { defaultLogUri, LOG_LABEL, logPathOf, removeLog } from "./place.ts";

const messages = { Container: containerd.services.containers.v1.Container, Process: containerd.v1.types.Process };

function containerOf(labels: Readonly<Record<string, string>>): Container {
  return messages.Container.decode(messages.Container.encode({ id: "web", labels }).finish());
}

function taskOf(stdout: string): Process {
  return messages.Process.decode(messages.Process.encode({ id: "web", stdout }).finish());
}

describe("logPathOf()", () => {
  it("takes what the task writes to, then what the container's label says", () => {
    const uri = defaultLogUri("default", "web", { maxSize: "10m", maxFile: 3 });
    expect(uri).to.equal("json-file:///var/lib/tsctr/logs/default/web/json.log?max-size=10m&max-file=3");
    const path = "/var/lib/tsctr/logs/default/web/json.log";
    expect(logPathOf(containerOf({ [LOG_LABEL]: uri }), undefined)).to.equal(path);
    expect(logPathOf(containerOf({ [LOG_LABEL]: uri }), taskOf("json-file:///a%20b"))).to.equal("/a b");
    expect(logPathOf(containerOf({ "containerd.io/restart.loguri": uri }), taskOf("/run/fifo"))).to.equal(path);
  });

  it("says why there is none", () => {
    expect(() => logPathOf(containerOf({}), undefined)).to.throw(/log of web: nobody has kept its output$/);
    expect(() => logPathOf(containerOf({}), taskOf("/run/fifo"))).to.throw(/its output goes to \/run\/fifo$/);
  });
});

describe("removeLog()", () => {
  const calls = (uri: string) => {
    const kernel = new FakeKernel({ answers: { readlinkat: () => -errnoNumber("ENOENT"), unlinkat: () => 0 } });
    removeLog(kernel, containerOf({ [LOG_LABEL]: uri }));
    return kernel.calls.length;
  };

  it("removes what it has placed and nothing else", () => {
    expect(calls(defaultLogUri("default", "web"))).to.be.greaterThan(0);
    for (const uri of [
      "json-file:///etc/passwd",
      "json-file:///var/lib/tsctr/logs/json.log",
      "json-file:///var/lib/tsctr/logs/a/json.log",
      "json-file:///var/lib/tsctr/logs/a/b/c/json.log",
      "json-file:///var/lib/tsctr/logs/%2e%2e/%2e%2e/json.log",
      "json-file:///var/lib/tsctr/logs/a/..%2f..%2f..%2fx/json.log",
      "file:///var/lib/tsctr/logs/a/b/json.log",
    ]) {
      expect(calls(uri), uri).to.equal(0);
    }
  });
});
