declare const TSRUN_VERSION: string | undefined;
declare const TSRUN_COMMIT: string | undefined;

/** The newest runtime-spec whose config.json this runtime understands in full. */
export const SPEC_VERSION = "1.3.0";

/** package.json's version; `.ci/build.ts` puts it in. */
export const VERSION = typeof TSRUN_VERSION === "string" ? TSRUN_VERSION : "0.0.0-source";

/** The git commit this was built from. */
export const COMMIT = typeof TSRUN_COMMIT === "string" ? TSRUN_COMMIT : "unknown";

/**
 * The text of `--version`: three lines in runc's shape, because others parse them.
 * - docker: the words around "version" in the last line that has it are name and version; a line `commit:` is the commit.
 * - go-runc since 2020: the first line must begin `runc version `, else all fields stay empty and that is no error (so it
 *   is for crun); go-runc before: exactly three lines, split at "version " and ": ".
 * So the first line opens with the name the program was called by: the truth for people, and whoever installs it in
 * runc's place gives go-runc what it looks for.
 */
export function versionText(name: string): string {
  return `${name} version ${VERSION}${name === "runc" ? "+tsrun" : ""}\ncommit: ${COMMIT}\nspec: ${SPEC_VERSION}\n`;
}
