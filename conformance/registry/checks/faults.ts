import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../../lib/image/digest.ts";
import { platformOfMachine } from "../../../lib/image/platforms.ts";
import { tarEntry, tarOf } from "../../../lib/testing/layers.ts";
import { FakeRegistry, type Fault } from "../../../lib/testing/registry.ts";
import { imageStore, registryEnd, TransferClient } from "../../../lib/testing/transfer-client.ts";
import { containerd } from "../../../proto/gen/daemon.js";
import { waitUntil } from "../../harness/poll.ts";
import { type Check, expectEqual, expectFailure } from "../check.ts";
import { LOGIN, type RegistrySite } from "../site.ts";

const LAYERS = [1, 2, 3].map((n) => tarOf([tarEntry(`file${n}`), String(n).repeat(n * 500_000)]));
const LARGE = LAYERS[2] ?? new Uint8Array();
const LONG_MS = 120_000;

/** What is left when nothing is: neither content nor leases nor ingests nor snapshots. */
async function expectNothingLeft(site: RegistrySite): Promise<void> {
  for (const words of [
    ["content", "ls", "-q"],
    ["content", "active"],
    ["leases", "ls", "-q"],
    ["snapshots", "ls"],
  ]) {
    const lines = (await site.ctr(...words)).split("\n").filter((line) => /\d/.test(line));
    expectEqual(`what ctr ${words.join(" ")} shows`, lines, []);
  }
}

/** Every blob of the store has the bytes that its name says. */
function expectWhole(site: RegistrySite, digests: readonly string[]): void {
  for (const digest of digests) {
    const file = join(site.daemon.folder, "root/content/blobs", digest.replace(":", "/"));
    expectEqual("the digest of a stored file", digestOf(readFileSync(file)), digest);
  }
}

/** Registries that answer as none should. */
const FAULTS: readonly { readonly name: string; readonly fault: Fault; readonly why: RegExp }[] = [
  {
    name: "lies about a blob",
    fault: (request, response, path) => {
      if (!path.includes(digestOf(LARGE))) return false;
      response
        .writeHead(200, { "content-length": LARGE.length })
        .end(request.method === "HEAD" ? "" : LARGE.map((b) => 255 - b));
      return true;
    },
    why: /its bytes have another digest/,
  },
  {
    name: "sends less than it should",
    fault: (_request, response, path) => {
      if (!path.includes(digestOf(LARGE))) return false;
      response.writeHead(200, { "content-length": 10 }).end("0123456789");
      return true;
    },
    why: /the registry has 10 bytes of it where \d+ are missing/,
  },
  {
    name: "answers with a page for people",
    fault: (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<html>log in first</html>");
      return true;
    },
    why: /is no image: the registry says that it is "text\/html"/,
  },
  {
    name: "redirects for ever",
    fault: (request, response) => {
      response.writeHead(302, { location: `${request.url}/x` }).end();
      return true;
    },
    why: /there are more than 5 redirects/,
  },
  {
    name: "names a token server that is down",
    fault: (_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Bearer realm="http://127.0.0.1:1/token"' }).end();
      return true;
    },
    why: /GET http:\/\/127\.0\.0\.1:1\/token: nobody answers there/,
  },
  {
    name: "asks to come back tomorrow",
    fault: (_request, response) => {
      response
        .writeHead(429, { "retry-after": "86400" })
        .end(JSON.stringify({ errors: [{ message: "too many pulls" }] }));
      return true;
    },
    why: /status 429/,
  },
];

/** Kills the daemon while the N-th request is unanswered, starts it again, and pulls to the end. */
async function killAt(site: RegistrySite, step: number): Promise<boolean> {
  await using registry = await FakeRegistry.start();
  const { digest } = registry.addImage("a", "1", LAYERS, platformOfMachine(process.arch).architecture);
  const image = `${registry.host}/a:1`;
  let seen = 0;
  let reached = false;
  registry.fault = (_request, response, path) => {
    seen += 1;
    if (seen !== step) return false;
    const blob = registry.blobs.get(path.split("/").at(-1) ?? "");
    // A blob has begun to come; of anything else there is nothing yet.
    if (blob === undefined) reached = true;
    else {
      response.writeHead(200, { "content-length": blob.length });
      response.write(blob.subarray(0, blob.length / 2), () => {
        reached = true;
      });
    }
    return true;
  };
  const running = site.pull(image).catch((error: unknown) => error);
  let isOver = false;
  const over = running.then(() => {
    isOver = true;
  });
  await waitUntil("request that is to be broken off", () => reached || isOver, LONG_MS);
  await site.daemon.stop("SIGKILL");
  await over;
  await site.daemon.start();
  registry.fault = () => false;
  await site.pull(image);
  expectEqual("the digest", await site.targetOf(image), digest);
  expectWhole(site, [digest, ...registry.blobs.keys()]);
  await site.forget(image);
  await expectNothingLeft(site);
  return reached;
}

/** Kills the daemon when it tells of the N-th step of unpacking, starts it again, and pulls to the end. */
async function killAtEvent(site: RegistrySite, step: number): Promise<boolean> {
  await using registry = await FakeRegistry.start();
  const { digest } = registry.addImage("a", "1", LAYERS, platformOfMachine(process.arch).architecture);
  const image = `${registry.host}/a:1`;
  using client = new TransferClient(site.daemon.address);
  const progress = await client.open("progress");
  let left = step;
  const watch = async () => {
    for (let next = await progress.receive(); next !== undefined; next = await progress.receive()) {
      const { event } = containerd.types.transfer.Progress.decode(next.value);
      if (/^(?:extracting|extracted|saved|Completed)/.test(event)) left -= 1;
      if (left === 0) return await site.daemon.stop("SIGKILL");
    }
    return undefined;
  };
  const watched = watch();
  const destination = imageStore({ name: image, unpacks: [{}] });
  const pulled = client.transfer(registryEnd(image), destination, { progress: "progress" });
  await Promise.allSettled([watched, pulled]);
  if (left === 0) await site.daemon.start();
  await site.pull(image);
  expectEqual("the digest", await site.targetOf(image), digest);
  expectWhole(site, [digest, ...registry.blobs.keys()]);
  expectEqual("the number of snapshots", await site.countSnapshots(), LAYERS.length);
  await site.forget(image);
  await expectNothingLeft(site);
  return left === 0;
}

export const faultChecks: readonly Check[] = [
  ...FAULTS.map(({ name, fault, why }) => ({
    name: `a registry that ${name} is an error that says so, and nothing of it counts`,
    run: async (site: RegistrySite) => {
      await using registry = await FakeRegistry.start();
      registry.addImage("a", "1", LAYERS, platformOfMachine(process.arch).architecture);
      registry.fault = fault;
      const image = `${registry.host}/a:1`;
      await expectFailure(() => site.pull(image), why);
      expectEqual("its image", await site.targetOf(image), "");
      registry.fault = () => false;
      await site.pull(image);
      expectWhole(site, [...registry.blobs.keys()]);
      await site.forget(image);
      await expectNothingLeft(site);
    },
  })),
  {
    name: "a registry that breaks off, and fails now and then, is enough for a pull",
    async run(site) {
      await using registry = await FakeRegistry.start();
      registry.addImage("a", "1", LAYERS, platformOfMachine(process.arch).architecture);
      const broken = new Map<string, number>();
      registry.fault = (request, response, path) => {
        const times = (broken.get(path) ?? 0) + 1;
        broken.set(path, times);
        const blob = registry.blobs.get(path.split("/").at(-1) ?? "");
        if (times > 2) return false;
        if (blob === undefined || times === 1) {
          response.writeHead(times === 1 ? 503 : 429, { "retry-after": "0" }).end();
          return true;
        }
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
        response.writeHead(200, { "content-length": blob.length - from });
        response.write(blob.subarray(from, from + (blob.length - from) / 2), () => response.destroy());
        return true;
      };
      const image = `${registry.host}/a:1`;
      await site.pull(image);
      expectWhole(site, [...registry.blobs.keys()]);
      await site.forget(image);
      await expectNothingLeft(site);
    },
  },
  {
    name: "a daemon that is killed in the middle of a layer goes on from there",
    async run(site) {
      await using registry = await FakeRegistry.start();
      registry.addImage("a", "1", LAYERS, platformOfMachine(process.arch).architecture);
      const half = LARGE.length / 2;
      registry.fault = (_request, response, path) => {
        if (!path.includes(digestOf(LARGE))) return false;
        response.writeHead(200, { "content-length": LARGE.length }).write(LARGE.subarray(0, half));
        return true;
      };
      const image = `${registry.host}/a:1`;
      const running = site.pull(image).catch((error: unknown) => error);
      const ingests = join(site.daemon.folder, "root/content/ingests");
      const isThere = () => readdirSync(ingests).some((name) => statSync(join(ingests, name)).size === half);
      await waitUntil("half of the layer", isThere, LONG_MS);
      await site.daemon.stop("SIGKILL");
      await running;
      await site.daemon.start();
      registry.fault = () => false;
      registry.log.length = 0;
      await site.pull(image);
      expectEqual("the requests for a part", registry.count(new RegExp(`bytes=${half}-`)), 1);
      expectWhole(site, [...registry.blobs.keys()]);
      await site.forget(image);
      await expectNothingLeft(site);
    },
  },
  {
    name: "a daemon that is killed at any request brings the image after its restart",
    async run(site) {
      let step = 1;
      while (await killAt(site, step)) step += 1;
      // Manifest twice, config, three layers.
      expectEqual("the number of requests", step - 1, 6);
    },
  },
  {
    name: "a daemon that is killed at any step of unpacking brings the image after its restart",
    async run(site) {
      let step = 1;
      while (await killAtEvent(site, step)) step += 1;
      // Twice for each of three layers, then the name, then the end.
      expectEqual("the number of steps", step - 1, 8);
    },
  },
  {
    name: "no password is in any log",
    run: async (site) => {
      const log = await Bun.file(join(site.daemon.folder, "tsrund.log")).text();
      const auth = Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString("base64");
      expectEqual("the password in the log", log.includes(LOGIN.password) || log.includes(auth), false);
    },
  },
];
