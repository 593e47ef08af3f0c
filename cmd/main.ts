import { baseName } from "./path.ts";

interface ProgramModule {
  /** Runs the program and gives its exit status; `name` is what it was called by. */
  main(name: string): Promise<number>;
}

/** One executable, many programs: the name it is called by (a link) says which. */
async function loadProgram(name: string): Promise<ProgramModule> {
  if (name.startsWith("containerd-shim-")) return await import("./shim/main.ts");
  if (name === "tsrund") return await import("./daemon/main.ts");
  if (name === "tsctr") return await import("./ctr/main.ts");
  if (name === "tsrund-netns") return await import("./daemon/network-namespace.ts");
  if (name === "tsrund-sync") return await import("./daemon/sync-filesystem.ts");
  return await import("./runtime/main.ts");
}

// Under `bun cmd/main.ts` the name is the interpreter's.
const called = baseName(process.argv0);
const program = await loadProgram(called);
process.exit(await program.main(called === "bun" ? "tsrun" : called));
