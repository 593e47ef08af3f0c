import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { NO_LABELS } from "../../lib/daemon/labels.ts";
import { Store } from "../../lib/daemon/store.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { startProgram } from "../../lib/testing/runtime-program.ts";
import { requireRoot } from "../../lib/testing/runtime-site.ts";
import { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { TemporaryDirectory } from "../../lib/testing/temporary-directory.ts";

describe("tsrund fsck", () => {
  const folder = new TemporaryDirectory();
  let daemon: TestSupervisor;
  let root = "";

  before(async function () {
    requireRoot(this);
    daemon = new TestSupervisor(folder.at("daemon"));
    root = join(daemon.folder, "root");
    await daemon.start();
  });
  after(async () => {
    await daemon.stop();
    folder[Symbol.dispose]();
  });

  const fsck = (...words: readonly string[]) =>
    startProgram([daemon.words[0] ?? "", "--config", "/dev/null", "fsck", ...words]).outcome;

  it("waits for no daemon, and finds nothing wrong with what one has left", async () => {
    const busy = await fsck("--root", root);
    expect(busy).to.include({ status: 8, stdout: "" });
    expect(busy.stderr).to.match(/^tsrund fsck: cannot lock .*: process \d+ has it\n$/);
    await daemon.stop("SIGKILL");
    expect(await fsck("--root", root)).to.include({
      ...{ status: 0, stderr: "", stdout: `${root}: 0 found, 0 repaired, 0 left\n` },
    });
  });

  it("tells by its status what was found, and what was done", async () => {
    const digest = await (async () => {
      await using store = Store.open(openKernel(), { root, warn: () => undefined });
      await using writer = await store.content.ingests.openWriter({ namespace: "one" }, { ref: "r" });
      await writer.write(new TextEncoder().encode("a"));
      return await writer.commit({ labels: NO_LABELS });
    })();
    rmSync(join(root, "content/blobs", digest.replace(":", "/")));
    const why = `content ${digest}: its file is missing`;
    expect(await fsck("--root", root)).to.include({
      ...{ status: 4, stdout: `${why}: repairable: --repair sets it right\n${root}: 1 found, 0 repaired, 1 left\n` },
    });
    const { status, stdout } = await fsck("--root", root, "--repair", "--format", "json");
    expect(status).to.equal(1);
    expect(JSON.parse(stdout)).to.deep.equal({
      ...{ what: `content ${digest}`, why: "its file is missing", outcome: "repaired" },
      detail: "its record was removed, so that it can be fetched again",
    });
    expect(await fsck("--root", root, "--quick")).to.include({ status: 0 });
    writeFileSync(join(root, "metadata.db"), "x".repeat(8192));
    expect(await fsck("--root", root, "--repair")).to.include({ status: 4 });
  });

  it("says how it is used", async () => {
    expect((await fsck("--help")).stdout).to.contain("Exit status: 0 nothing is wrong");
    expect(await fsck("--nonsense")).to.include({ status: 16 });
    expect(await fsck("here")).to.include({ status: 16 });
    expect(await fsck("--root", "/nowhere")).to.include({
      ...{ status: 8, stderr: "tsrund fsck: cannot look at /nowhere: it has no metadata.db\n" },
    });
  });
});
