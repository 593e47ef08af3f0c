import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageStore, registryEnd, TransferClient, typed } from "../../../lib/testing/transfer-client.ts";
import { containerd } from "../../../proto/gen/daemon.js";
import { type Check, expectEqual, expectFailure } from "../check.ts";
import { LOGIN, type RegistrySite } from "../site.ts";

const types = containerd.types.transfer;

/** Pulls with a login that is told when the daemon asks for it. */
async function pullAs(site: RegistrySite, password: string): Promise<void> {
  const image = `${site.locked.host}/busybox:oci`;
  using client = new TransferClient(site.daemon.address);
  const id = `auth-${crypto.randomUUID()}`;
  const stream = await client.open(id);
  const answered = stream.receive().then((request) => {
    if (request === undefined) return;
    const fields = { authType: types.AuthType.CREDENTIALS, username: LOGIN.user, secret: password };
    stream.send(typed("AuthResponse", types.AuthResponse, fields));
  });
  await client.transfer(registryEnd(image, { authStream: id }), imageStore({ name: image, unpacks: [{}] }));
  await answered;
}

const writeHosts = (site: RegistrySite, host: string, text: string): string => {
  const folder = join(site.hosts, host);
  Bun.spawnSync(["mkdir", "-p", folder]);
  writeFileSync(join(folder, "hosts.toml"), text);
  return folder;
};

/** Whom a registry lets in, and whose certificates are believed. */
export const loginChecks: readonly Check[] = [
  {
    name: "a login is asked of the client",
    async run(site) {
      await pullAs(site, LOGIN.password);
      await site.forget(`${site.locked.host}/busybox:oci`);
    },
  },
  {
    name: "a wrong login, and none, are refused with the next step",
    async run(site) {
      const advice = /status 401.*: log in with: docker login 127\.0\.0\.1:\d+$/s;
      await expectFailure(() => pullAs(site, "wrong"), advice);
      await expectFailure(() => site.pull(`${site.locked.host}/busybox:oci`), advice);
    },
  },
  {
    name: "a login is found in docker's config.json, for pull and push",
    async run(site) {
      const auth = Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString("base64");
      writeFileSync(site.dockerConfig, JSON.stringify({ auths: { [site.locked.host]: { auth } } }));
      const image = `${site.locked.host}/busybox:oci`;
      await site.pull(image);
      using client = new TransferClient(site.daemon.address);
      await client.transfer(imageStore({ name: image }), registryEnd(`${site.locked.host}/pushed:1`));
      rmSync(site.dockerConfig);
      const digest = await site.digestOf(`${site.locked.host}/pushed:1`, "--creds", `${LOGIN.user}:${LOGIN.password}`);
      expectEqual("the digest", digest, await site.targetOf(image));
      await site.forget(image);
    },
  },
  {
    name: "a certificate that nobody knows is refused, one that is configured is believed",
    async run(site) {
      const image = `${site.secure.host}/busybox:oci`;
      await expectFailure(() => site.pull(image, { defaultScheme: "https" }), /self.signed|certificate/i);
      for (const text of [`ca = "${site.certificate}"`, "skip_verify = true"]) {
        const folder = writeHosts(site, site.secure.host, `server = "https://${site.secure.host}"\n${text}\n`);
        await site.pull(image);
        await site.forget(image);
        rmSync(folder, { recursive: true });
      }
    },
  },
  {
    name: "a mirror that is gone, and one that has it not, are passed over",
    async run(site) {
      const text = `server = "http://${site.open.host}"
[host."http://127.0.0.1:1"]
capabilities = ["pull", "resolve"]
[host."http://${site.locked.host}"]
capabilities = ["pull", "resolve"]
`;
      const folder = writeHosts(site, "images.test", text);
      await site.pull("images.test/busybox:oci");
      expectEqual(
        "the digest",
        await site.targetOf("images.test/busybox:oci"),
        await site.digestOf(`${site.open.host}/busybox:oci`),
      );
      await site.forget("images.test/busybox:oci");
      rmSync(folder, { recursive: true });
    },
  },
];
