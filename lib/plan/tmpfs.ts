import { openFlags, openInRoot } from "./calls.ts";
import { type Purpose, register, type Step, whenPossible } from "./step.ts";

/** A tmpfs without `mode` takes that of the directory it covers, if there is one: as with runc. */
export function inheritMode(destination: string, tree: string, purpose: Purpose): readonly Step[] {
  const directory = openFlags("O_DIRECTORY", "O_CLOEXEC");
  return whenPossible(
    openInRoot({ path: destination, into: "target" }, purpose),
    ["ENOENT"],
    [
      { call: "getMode", args: [register("target")], into: "mode", purpose },
      { call: "openat", args: [register(tree), ".", directory], into: "directory", purpose },
      { call: "fchmod", args: [register("directory"), register("mode")], purpose },
    ],
  );
}

/** `tmpcopyup`: what the tmpfs covers is in it, too. */
export function copyUp(destination: string, tree: string, purpose: Purpose): readonly Step[] {
  const access = openFlags("O_DIRECTORY", "O_CLOEXEC");
  return whenPossible(
    openInRoot({ path: destination, into: "target" }, purpose),
    ["ENOENT"],
    [
      { call: "openat", args: [register("target"), ".", access], into: "from", purpose },
      { call: "openat", args: [register(tree), ".", access], into: "to", purpose },
      { call: "copyTree", args: [register("from"), register("to")], purpose },
    ],
  );
}
