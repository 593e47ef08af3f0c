import { baseName } from "./path.ts";

interface ProgramModule {
  /** Runs the program and gives its exit status; `name` is what it was called by. */
  main(name: string): Promise<number>;
}

/** One executable, many programs: the name it is called by (a link) says which. */
async function loadProgram(): Promise<ProgramModule> {
  return await import("./runtime/main.ts");
}

// Under `bun cmd/main.ts` the name is the interpreter's.
const called = baseName(process.argv0);
const program = await loadProgram();
process.exit(await program.main(called === "bun" ? "tsrun" : called));
