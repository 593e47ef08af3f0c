import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SUITE = "bookworm";
const FETCH_MS = 180_000;

/**
 * The source package of a judge, unpacked below $TSRUN_SOURCES (by default in a folder of the temporary one), where it
 * stays for the next run; undefined where it cannot be fetched. apt's own lists are left alone.
 */
export async function fetchSource(name: string): Promise<string | undefined> {
  const folder = process.env["TSRUN_SOURCES"] ?? join(tmpdir(), "tsrun-sources");
  return findSource(folder, name) ?? (await fetchInto(folder, name));
}

function findSource(folder: string, name: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.isDirectory() && entry.name.startsWith(`${name}-`),
  );
  return found === undefined ? undefined : join(folder, found.name);
}

async function fetchInto(folder: string, name: string): Promise<string | undefined> {
  const lists = join(folder, "lists");
  mkdirSync(join(lists, "partial"), { recursive: true });
  const sources = join(folder, "sources.list");
  const line = (host: string, suite: string) => `deb-src [signed-by=${KEYRING}] http://${host} ${suite} main\n`;
  writeFileSync(
    sources,
    line("deb.debian.org/debian", SUITE) + line("deb.debian.org/debian-security", `${SUITE}-security`),
  );
  const options = [
    ["Dir::Etc::sourcelist", sources],
    ["Dir::Etc::sourceparts", "/nonexistent"],
    ["Dir::State::lists", lists],
    // As another user it could not write here.
    ["APT::Sandbox::User", "root"],
  ].flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  for (const words of [["update"], ["source", name]]) {
    const child = Bun.spawn(["apt-get", ...options, "-qq", ...words], {
      cwd: folder,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      timeout: FETCH_MS,
    });
    if ((await child.exited) !== 0) return undefined;
  }
  return findSource(folder, name);
}
