import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageStore, registryEnd, TransferClient } from "../../lib/testing/transfer-client.ts";
import { type Outcome, run } from "../harness/process.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import type { Workspace } from "../harness/workspace.ts";
import { Tsrund } from "../supervisor/tsrund.ts";
import { DockerRegistry } from "./docker-registry.ts";

/** A user and a password; the suite looks for the password in every log. */
export const LOGIN = { user: "ann", password: "geheim-4711" };

/** What is there for the checks: a daemon, three registries, and an image that was not made by us. */
export class RegistrySite {
  readonly folder: string;
  readonly daemon: Tsrund;
  /** Plain; with a login; with a certificate that nobody knows. */
  readonly open: DockerRegistry;
  readonly locked: DockerRegistry;
  readonly secure: DockerRegistry;
  /** Of `hosts.toml` and `config.json`, which the daemon reads. */
  readonly hosts: string;
  readonly dockerConfig: string;
  readonly certificate: string;
  /** An OCI layout with the image `busybox`. */
  readonly layout: string;

  private constructor({ folder }: Workspace, program: string) {
    const at = (name: string) => join(folder, name);
    this.folder = folder;
    this.hosts = at("certs.d");
    this.dockerConfig = at("config.json");
    this.certificate = at("certificate.pem");
    this.layout = at("layout");
    mkdirSync(this.hosts);
    writeFileSync(
      at("tsrund.toml"),
      `[registry]\nconfig_path = "${this.hosts}"\ndocker_config = "${this.dockerConfig}"\n`,
    );
    this.daemon = new Tsrund(at("daemon"), program, {
      options: ["--config", at("tsrund.toml"), "--log-level", "debug"],
    });
    this.open = new DockerRegistry(at("open"));
    this.locked = new DockerRegistry(at("locked"), { login: LOGIN });
    this.secure = new DockerRegistry(at("secure"), { tls: { certificate: this.certificate, key: at("key.pem") } });
  }

  static async start(workspace: Workspace, program: string): Promise<RegistrySite> {
    const site = new RegistrySite(workspace, program);
    await site.#makeCertificate();
    await site.#makeImage();
    for (const part of [site.open, site.locked, site.secure, site.daemon]) await part.start();
    const to = (registry: DockerRegistry) => `docker://${registry.host}/busybox:oci`;
    const login = `${LOGIN.user}:${LOGIN.password}`;
    await site.ok("skopeo", "copy", "--dest-tls-verify=false", site.source, to(site.open));
    const schema2 = `docker://${site.open.host}/busybox:docker`;
    await site.ok("skopeo", "copy", "--dest-tls-verify=false", "--format", "v2s2", site.source, schema2);
    await site.ok("skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", login, site.source, to(site.locked));
    await site.ok("skopeo", "copy", "--dest-tls-verify=false", site.source, to(site.secure));
    return site;
  }

  async stop(): Promise<void> {
    for (const registry of [this.open, this.locked, this.secure]) await registry.stop();
    await this.daemon.stop("SIGTERM");
  }

  get source(): string {
    return `oci:${this.layout}:busybox`;
  }

  /** Runs a program to its end. */
  async run(...words: readonly string[]): Promise<Outcome> {
    return await run(words, { scratch: this.folder });
  }

  /** What a program prints. @throws {Error} with what it complains of */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    if (status !== 0) throw new Error(`${words.join(" ")}: exit ${status}: ${stderr.trim()}`);
    return stdout;
  }

  /** What ctr prints, with the daemon of this suite. */
  async ctr(...words: readonly string[]): Promise<string> {
    return await this.ok("ctr", "--address", this.daemon.address, ...words);
  }

  /** Pulls by Transfer, and unpacks. Without `resolver` as the daemon is configured. */
  async pull(reference: string, resolver: Parameters<typeof registryEnd>[1] = {}): Promise<void> {
    using client = new TransferClient(this.daemon.address);
    await client.transfer(registryEnd(reference, resolver), imageStore({ name: reference, unpacks: [{}] }));
  }

  /** Removes an image, and everything with it. */
  async forget(...names: readonly string[]): Promise<void> {
    await this.ctr("images", "rm", "--sync", ...names);
  }

  /** How many snapshots are complete. */
  async countSnapshots(): Promise<number> {
    return (await this.ctr("snapshots", "ls")).split("\n").filter((line) => line.includes("Committed")).length;
  }

  /** The digest of a manifest in a registry, as skopeo sees it. */
  async digestOf(reference: string, ...words: readonly string[]): Promise<string> {
    const format = ["--format", "{{.Digest}}"];
    return (
      await this.ok("skopeo", "inspect", "--tls-verify=false", ...format, ...words, `docker://${reference}`)
    ).trim();
  }

  /** The digest that a name of the daemon stands for. */
  async targetOf(name: string): Promise<string> {
    const line = (await this.ctr("images", "ls", `name==${name}`)).split("\n").find((each) => each.startsWith(name));
    return /sha256:[0-9a-f]{64}/.exec(line ?? "")?.[0] ?? "";
  }

  async #makeCertificate(): Promise<void> {
    await this.ok(
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", join(this.folder, "key.pem"), "-out", this.certificate],
    );
  }

  /** By umoci, of two layers. */
  async #makeImage(): Promise<void> {
    const rootfs = join(this.folder, "rootfs");
    const second = join(this.folder, "second");
    const image = `${this.layout}:busybox`;
    makeRootfs(rootfs);
    mkdirSync(second);
    writeFileSync(join(second, "greeting"), "hello from umoci\n");
    await this.ok("umoci", "init", "--layout", this.layout);
    await this.ok("umoci", "new", "--image", image);
    await this.ok("umoci", "insert", "--image", image, rootfs, "/");
    await this.ok("umoci", "insert", "--image", image, second, "/etc");
    await this.ok("umoci", "config", "--image", image, "--config.env", "PATH=/bin", "--config.cmd", "cat");
  }
}
