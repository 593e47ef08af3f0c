import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FakeRegistry } from "../../lib/testing/registry.ts";
import { IMAGE } from "../containerd/image.ts";
import { expectEqual, type Setting, type Site } from "./site.ts";

const REPOSITORY = "conformance/busybox";
/** Its lower layers are those of the image; a container reads a file of the last one. */
const LAYERS = 2;

/** A registry that has the image of the archive. */
export async function startRegistry({ archive, manifest }: Setting): Promise<FakeRegistry> {
  const registry = await FakeRegistry.start();
  const blobs = join(dirname(archive), "layout/blobs/sha256");
  for (const name of readdirSync(blobs)) registry.addBlob(readFileSync(join(blobs, name)));
  const document = readFileSync(join(blobs, manifest.replace("sha256:", "")), "utf8");
  const { digest } = registry.addManifest(REPOSITORY, "1", JSON.parse(document));
  expectEqual("digest in the registry", digest, manifest);
  return registry;
}

/** The daemon pulls and unpacks, for tsctr; what has come when it is killed need not come again. */
export function pullOperation({ program }: Setting, { host }: FakeRegistry) {
  const name = `${host}/${REPOSITORY}:1`;
  const forget = async (site: Site) => await site.ctr("images", "rm", "--sync", name);
  const isComplete = async (site: Site) =>
    (await site.ok("images", "check", `name==${name}`)).split("\n").some((line) => /\scomplete \(.*\strue/.test(line));
  return {
    name: "pull",
    client: join(dirname(program), "tsctr"),
    prepare: async (site: Site) => {
      await site.ctr("images", "rm", "--sync", IMAGE);
      await forget(site);
    },
    words: () => ["pull", "--quiet", name],
    check: async (site: Site, id: string, { isDone }: { readonly isDone: boolean }) => {
      if (isDone) expectEqual("image that was acknowledged is complete and unpacked", await isComplete(site), true);
      const again = await site.start(join(dirname(program), "tsctr"), "pull", "--quiet", name).outcome;
      expectEqual(`status of another pull (${again.stderr.trim()})`, again.status, 0);
      expectEqual("image is complete and unpacked", await isComplete(site), true);
      const committed = (await site.ok("snapshots", "ls")).match(/^sha256:\S+\s.*Committed/gm)?.length;
      expectEqual("layers", committed, LAYERS);
      expectEqual("a file", await site.ok("run", "--rm", name, id, "cat", "/many/199"), "file 199\n");
      await forget(site);
    },
  };
}
