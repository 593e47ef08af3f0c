import { readFileSync } from "node:fs";
import { ContainerError } from "../errors.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";

const HELPER_TIMEOUT_MS = 30_000;
const HELPER = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const MAX_SHOWN_CHARS = 200;
/** What `docker login` without a registry's name writes down. */
const DOCKER_HUB = "https://index.docker.io/v1/";
const DOCKER_HUB_HOSTS = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);
/** The user that a helper names when what it gives is no password. */
const TOKEN_USER = "<token>";

type Table = Readonly<Record<string, unknown>>;

/** How helpers are run. */
export interface HelperEnvironment {
  readonly PATH: string;
  readonly HOME: string;
}

/**
 * docker's config.json: `auths`, and the programs `docker-credential-NAME` of `credHelpers` and `credsStore`. It is read
 * whenever it is needed, so a login is known at once; a file that is missing knows nothing.
 */
export function dockerConfig(file: string, environment: HelperEnvironment): CredentialSource {
  return async ({ host }) => {
    const config = readConfig(file);
    const keys = keysOf(host);
    const helper = keys.map((key) => toTable(config["credHelpers"])[key]).find((name) => name !== undefined);
    const store = helper ?? config["credsStore"];
    if (store !== undefined && store !== "") {
      const found = await firstOf(keys, (key) => askHelper(String(store), key, environment));
      if (found !== undefined || helper !== undefined) return found;
    }
    return keys
      .map((key) => fromEntry(entryOf(toTable(config["auths"]), key), file))
      .find((each) => each !== undefined);
  };
}

/** The names that a host may have in the file. */
function keysOf(host: string): readonly string[] {
  return DOCKER_HUB_HOSTS.has(host) ? [DOCKER_HUB, "docker.io", "index.docker.io"] : [host, `https://${host}`];
}

function readConfig(file: string): Table {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw cannotRead(file, error);
  }
  const config = findJson(text);
  if (config === undefined) throw new ContainerError("failed_precondition", `cannot read ${file}: it is no JSON`);
  return config;
}

/** Undefined for what is no JSON: the parser's own error would show a part of the text, in which there are secrets. */
function findJson(text: string): Table | undefined {
  try {
    return toTable(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function toTable(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

/** Keys may be addresses: their hosts count. */
function entryOf(auths: Table, key: string): Table {
  const named = auths[key] ?? Object.entries(auths).find(([name]) => key !== DOCKER_HUB && hostOf(name) === key)?.[1];
  return toTable(named);
}

function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, "").split("/")[0] ?? "";
}

function fromEntry(entry: Table, file: string): Credentials | undefined {
  const { identitytoken, auth, username, password } = entry;
  if (typeof identitytoken === "string" && identitytoken !== "") return { kind: "refresh", token: identitytoken };
  if (typeof username === "string" && typeof password === "string") return { kind: "password", username, password };
  if (typeof auth !== "string" || auth === "") return undefined;
  const plain = Buffer.from(auth, "base64").toString();
  const colon = plain.indexOf(":");
  if (colon === -1) throw new ContainerError("failed_precondition", `cannot read ${file}: an auth has no password`);
  return { kind: "password", username: plain.slice(0, colon), password: plain.slice(colon + 1).replace(/\0+$/, "") };
}

/** docker-credential-helpers: `get`, with the name on standard input and an object as answer. */
async function askHelper(name: string, key: string, environment: HelperEnvironment): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const wrong = (why: string) =>
    new ContainerError("failed_precondition", `cannot get credentials: ${program}: ${why}`);
  if (!HELPER.test(name)) throw wrong("this is no name of a program");
  const path = Bun.which(program, { PATH: environment.PATH });
  if (path === null) throw wrong("it is not installed");
  const child = Bun.spawn({
    cmd: [path, "get"],
    env: { ...environment },
    stdin: new Blob([key]),
    stdout: "pipe",
    stderr: "ignore",
    timeout: HELPER_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const [text, status] = await Promise.all([child.stdout.text(), child.exited]);
  if (status !== 0) {
    if (/credentials not found/.test(text)) return undefined;
    throw wrong(child.signalCode === null ? text.trim().slice(0, MAX_SHOWN_CHARS) : "it took too long");
  }
  const { Username: username, Secret: password } = findJson(text) ?? {};
  if (typeof username !== "string" || typeof password !== "string") throw wrong("its answer is not whole");
  return username === TOKEN_USER ? { kind: "refresh", token: password } : { kind: "password", username, password };
}

async function firstOf<T, R>(items: readonly T[], find: (item: T) => Promise<R | undefined>): Promise<R | undefined> {
  for (const item of items) {
    const found = await find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function cannotRead(file: string, cause: unknown): ContainerError {
  return new ContainerError("failed_precondition", `cannot read ${file}`, { cause });
}
