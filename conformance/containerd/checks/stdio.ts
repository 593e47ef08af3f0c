import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { waitUntil } from "../../harness/poll.ts";
import type { Check, Site } from "../site.ts";

const SHELL = ["/bin/sh", "-c"];

/** Runs ctr with a terminal, which script(1) gives it; what is typed is the output of `keys`. */
async function withTerminal(site: Site, words: readonly string[], keys: string, before = ""): Promise<string> {
  const script = join(site.folder, "terminal.sh");
  const quoted = ["ctr", "--address", site.daemon.address, ...words].map((word) => `'${word}'`).join(" ");
  writeFileSync(script, `${before}\n${quoted}\n`);
  const { stdout } = await site.daemon.shell(`${keys} | script -qec "sh ${script}" /dev/null`);
  return stdout.replaceAll("\r", "");
}

/** A logger that writes down all it is given. */
function makeLogger(site: Site, ready: string): { readonly program: string; readonly log: string } {
  const program = join(site.folder, "logger");
  const log = join(site.folder, "logged");
  const body = [
    "#!/bin/bash",
    `exec >${log}.tmp 2>&1`,
    'echo "args $*"',
    'echo "env $CONTAINER_ID $CONTAINER_NAMESPACE $(env | grep -c BUN)"',
    ready,
    "exec 5>&-",
    'sed "s/^/out /" <&3 & sed "s/^/err /" <&4; wait',
    `mv ${log}.tmp ${log}`,
  ];
  writeFileSync(program, `${body.join("\n")}\n`, { mode: 0o755 });
  return { program, log };
}

/** Where output goes besides pipes of the client. */
export const stdioChecks: readonly Check[] = [
  {
    name: "-t: the program has a terminal",
    run: async (site) => {
      const words = [...site.runWords(site.id(), ["--rm", "--tty"]), ...SHELL, "test -t 0 && test -t 1 && echo yes"];
      expect(await withTerminal(site, words, "sleep 2")).to.contain("yes\n");
    },
  },
  {
    name: "-t: what is typed reaches the program",
    run: async (site) => {
      const words = [...site.runWords(site.id(), ["--rm", "--tty"]), ...SHELL, "read a; echo got $a"];
      expect(await withTerminal(site, words, "(sleep 2; echo typed; sleep 1)")).to.contain("got typed\n");
    },
  },
  {
    name: "-t: the terminal has the client's size",
    run: async (site) => {
      const words = [...site.runWords(site.id(), ["--rm", "--tty"]), ...SHELL, "sleep 1; stty size"];
      expect(await withTerminal(site, words, "sleep 4", "stty rows 33 cols 77")).to.contain("33 77");
    },
  },
  {
    name: "-t: 1 MB of output arrives whole",
    ownOnly: "its shim may lose the end of what a terminal shows",
    run: async (site) => {
      const program = [...SHELL, "dd if=/dev/zero bs=1024 count=1024 2>/dev/null | tr \\\\0 x"];
      const words = [...site.runWords(site.id(), ["--rm", "--tty"]), ...program];
      const text = await withTerminal(site, words, "sleep 3");
      expect(text.replaceAll(/[^x]/g, "").length).to.be.at.least(2 ** 20);
    },
  },
  {
    name: "--null-io: output goes nowhere, and the program does not mind",
    run: async (site) => {
      const { status, stdout } = await site.run(["--null-io"], ...SHELL, "echo lost && exit 5");
      expect({ status, stdout }).to.deep.equal({ status: 5, stdout: "" });
    },
  },
  {
    name: "file://: both outputs are appended to one file",
    ownOnly: "its shim may lose what a program writes last",
    run: async (site) => {
      const log = join(site.folder, "deep/er/log");
      const uri = ["--log-uri", `file://${log}`];
      for (const word of ["one", "two"]) await site.run(uri, ...SHELL, `echo ${word}; echo ${word} >&2`);
      expect(readFileSync(log, "utf8")).to.equal("one\none\ntwo\ntwo\n");
    },
  },
  {
    name: "binary://: a logger gets the outputs, its arguments and who it is for",
    ownOnly: "its shim may end the logger before it has read everything",
    run: async (site) => {
      const { program, log } = makeLogger(site, ":");
      const id = site.id();
      const { status } = await site.daemon.ctr(
        ...site.runWords(id, ["--log-uri", `binary://${program}?key=value&flag=`, "--detach"]),
        ...SHELL,
        "echo hello; echo oops >&2",
      );
      expect(status).to.equal(0);
      await site.events.waitFor(id, "/tasks/exit");
      await site.ok("task", "rm", id);
      await waitUntil("end of the logger", () => existsSync(log));
      const lines = readFileSync(log, "utf8").trim().split("\n").sort();
      expect(lines).to.deep.equal([`args key value flag`, `env ${id} default 0`, "err oops", "out hello"]);
    },
  },
  {
    name: "binary://: a logger that cannot be started is told",
    run: async (site) => {
      const { status, stderr } = await site.run(["--log-uri", "binary:///missing/logger"], "/bin/true");
      expect(status).to.not.equal(0);
      expect(stderr).to.contain("/missing/logger");
    },
  },
  {
    name: "a log that cannot be written is told",
    run: async (site) => {
      mkdirSync(join(site.folder, "directory"));
      const uri = `file://${join(site.folder, "directory")}`;
      const { status, stderr } = await site.run(["--log-uri", uri], "/bin/true");
      expect(status).to.not.equal(0);
      expect(stderr).to.contain("is a directory");
    },
  },
  {
    name: "a container that nobody reads can be killed and removed",
    run: async (site) => {
      const id = site.id();
      const fifos = site.runWords(id, ["--detach"]);
      await site.ok(...fifos, "/bin/sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
      await site.ok("task", "kill", "--signal", "KILL", id);
      await site.events.waitFor(id, "/tasks/exit");
      await site.ok("task", "rm", id);
    },
  },
  {
    name: "a client that goes away does not end the program",
    run: async (site) => {
      const id = site.id();
      const file = join(site.folder, "alive");
      mkdirSync(file);
      const client = site.attached(
        id,
        ["--mount", `type=bind,src=${file},dst=/mnt,options=rbind:rw`],
        ...SHELL,
        "while :; do echo tick; sleep 0.1; test -e /mnt/go && touch /mnt/went && sleep 1000; done",
      );
      await waitUntil("first output", () => client.output().includes("tick"));
      client.signal("SIGKILL");
      await client.outcome;
      writeFileSync(join(file, "go"), "");
      await waitUntil("sign of life", () => existsSync(join(file, "went")));
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
];
