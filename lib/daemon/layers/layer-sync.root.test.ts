import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ContainerError } from "../../errors.ts";
import { openKernel } from "../../linux/kernel.ts";
import { tarEntry, tarOf } from "../../testing/layers.ts";
import { refusal } from "../../testing/metadata.ts";
import { TSRUN } from "../../testing/runtime-program.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { writeBytes } from "../images/write-blob.ts";
import { NO_LABELS } from "../labels.ts";
import { bind } from "../snapshots/overlay.ts";
import { Store } from "../store.ts";
import { applyBlob } from "./apply-blob.ts";
import { layerSync } from "./layer-sync.ts";

const SCOPE = { namespace: "n" };
const LAYER = tarOf([tarEntry("file"), "content"]);

describe("applyBlob(), of layers that are to be on the disk", () => {
  let folder: TemporaryDirectory;

  before(function () {
    requireRoot(this);
  });
  beforeEach(() => {
    folder = new TemporaryDirectory();
  });
  afterEach(() => folder[Symbol.dispose]());

  /** What is synced, and whether the file of the layer was there then. */
  const apply = async (always: boolean, wishes: { readonly sync?: boolean }, fails = false) => {
    const synced: (readonly [string, boolean])[] = [];
    const run = async (directory: string) => {
      synced.push([directory, existsSync(join(directory, "file"))]);
      await Promise.resolve();
      if (fails) throw new ContainerError("internal", "the disk is broken");
    };
    const options = { root: folder.at("root"), warn: () => undefined, layerSync: { always, run } };
    await using store = Store.open(openKernel(), options);
    const { digest, size } = await writeBytes(store.content, SCOPE, { bytes: LAYER, labels: NO_LABELS });
    const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size, annotations: new Map() };
    await applyBlob(store, SCOPE.namespace, { layer, mounts: [bind(folder.path, "rw")], ...wishes });
    return synced;
  };

  it("syncs what a client wants synced, or all when that is configured, after it was written", async () => {
    const once = [[folder.path, true]];
    expect(await apply(false, {})).to.deep.equal([]);
    expect(await apply(false, { sync: true })).to.deep.equal(once);
    expect(await apply(true, {})).to.deep.equal(once);
    expect(await apply(true, { sync: false })).to.deep.equal(once);
  });

  it("has failed when the disk has", async () => {
    expect(await refusal(() => apply(false, { sync: true }, true))).to.equal("internal: the disk is broken");
  });

  it("syncs by another process, which says why it cannot", async () => {
    const { run } = layerSync(TSRUN, false);
    await run(folder.path);
    expect(await refusal(() => run(folder.at("none")))).to.match(
      /^internal: cannot bring a layer to the disk: cannot open .*none: no such file or directory \(ENOENT\)$/,
    );
  });

  it("syncs by itself in a store without another process", async () => {
    await using store = Store.open(openKernel(), { root: folder.at("root"), warn: () => undefined });
    expect(store.layerSync.always).to.equal(false);
    await store.layerSync.run(folder.path);
    expect(await refusal(() => store.layerSync.run(folder.at("none")))).to.match(/^internal: |ENOENT/);
  });
});
