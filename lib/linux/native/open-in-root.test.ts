import { lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { openInRoot } from "../../plan/calls.ts";
import { register, type Step } from "../../plan/step.ts";
import { DONE, failureOf, PURPOSE, runProgram, tell, valuesOf } from "../../testing/run-program.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { type Errno, errnoSymbol } from "../constants/errno.ts";
import { OPEN } from "../constants/files.ts";
import { openFile } from "../files.ts";
import { openKernel } from "../kernel.ts";

const kernel = openKernel();

type Target = Parameters<typeof openInRoot>[0];

function openTarget(target: Omit<Target, "into">): readonly Step[] {
  return [openInRoot({ ...target, into: "target" }, PURPOSE), DONE];
}

/** A directory that holds a root, and beside it what nobody in the root may come to. */
class Site implements Disposable {
  readonly #directory = new TemporaryDirectory();

  constructor() {
    mkdirSync(this.#directory.at("outside"));
    mkdirSync(this.root);
  }

  get root(): string {
    return this.#directory.at("root");
  }

  at(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  /** All that is there, as `path`, `path/` for a directory and `path@` for a link. */
  list(): readonly string[] {
    return listBelow(this.#directory.path, "").sort();
  }

  /** What opening a target comes to: an errno, or what was made by it. */
  open(target: Omit<Target, "into">): { readonly errno: string | undefined; readonly made: readonly string[] } {
    const before = new Set(this.list());
    using root = openFile(kernel, this.root, OPEN.O_PATH | OPEN.O_DIRECTORY);
    const outcome = runProgram(kernel, openTarget(target), { descriptors: { root } });
    const failure = failureOf(outcome);
    const made = this.list().filter((path) => !before.has(path));
    return { errno: failure === undefined ? undefined : errnoSymbol(failure.errno), made };
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

/** Follows no link, as the recursion of readdirSync() does in Bun. */
function listBelow(directory: string, prefix: string): string[] {
  return readdirSync(join(directory, prefix)).flatMap((name) => {
    const path = `${prefix}${name}`;
    const status = lstatSync(join(directory, path));
    if (status.isDirectory()) return [`${path}/`, ...listBelow(directory, `${path}/`)];
    return [status.isSymbolicLink() ? `${path}@` : path];
  });
}

interface Case {
  readonly name: string;
  readonly target: Omit<Target, "into">;
  /** Directories, files (with a trailing text) and links of the root before. */
  readonly directories?: readonly string[];
  readonly files?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  /** What is there afterwards, and was not before. */
  readonly made?: readonly string[];
  readonly errno?: Errno;
}

const DIRECTORY = { make: "directory" } as const;
const FILE = { make: "file" } as const;

const CASES: readonly Case[] = [
  { name: "the root itself", target: { path: "/" } },
  { name: "the root, by ..", target: { path: "/../../.." } },
  { name: "what is there", directories: ["a/b"], target: { path: "/a/b" } },
  { name: "what is there, to be made", directories: ["a/b"], target: { path: "/a/b", ...DIRECTORY } },
  { name: "a file where a directory is to be made", files: ["a"], target: { path: "/a", ...DIRECTORY } },
  { name: "what is not there", target: { path: "/a" }, errno: "ENOENT" },
  { name: "below a file", files: ["a"], target: { path: "/a/b", ...DIRECTORY }, errno: "ENOTDIR" },

  {
    name: "missing directories",
    target: { path: "/a/b/c", ...DIRECTORY },
    made: ["root/a/", "root/a/b/", "root/a/b/c/"],
  },
  { name: "a missing file", target: { path: "/a/b", ...FILE }, made: ["root/a/", "root/a/b"] },
  { name: "a relative path", target: { path: "a/b", ...DIRECTORY }, made: ["root/a/", "root/a/b/"] },
  { name: "slashes", target: { path: "//a///b//", ...DIRECTORY }, made: ["root/a/", "root/a/b/"] },
  { name: "a file with a slash behind it", target: { path: "/a/b/", ...FILE }, made: ["root/a/", "root/a/b"] },
  { name: "dots", target: { path: "/./a/./b/.", ...DIRECTORY }, made: ["root/a/", "root/a/b/"] },
  {
    name: "back and forth",
    target: { path: "/a/../b/../../c", ...DIRECTORY },
    made: ["root/a/", "root/b/", "root/c/"],
  },
  {
    name: ".. out of the root",
    target: { path: "/../outside/x", ...DIRECTORY },
    made: ["root/outside/", "root/outside/x/"],
  },

  {
    name: "an absolute link",
    directories: ["real"],
    links: { link: "/real" },
    target: { path: "/link/x", ...DIRECTORY },
    made: ["root/real/x/"],
  },
  {
    name: "a relative link",
    directories: ["a/real"],
    links: { "a/link": "real" },
    target: { path: "/a/link/x", ...FILE },
    made: ["root/a/real/x"],
  },
  {
    name: "a link out of the root",
    links: { link: "../outside" },
    target: { path: "/link/x", ...DIRECTORY },
    made: ["root/outside/", "root/outside/x/"],
  },
  {
    name: "a link to the root of the host",
    links: { link: "/" },
    target: { path: "/link/x", ...DIRECTORY },
    made: ["root/x/"],
  },

  {
    name: "a dangling absolute link",
    links: { link: "/a/b" },
    target: { path: "/link", ...FILE },
    made: ["root/a/", "root/a/b"],
  },
  {
    name: "a dangling absolute link below",
    directories: ["d/e"],
    links: { "d/e/link": "/a/b" },
    target: { path: "/d/e/link/x", ...FILE },
    made: ["root/a/", "root/a/b/", "root/a/b/x"],
  },
  {
    name: "a dangling relative link",
    directories: ["d"],
    links: { "d/link": "a/b" },
    target: { path: "/d/link", ...DIRECTORY },
    made: ["root/d/a/", "root/d/a/b/"],
  },
  {
    name: "a dangling link, and more",
    links: { link: "a" },
    target: { path: "/link/b/c", ...FILE },
    made: ["root/a/", "root/a/b/", "root/a/b/c"],
  },
  {
    name: "a dangling link out of the root",
    links: { link: "../../new" },
    target: { path: "/link", ...DIRECTORY },
    made: ["root/new/"],
  },
  {
    name: "a dangling absolute link to the host",
    links: { link: "/tmp/none-of-the-host" },
    target: { path: "/link", ...FILE },
    made: ["root/tmp/", "root/tmp/none-of-the-host"],
  },
  {
    name: "a dangling link to a dangling link",
    links: { one: "/two", two: "/three" },
    target: { path: "/one", ...FILE },
    made: ["root/three"],
  },
  {
    name: "a dangling link with a slash behind it",
    links: { link: "a/" },
    target: { path: "/link", ...DIRECTORY },
    made: ["root/a/"],
  },
  {
    name: "a dangling link of the longest name",
    links: { link: "x".repeat(255) },
    target: { path: "/link/y", ...DIRECTORY },
    made: [`root/${"x".repeat(255)}/`, `root/${"x".repeat(255)}/y/`],
  },

  { name: "a link to itself", links: { link: "link" }, target: { path: "/link", ...DIRECTORY }, errno: "ELOOP" },
  {
    name: "two links to each other",
    links: { a: "b", b: "/a" },
    target: { path: "/a/x", ...DIRECTORY },
    errno: "ELOOP",
  },
  {
    name: "more dangling links than are followed",
    links: manyLinks(41),
    target: { path: manyPath(41), ...DIRECTORY },
    errno: "ELOOP",
  },

  {
    name: "no links, and there is none",
    target: { path: "/a/b", ...DIRECTORY, noSymlinks: true },
    made: ["root/a/", "root/a/b/"],
  },
  {
    name: "no links, at the end",
    directories: ["real"],
    links: { link: "real" },
    target: { path: "/link", noSymlinks: true },
    errno: "ELOOP",
  },
  {
    name: "no links, on the way",
    directories: ["real/x"],
    links: { link: "real" },
    target: { path: "/link/x", noSymlinks: true },
    errno: "ELOOP",
  },
  {
    name: "no links, a dangling one",
    links: { link: "real" },
    target: { path: "/link", ...DIRECTORY, noSymlinks: true },
    errno: "ELOOP",
  },

  {
    name: "the longest name",
    target: { path: `/${"x".repeat(255)}`, ...DIRECTORY },
    made: [`root/${"x".repeat(255)}/`],
  },
  { name: "a name too long", target: { path: `/${"x".repeat(256)}`, ...DIRECTORY }, errno: "ENAMETOOLONG" },
  {
    name: "a name too long below what is to be made",
    target: { path: `/a/${"x".repeat(256)}`, ...DIRECTORY },
    errno: "ENAMETOOLONG",
  },
  { name: "a path too long", target: { path: "/x".repeat(2048), ...DIRECTORY }, errno: "ENAMETOOLONG" },
  {
    name: "a path that links make too long",
    links: { link: `${"x/".repeat(100)}x` },
    target: { path: `/link${"/y".repeat(1980)}`, ...DIRECTORY },
    errno: "ENAMETOOLONG",
  },
];

/** Each link leads to what is missing: `l0` to `d0`, … */
function manyLinks(count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, `d${index}`]));
}

function manyPath(count: number): string {
  return Array.from({ length: count }, (_, index) => `/l${index}/..`).join("");
}

describe("executor: openInRoot", () => {
  for (const { name, target, directories = [], files = [], links = {}, made = [], errno } of CASES) {
    it(`${errno ?? "opens"}: ${name}`, () => {
      using site = new Site();
      for (const path of directories) mkdirSync(site.at(path), { recursive: true });
      for (const path of files) writeFileSync(site.at(path), "");
      for (const [path, to] of Object.entries(links)) symlinkSync(to, site.at(path));
      const outcome = site.open(target);
      expect(outcome.errno).to.equal(errno);
      // What is made before a refusal may stay: it is in the root.
      const wanted = errno === undefined ? made : outcome.made.filter((path) => path.startsWith("root/"));
      expect(outcome.made).to.deep.equal([...wanted].sort());
    });
  }

  it("follows 40 dangling links", () => {
    using site = new Site();
    for (const [path, to] of Object.entries(manyLinks(39))) symlinkSync(to, site.at(path));
    expect(site.open({ path: manyPath(39), ...DIRECTORY }).errno).to.equal(undefined);
  });

  it("refuses the links of /proc that are none", () => {
    using proc = openFile(kernel, "/proc", OPEN.O_PATH);
    const outcome = runProgram(kernel, openTarget({ path: "/self/root", root: "proc" }), { descriptors: { proc } });
    expect(errnoSymbol(failureOf(outcome)?.errno ?? 0)).to.equal("ELOOP");
  });

  it("gives an O_PATH descriptor that closes on exec", () => {
    using site = new Site();
    using root = openFile(kernel, site.root, OPEN.O_PATH);
    const steps: readonly Step[] = [
      openInRoot({ path: "/", into: "target" }, PURPOSE),
      { call: "fcntl", args: [register("target"), 1], into: "cloexec", purpose: PURPOSE },
      { call: "fcntl", args: [register("target"), 3], into: "flags", purpose: PURPOSE },
      ...tell("cloexec"),
      ...tell("flags"),
      DONE,
    ];
    const [cloexec = 0, flags = 0] = valuesOf(runProgram(kernel, steps, { descriptors: { root } }));
    expect(cloexec).to.equal(1);
    expect(flags & OPEN.O_PATH).to.equal(OPEN.O_PATH);
  });

  it("makes entries with the mode asked for, and those on the way with 0755", () => {
    using site = new Site();
    using root = openFile(kernel, site.root, OPEN.O_PATH);
    const steps: readonly Step[] = [
      { call: "umask", args: [0], purpose: PURPOSE },
      openInRoot({ path: "/a/b", into: "x", make: "directory", mode: 0o700 }, PURPOSE),
      openInRoot({ path: "/c/d", into: "x", make: "file", mode: 0o640 }, PURPOSE),
      openInRoot({ path: "/e", into: "x", make: "file" }, PURPOSE),
      DONE,
    ];
    expect(runProgram(kernel, steps, { descriptors: { root } }).status.code).to.equal(0);
    const modes = ["a", "a/b", "c", "c/d", "e"].map((path) => (statSync(site.at(path)).mode & 0o7777).toString(8));
    expect(modes).to.deep.equal(["755", "700", "755", "640", "644"]);
  });

  it("leaves no descriptor open, whatever it makes and follows", () => {
    using site = new Site();
    symlinkSync("a/b", site.at("link"));
    using root = openFile(kernel, site.root, OPEN.O_PATH);
    const lowest: Step = { call: "fcntl", args: [register("root"), 0, 0], into: "lowest", purpose: PURPOSE };
    const steps: readonly Step[] = [
      lowest,
      ...tell("lowest"),
      { call: "close", args: [register("lowest")], purpose: PURPOSE },
      openInRoot({ path: "/link/c/d", into: "target", make: "directory" }, PURPOSE),
      { call: "close", args: [register("target")], purpose: PURPOSE },
      { ...openInRoot({ path: "/link/c/d/none", into: "target" }, PURPOSE), tolerated: ["ENOENT"] },
      {
        ...openInRoot({ path: `/link/${"x".repeat(300)}`, into: "target", make: "file" }, PURPOSE),
        tolerated: ["ENAMETOOLONG"],
      },
      lowest,
      ...tell("lowest"),
      DONE,
    ];
    const [before, after] = valuesOf(runProgram(kernel, steps, { descriptors: { root } }));
    expect(after).to.equal(before);
  });
});

describe("executor: openInRoot, like another descriptor", () => {
  function openLike(site: Site, like: string, path: string) {
    using root = openFile(kernel, site.root, OPEN.O_PATH);
    using other = openFile(kernel, like, OPEN.O_PATH);
    const steps = openTarget({ path, make: { like: "other" } });
    const failure = failureOf(runProgram(kernel, steps, { descriptors: { root, other } }));
    return { errno: failure === undefined ? undefined : errnoSymbol(failure.errno), list: site.list() };
  }
  const LIST = ["outside/", "root/"];

  for (const [name, like, made] of [
    ["a directory", "/proc", "root/new/"],
    ["a file", "/proc/self/status", "root/new"],
    ["a device", "/dev/null", "root/new"],
  ] as const) {
    it(`makes what is missing, like ${name}`, () => {
      using site = new Site();
      expect(openLike(site, like, "/new")).to.deep.equal({ errno: undefined, list: [...LIST, made].sort() });
    });
  }

  it("takes what is there when it is alike", () => {
    using site = new Site();
    mkdirSync(site.at("directory"));
    writeFileSync(site.at("file"), "");
    expect(openLike(site, "/proc", "/directory").errno).to.equal(undefined);
    expect(openLike(site, "/dev/null", "/file").errno).to.equal(undefined);
  });

  it("refuses what is there when it is the other", () => {
    using site = new Site();
    mkdirSync(site.at("directory"));
    writeFileSync(site.at("file"), "");
    expect(openLike(site, "/proc", "/file").errno).to.equal("ENOTDIR");
    expect(openLike(site, "/dev/null", "/directory").errno).to.equal("ENOTDIR");
  });
});
