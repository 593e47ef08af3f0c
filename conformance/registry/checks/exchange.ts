import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { platformOfMachine } from "../../../lib/image/platforms.ts";
import { tarEntry, tarOf } from "../../../lib/testing/layers.ts";
import { FakeRegistry } from "../../../lib/testing/registry.ts";
import { imageStore, registryEnd, TransferClient, typed } from "../../../lib/testing/transfer-client.ts";
import { containerd } from "../../../proto/gen/daemon.js";
import { type Check, expectEqual } from "../check.ts";
import type { RegistrySite } from "../site.ts";

const types = containerd.types.transfer;

async function greet(site: RegistrySite, image: string): Promise<void> {
  const id = `registry${process.pid}-greet`;
  const said = await site.ctr("run", "--rm", image, id, "cat", "/etc/greeting");
  expectEqual("what the container says", said, "hello from umoci\n");
}

/** Images go to and fro, and are the same everywhere. */
export const exchangeChecks: readonly Check[] = [
  ...["oci", "docker"].map((tag) => ({
    name: `Transfer pulls what umoci has made and skopeo has copied, in the format of ${tag}, and it runs`,
    run: async (site: RegistrySite) => {
      const image = `${site.open.host}/busybox:${tag}`;
      await site.pull(image);
      expectEqual("the digest", await site.targetOf(image), await site.digestOf(image));
      await greet(site, image);
      await site.forget(image);
      expectEqual("what is left of the content", (await site.ctr("content", "ls", "-q")).trim(), "");
    },
  })),
  {
    name: "ctr pulls by itself, and what it has pulled runs",
    async run(site) {
      const image = `${site.open.host}/busybox:oci`;
      await site.ctr("images", "pull", "--plain-http", image);
      await greet(site, image);
      await site.forget(image);
    },
  },
  {
    name: "ctr pushes by itself",
    async run(site) {
      const image = `${site.open.host}/busybox:oci`;
      await site.pull(image);
      const other = `${site.open.host}/by-ctr:1`;
      await site.ctr("images", "tag", image, other);
      await site.ctr("images", "push", "--plain-http", other);
      expectEqual("the digest", await site.digestOf(other), await site.digestOf(image));
      await site.forget(image, other);
    },
  },
  {
    name: "ctr exports and pushes an image of 50 MB by itself",
    async run(site) {
      await using registry = await FakeRegistry.start();
      const layer = tarOf([tarEntry("large"), "large".repeat(10_000_000)]);
      registry.addImage("large", "1", [layer], platformOfMachine(process.arch).architecture);
      const image = `${registry.host}/large:1`;
      const other = `${site.open.host}/large:1`;
      await site.pull(image);
      await site.ctr("images", "export", join(site.folder, "large.tar"), image);
      await site.ctr("images", "tag", image, other);
      await site.ctr("images", "push", "--plain-http", other);
      expectEqual("the digest", await site.digestOf(other), await site.targetOf(image));
      await site.forget(image, other);
    },
  },
  {
    name: "Transfer pushes, and takes blobs from the repository that has them",
    async run(site) {
      const image = `${site.open.host}/busybox:oci`;
      const other = `${site.open.host}/by-transfer/deep:2`;
      await site.pull(image);
      using client = new TransferClient(site.daemon.address);
      await client.transfer(imageStore({ name: image }), registryEnd(other));
      expectEqual("the digest", await site.digestOf(other), await site.digestOf(image));
      const sent = site.open.logged("by-transfer/deep/blobs/uploads").filter((line) => /"(?:PUT|PATCH) /.test(line));
      expectEqual("the uploads", sent, []);
      await site.forget(image);
    },
  },
  {
    name: "Transfer pushes to where nothing is, and skopeo reads it",
    async run(site) {
      const image = `${site.open.host}/busybox:oci`;
      await site.pull(image);
      using client = new TransferClient(site.daemon.address);
      const other = `${site.secure.host}/sent:1`;
      const path = join(site.hosts, site.secure.host);
      await site.ok("mkdir", "-p", path);
      await Bun.write(join(path, "hosts.toml"), `ca = "${site.certificate}"\n`);
      await client.transfer(imageStore({ name: image }), registryEnd(other));
      await site.ok("rm", "-r", path);
      const copy = `oci:${join(site.folder, "copy")}:sent`;
      await site.ok("skopeo", "copy", "--src-tls-verify=false", `docker://${other}`, copy);
      expectEqual("the digest", await site.digestOf(other), await site.digestOf(image));
      await site.forget(image);
    },
  },
  {
    name: "Transfer exports an archive that skopeo reads, and imports one that skopeo has made",
    async run(site) {
      const image = `${site.open.host}/busybox:oci`;
      await site.pull(image);
      using client = new TransferClient(site.daemon.address);
      const archive = join(site.folder, "exported.tar");
      const stream = await client.open("export");
      const received = receive(stream, archive);
      const destination = typed("ImageExportStream", types.ImageExportStream, { stream: "export" });
      await client.transfer(imageStore({ name: image }), destination);
      await received;
      const digest = await site.digestOf(image);
      const inspected = await site.ok("skopeo", "inspect", "--format", "{{.Digest}}", `oci-archive:${archive}`);
      expectEqual("the digest in the archive", inspected.trim(), digest);
      await site.forget(image);

      const made = join(site.folder, "made.tar");
      await site.ok("skopeo", "copy", site.source, `oci-archive:${made}:made`);
      const upload = await client.open("import");
      const sent = send(upload, made);
      const source = typed("ImageImportStream", types.ImageImportStream, { stream: "import" });
      const references = [{ name: "local.test/made", isPrefix: true }];
      await client.transfer(source, imageStore({ extraReferences: references, unpacks: [{}] }));
      await sent;
      expectEqual("the imported digest", await site.targetOf("local.test/made:made"), digest);
      await greet(site, "local.test/made:made");
      await site.forget("local.test/made:made");
    },
  },
  {
    name: "ten pulls of the same layers at once bring each layer once",
    async run(site) {
      const names = Array.from({ length: 10 }, (_, n) => `${site.open.host}/many:${n}`);
      for (const name of names) {
        await site.ok("skopeo", "copy", "--dest-tls-verify=false", site.source, `docker://${name}`);
      }
      await Promise.all(names.map((name) => site.pull(name)));
      const gets = site.open.logged('"GET /v2/many/blobs/').map((line) => /blobs\/(sha256:\w+)/.exec(line)?.[1] ?? "");
      expectEqual("the downloads of a blob", gets.length, new Set(gets).size);
      await site.forget(...names);
    },
  },
];

type Stream = Awaited<ReturnType<TransferClient["open"]>>;
const WINDOW = 65_536;

async function receive(stream: Stream, file: string): Promise<void> {
  const output = createWriteStream(file);
  const grant = () => stream.send(typed("WindowUpdate", types.WindowUpdate, { update: WINDOW }));
  grant();
  let window = WINDOW;
  for (let next = await stream.receive(); next !== undefined; next = await stream.receive()) {
    const { data } = types.Data.decode(next.value);
    output.write(data);
    window -= data.length;
    if (window < WINDOW / 2) {
      grant();
      window += WINDOW;
    }
  }
  await new Promise<void>((resolve) => output.end(resolve));
}

async function send(stream: Stream, file: string): Promise<void> {
  const bytes = new Uint8Array(await Bun.file(file).arrayBuffer());
  let window = 0;
  for (let at = 0; at < bytes.length; ) {
    while (window <= 0) {
      const next = await stream.receive();
      if (next === undefined) return;
      window += types.WindowUpdate.decode(next.value).update;
    }
    const data = bytes.subarray(at, at + Math.min(window, WINDOW / 2));
    stream.send(typed("Data", types.Data, { data }));
    at += data.length;
    window -= data.length;
  }
  stream.end();
}
