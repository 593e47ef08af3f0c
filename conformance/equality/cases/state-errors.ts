import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import { run as runProgram } from "../../harness/process.ts";
import { isAlive } from "../../harness/workspace.ts";
import { recordFailure } from "../failure.ts";
import type { EqualityCase } from "../flow.ts";
import type { Session } from "../session.ts";

/** How far a container has come when the failing command is given. */
type Stage = "nothing" | "created" | "running" | "stopped";

/** Brings the container to a stage. Returns its pid, 0 if there is none. */
async function bringTo(session: Session, stage: Stage): Promise<number> {
  session.config.process.args = ["/bin/sh", "-c", stage === "created" || stage === "running" ? "sleep 1000" : "true"];
  session.writeBundle();
  if (stage === "nothing") return 0;
  const pidFile = join(session.scratch, "pid");
  session.recordOutcome("create", await session.invoke(["create", "--pid-file", pidFile, session.id]));
  const pid = Number(readFileSync(pidFile, "utf8"));
  if (stage === "created") return pid;
  session.recordOutcome("start", await session.invoke(["start", session.id]));
  if (stage === "stopped") await waitUntil("end of the container", () => !isAlive(pid));
  return pid;
}

interface StatePlan {
  readonly name: string;
  readonly stage: Stage;
  readonly words: (session: Session) => readonly string[];
  readonly mentions?: readonly string[];
}

function stateCase({ name, stage, words, mentions = [] }: StatePlan): EqualityCase {
  return {
    name: `errors/${name}`,
    observe: async (session) => {
      const pid = await bringTo(session, stage);
      await recordFailure(session, "failure", { words: words(session), mentions });
      const state = await session.invoke(["state", session.id]);
      session.record("status after", [/"status": *"(\w+)"/.exec(state.stdout)?.[1] ?? "none"]);
      session.recordOutcome("delete", await session.invoke(["delete", "--force", session.id]));
      await session.recordLeftovers(pid);
    },
  };
}

const NOT_THERE = ["does not exist"];

function unknownId(): readonly EqualityCase[] {
  const commands: readonly (readonly string[])[] = [["state"], ["start"], ["delete"], ["kill"]];
  return commands.map(([command = ""]) =>
    stateCase({
      name: `${command} an unknown id`,
      stage: "nothing",
      words: ({ id }) => [command, id],
      mentions: NOT_THERE,
    }),
  );
}

function wrongState(): readonly EqualityCase[] {
  return [
    stateCase({
      name: "create twice",
      stage: "created",
      words: ({ id }) => ["create", id],
      mentions: ["already exists"],
    }),
    stateCase({
      name: "run over a created one",
      stage: "created",
      words: ({ id }) => ["run", id],
      mentions: ["already exists"],
    }),
    stateCase({
      name: "start twice",
      stage: "running",
      words: ({ id }) => ["start", id],
      mentions: ["already running"],
    }),
    stateCase({
      name: "start a stopped one",
      stage: "stopped",
      words: ({ id }) => ["start", id],
      mentions: ["stopped"],
    }),
    stateCase({
      name: "kill a stopped one",
      stage: "stopped",
      words: ({ id }) => ["kill", id, "TERM"],
      mentions: ["container not running"],
    }),
    stateCase({ name: "kill --all a stopped one", stage: "stopped", words: ({ id }) => ["kill", "--all", id, "KILL"] }),
    stateCase({
      name: "delete a running one",
      stage: "running",
      words: ({ id }) => ["delete", id],
      mentions: ["is not stopped", "running"],
    }),
    stateCase({ name: "delete a created one", stage: "created", words: ({ id }) => ["delete", id] }),
    stateCase({ name: "kill with a bad signal", stage: "running", words: ({ id }) => ["kill", id, "NONSENSE"] }),
    stateCase({ name: "kill with signal 999", stage: "running", words: ({ id }) => ["kill", id, "999"] }),
  ];
}

function wrongWords(): readonly EqualityCase[] {
  const ids = ["", ".", "..", "a/b", "a b", "å", "x".repeat(2000), "-x"];
  return [
    ...ids.map((bad) =>
      stateCase({
        name: `create with the id ${JSON.stringify(bad.slice(0, 20))}`,
        stage: "nothing",
        words: () => ["create", bad],
      }),
    ),
    ...["state", "start", "kill", "delete", "create", "run"].map((command) =>
      stateCase({ name: `${command} without an id`, stage: "nothing", words: () => [command] }),
    ),
    ...["state", "start", "create", "delete"].map((command) =>
      stateCase({
        name: `${command} with too many words`,
        stage: "nothing",
        words: ({ id }) => [command, id, "more", "words"],
      }),
    ),
    stateCase({ name: "unknown option", stage: "nothing", words: ({ id }) => ["create", "--nonsense", id] }),
    stateCase({ name: "unknown list format", stage: "nothing", words: () => ["list", "--format", "nonsense"] }),
    stateCase({
      name: "console socket without a terminal",
      stage: "nothing",
      words: ({ id }) => ["create", "--console-socket", "/not/there", id],
    }),
    stateCase({
      name: "preserve-fds of closed descriptors",
      stage: "nothing",
      words: ({ id }) => ["run", "--preserve-fds", "3", id],
    }),
    stateCase({
      name: "pid file in a missing folder",
      stage: "nothing",
      words: ({ id }) => ["create", "--pid-file", "/not/there/pid", id],
    }),
  ];
}

/** go-runc takes the last line of the log whose level is "error" for the message. */
function logCase(format: "json" | "text"): EqualityCase {
  return {
    name: `errors/log file in ${format}`,
    observe: async (session) => {
      session.writeBundle();
      const log = join(session.scratch, "log");
      const command = session.command(["kill", session.id], ["--log", log, "--log-format", format]);
      const outcome = await runProgram(command, { scratch: session.scratch, cwd: session.bundle });
      session.recordOutcome("kill", outcome);
      const last = readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "";
      session.record("log", [
        `level ${/"?level"?[:=]"?error/.test(last) ? "error" : "another"}`,
        `message ${/"?msg"?[:=]"[^"]*does not exist/.test(last) ? "says it does not exist" : last}`,
        `time ${/"?time"?[:=]"\d{4}-\d\d-\d\dT/.test(last) ? "RFC 3339" : "another"}`,
      ]);
    },
  };
}

/** `list` where there is nothing to list. */
function emptyList(): EqualityCase {
  return {
    name: "errors/list of nothing",
    observe: async (session) => {
      for (const words of [["list"], ["list", "--format", "json"], ["list", "-q"]]) {
        const outcome = await session.invoke(words);
        session.recordOutcome(words.join(" "), outcome);
        session.record(words.join(" "), outcome.stdout.trim().split(/ {2,}|\n/));
      }
    },
  };
}

/** Errors that come from the state of the container or from the words of the command. */
export function moreErrorCases(): readonly EqualityCase[] {
  return [...unknownId(), ...wrongState(), ...wrongWords(), logCase("json"), logCase("text"), emptyList()];
}
