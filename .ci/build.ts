/** bun .ci/build.ts: makes dist/tsrun, and on the way the generated files that it is made from. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { buildProtobuf } from "./protobuf.ts";
import { ROOT, run, say } from "./shell.ts";
import { buildValidators } from "./validators.ts";

const INIT_SOURCE = "lib/linux/native/init.c";
const INIT = "lib/linux/native/gen/init";
const INIT_MAX_BYTES = 16 * 1024;

/** The executor is freestanding: no libc, no start files, no stack protector, which would want a libc. */
const C_FLAGS = [
  ..."-std=c11 -Os -Wall -Wextra -Wconversion -Werror".split(" "),
  ..."-ffreestanding -nostdlib -static -fno-pie -no-pie".split(" "),
  ..."-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fno-tree-loop-distribute-patterns".split(
    " ",
  ),
  ..."-Wl,--build-id=none -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,-z,noexecstack -s".split(" "),
];

const PROGRAM = "dist/tsrun";

/** The other names the executable is called by. */
const LINKS = ["containerd-shim-tsrun-v2", "tsctr", "tsrund"];

/** Builds everything. @throws {Error} that says which part was refused, and why */
export async function build(): Promise<void> {
  await buildValidators();
  await buildProtobuf();
  await compileInit();
  await bundleProgram();
}

async function compileInit(): Promise<void> {
  mkdirSync(join(ROOT, INIT, ".."), { recursive: true });
  const fresh = `${INIT}.new`;
  const { ok, output } = await run(["cc", ...flagsFor(process.arch), "-o", fresh, INIT_SOURCE]);
  if (!ok) throw new Error(`cannot compile ${INIT_SOURCE}:\n${output}`);
  const { size } = statSync(join(ROOT, fresh));
  if (size > INIT_MAX_BYTES) throw new Error(`${INIT} has ${size} bytes: must have at most ${INIT_MAX_BYTES}`);
  renameSync(join(ROOT, fresh), join(ROOT, INIT));
  await embedInit();
}

/** Text in the bundle costs nothing to load; a file in it would have to be opened at run time. */
async function embedInit(): Promise<void> {
  const base64 = readFileSync(join(ROOT, INIT)).toString("base64");
  const text = `/** ${INIT_SOURCE}, compiled. */\nexport const EXECUTOR_BASE64 = "${base64}";\n`;
  await Bun.write(join(ROOT, `${INIT}.ts`), text);
}

function flagsFor(architecture: string): readonly string[] {
  // -fcf-protection is a flag of x86 only.
  return architecture === "x64" ? C_FLAGS : C_FLAGS.filter((flag) => !flag.startsWith("-fcf-protection"));
}

/**
 * One executable for every program. Splitting keeps each lazy import in a file of its own; without it `tsrun state` loads
 * what the daemon needs (7 → 14 ms). Nothing in the current directory may change what a root process runs: no autoload.
 */
async function bundleProgram(): Promise<void> {
  const result = await Bun.build({
    entrypoints: [join(ROOT, "cmd/main.ts")],
    target: "bun",
    format: "esm",
    minify: true,
    splitting: true,
    bytecode: true,
    define: {
      "process.env.NODE_ENV": '"production"',
      TSRUN_VERSION: JSON.stringify(packageJson.version),
      TSRUN_COMMIT: JSON.stringify(await findCommit()),
    },
    compile: {
      outfile: join(ROOT, PROGRAM),
      // A command is over before compiled code would pay; a program that stays calls Bun.unsafe.setJITPolicy(1).
      jitPolicy: 1000,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!result.success) throw new Error(`cannot bundle cmd/main.ts:\n${result.logs.join("\n")}`);
  for (const name of LINKS) {
    const link = join(ROOT, PROGRAM, "..", name);
    rmSync(link, { force: true });
    symlinkSync("tsrun", link);
  }
}

async function findCommit(): Promise<string> {
  if (Bun.which("git") === null) return "unknown";
  const { ok, output } = await run(["git", "rev-parse", "HEAD"]);
  return ok ? output.trim() : "unknown";
}

if (import.meta.main) {
  const begin = performance.now();
  try {
    await build();
    const mib = (statSync(join(ROOT, PROGRAM)).size / 2 ** 20).toFixed(0);
    const initBytes = statSync(join(ROOT, INIT)).size;
    say(
      `built ${PROGRAM} (${mib} MiB, init ${initBytes} bytes) in ${((performance.now() - begin) / 1000).toFixed(1)} s`,
    );
  } catch (error) {
    say(`build: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
