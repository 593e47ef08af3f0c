// node .ci/setup.mjs [SCRIPT.ts [args]]: makes sure that everything the project is built with is there, then runs SCRIPT
// with the project's own Bun. Plain Node without dependencies, because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const MODULES = join(ROOT, "node_modules");
const C_PACKAGES = ["gcc", "libc6-dev"];
const SIGNAL_BASE = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

class SetupError extends Error {}

function main([script, ...args]) {
  installPackages();
  ensureCompiler();
  const bun = findBun();
  if (script === undefined) return 0;
  const { status, signal, error } = spawnSync(bun, [join(ROOT, script), ...args], { cwd: ROOT, stdio: "inherit" });
  if (error !== undefined) throw new SetupError(`cannot run ${bun}: ${error.message}`);
  return status ?? SIGNAL_BASE + (SIGNALS[signal] ?? 0);
}

function installPackages() {
  if (isInstalled()) return;
  process.stdout.write("setup: installing node_modules as package-lock.json says\n");
  const options = ["--no-audit", "--no-fund", "--loglevel=error"];
  // npm ci refuses a lock file that lacks the packages of other platforms, and npm writes such a one where its registry
  // does not have them. npm install takes the locked versions just the same; --no-save leaves the lock file alone.
  if (quiet("npm", ["ci", ...options]).status === 0) return;
  run("npm", ["install", "--no-save", ...options], "cannot install node_modules");
}

/** What npm wrote down when it installed (node_modules/.package-lock.json) names every package that is wanted. */
function isInstalled() {
  const wanted = readLock(join(ROOT, "package-lock.json"));
  const installed = readLock(join(MODULES, ".package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const there = installed[path];
    return path === "" || (there === undefined ? optional === true : there.version === version);
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function ensureCompiler() {
  if (findProgram("cc") !== undefined) return;
  const wanted = `install ${C_PACKAGES.join(" and ")}`;
  if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) {
    throw new SetupError(`there is no C compiler (cc): ${wanted}`);
  }
  process.stdout.write(`setup: installing ${C_PACKAGES.join(" and ")}\n`);
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...C_PACKAGES];
  if (quiet("apt-get", install).status === 0) return;
  run("apt-get", ["update", "-qq"], `cannot ${wanted}`);
  run("apt-get", install, `cannot ${wanted}`);
}

function findBun() {
  const architecture = { x64: "x64", arm64: "aarch64" }[process.arch];
  const bun = join(MODULES, `@oven/bun-linux-${architecture}/bin/bun`);
  if (process.platform === "linux" && existsSync(bun)) return bun;
  throw new SetupError(
    `there is no Bun for ${process.platform} ${process.arch} in node_modules: needs Linux with glibc on x86-64 or arm64`,
  );
}

function findProgram(name) {
  return (process.env.PATH ?? "")
    .split(":")
    .map((folder) => join(folder, name))
    .find((file) => isExecutable(file));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function quiet(program, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(program, args, { cwd: ROOT, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function run(program, args, what) {
  const { status, error, stdout, stderr } = quiet(program, args);
  if (status === 0) return;
  const output = `${stdout ?? ""}${stderr ?? ""}`.trim().split("\n").slice(-10).join("\n");
  throw new SetupError(`${what}: ${program} ${args[0]}: ${error?.message ?? output}`);
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
}
