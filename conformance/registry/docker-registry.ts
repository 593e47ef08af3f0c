import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";

/** What a registry of this suite wants. */
export interface RegistryOptions {
  /** A user and a password; without, anybody may do anything. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Paths of a certificate and its key; without, it speaks plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Debian's docker-registry on a port of loopback, with everything of its own below one folder. */
export class DockerRegistry {
  readonly #folder: string;
  readonly #options: RegistryOptions;
  #child: Bun.Subprocess | undefined;
  #port = 0;

  constructor(folder: string, options: RegistryOptions = {}) {
    this.#folder = folder;
    this.#options = options;
    mkdirSync(folder, { recursive: true });
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The lines of its log that have a text. */
  logged(text: string): readonly string[] {
    return readFileSync(join(this.#folder, "log"), "utf8")
      .split("\n")
      .filter((line) => line.includes(text));
  }

  /** Starts it on a port that is free; somebody may take that one before, so it is tried on others. */
  async start(): Promise<void> {
    for (let attempt = 1; !(await this.#startAt(await freePort())); attempt++) {
      if (attempt === MAX_STARTS) throw new Error(`docker-registry does not start: ${this.logged("").join("\n")}`);
    }
  }

  /** False when it has ended at once. */
  async #startAt(port: number): Promise<boolean> {
    const { tls, login } = this.#options;
    this.#port = port;
    const config: Record<string, unknown> = {
      version: "0.1",
      log: { accesslog: { disabled: false }, level: "info" },
      storage: { filesystem: { rootdirectory: join(this.#folder, "data") }, delete: { enabled: true } },
      http: { addr: this.host, ...(tls === undefined ? {} : { tls }) },
    };
    if (login !== undefined) {
      const path = join(this.#folder, "htpasswd");
      const hash = await Bun.password.hash(login.password, { algorithm: "bcrypt", cost: 4 });
      writeFileSync(path, `${login.user}:${hash}\n`);
      config["auth"] = { htpasswd: { realm: "tests", path } };
    }
    // JSON is YAML, too.
    writeFileSync(join(this.#folder, "config.yml"), JSON.stringify(config));
    const log = openSync(join(this.#folder, "log"), "a");
    this.#child = Bun.spawn({
      cmd: ["docker-registry", "serve", join(this.#folder, "config.yml")],
      env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", OTEL_TRACES_EXPORTER: "none" },
      stdio: ["ignore", log, log],
    });
    const url = `${tls === undefined ? "http" : "https"}://${this.host}/v2/`;
    const answers = () =>
      fetch(url, { tls: { rejectUnauthorized: false } }).then(
        ({ status }) => status === 200 || status === 401,
        () => false,
      );
    const hasEnded = () => this.#child?.exitCode !== null;
    await waitUntil("answer of docker-registry", async () => hasEnded() || (await answers()));
    return !hasEnded();
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }
}

const MAX_STARTS = 5;

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}
