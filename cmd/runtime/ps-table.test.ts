import { expect } from "chai";
import type { ProcessInfo } from "../../lib/linux/process-info.ts";
import type { ProcessSnapshot } from "../../lib/runtime/processes.ts";
import { parsePsOptions, renderPsTable } from "./ps-table.ts";

/** In the time zone of whoever runs the test. */
const NOW = new Date(2026, 10, 21, 12, 30, 0);

const SLEEP: ProcessInfo = {
  pid: 4711,
  parent: 1,
  group: 4711,
  session: 4711,
  terminal: 0,
  foreground: -1,
  state: "S",
  cpuTicks: 6_100,
  nice: 0,
  threads: 1,
  startTicks: 100_000,
  uid: 0,
  gid: 0,
  virtualKb: 2268,
  residentKb: 1384,
  lockedKb: 0,
  comm: "sleep",
  args: ["sleep", "1000"],
};

/** The machine has been up for 4600 s, the process for 3600 s. */
function snapshot(...processes: readonly Partial<ProcessInfo>[]): ProcessSnapshot {
  return {
    processes: processes.map((process) => ({ ...SLEEP, ...process })),
    machine: { nowMs: NOW.getTime(), uptimeSeconds: 4600, memoryKb: 1_000_000, pidDigits: 5 },
    users: new Map([
      [0, "root"],
      [7, "a-long-user-name"],
    ]),
    groups: new Map([[0, "root"]]),
  };
}

function table(options: readonly string[], ...processes: readonly Partial<ProcessInfo>[]): readonly string[] {
  return renderPsTable(parsePsOptions(options), snapshot(...processes)).split("\n");
}

describe("renderPsTable()", () => {
  it("prints what ps -ef prints, by default", () => {
    expect(table([], {}, { pid: 31_000, uid: 7, parent: 4711, terminal: 0x8803 })).to.deep.equal([
      "UID        PID  PPID  C STIME TTY          TIME CMD",
      "root      4711     1  1 11:30 ?        00:01:01 sleep 1000",
      "a-long-+ 31000  4711  1 11:30 pts/3    00:01:01 sleep 1000",
      "",
    ]);
  });

  for (const words of [["-e", "-x"], ["-ax"], ["ax"], ["axf"], ["x", "-e"]]) {
    it(`prints what ps ${words.join(" ")} prints`, () => {
      expect(table(words, {})).to.deep.equal([
        "  PID TTY      STAT   TIME COMMAND",
        " 4711 ?        Ss     1:01 sleep 1000",
        "",
      ]);
    });
  }

  it("takes the columns of -o with a dash too many", () => {
    expect(table(["-x", "-o", "pid"], {})).to.deep.equal(["  PID", " 4711", ""]);
  });

  it("prints what ps aux prints", () => {
    expect(table(["aux"], {})).to.deep.equal([
      "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND",
      "root      4711  1.6  0.1   2268  1384 ?        Ss   11:30   1:01 sleep 1000",
      "",
    ]);
  });

  it("prints the columns of -o, with procps' widths", () => {
    expect(table(["-o", "pid,comm,args", "-o", "nlwp,etime"], { threads: 3 })).to.deep.equal([
      "  PID COMMAND         COMMAND                     NLWP     ELAPSED",
      " 4711 sleep           sleep 1000                     3    01:00:00",
      "",
    ]);
  });

  it("prints no header when every one was left away", () => {
    expect(table(["-o", "pid=,uid="], {})).to.deep.equal([" 4711     0", ""]);
  });

  it("pushes later cells only as far as a wide one reaches", () => {
    expect(table(["-opid,rss,vsz,stat"], { residentKb: 12_345_678, virtualKb: 1 })[1]).to.equal(
      " 4711 12345678   1 Ss",
    );
  });

  it("widens pids where the kernel gives out longer ones", () => {
    const { machine, ...rest } = snapshot({});
    const text = renderPsTable(parsePsOptions(["-o", "pid,ppid"]), { ...rest, machine: { ...machine, pidDigits: 7 } });
    expect(text).to.equal("    PID    PPID\n   4711       1\n");
  });

  it("shows a process without a command line by its name, and a zombie as defunct", () => {
    expect(table(["-o", "cmd"], { args: [] }, { args: [], state: "Z" }).slice(1)).to.deep.equal([
      "[sleep]",
      "[sleep] <defunct>",
      "",
    ]);
  });

  it("lets no control character of a command line through", () => {
    expect(table(["-o", "args="], { args: ["a\u001b[2J", "b\nc"] })).to.deep.equal(["a?[2J b?c", ""]);
  });

  it("gives a date to what started on another day, a year in another year", () => {
    const day = 86_400;
    const at = (days: number) => ({
      ...snapshot({ startTicks: 0 }),
      machine: { nowMs: NOW.getTime(), uptimeSeconds: days * day, memoryKb: 1, pidDigits: 5 },
    });
    const starts = parsePsOptions(["-o", "stime=,bsdstart="]);
    expect(renderPsTable(starts, at(2))).to.equal("Nov19 Nov19\n");
    expect(renderPsTable(starts, at(400))).to.equal(" 2025 Oct17\n");
  });

  it("marks the states of a process as ps(1) does", () => {
    const process = { nice: 5, lockedKb: 4, threads: 2, foreground: 4711 };
    expect(table(["-o", "stat="], process, { nice: -1, session: 1 })).to.deep.equal(["SNLsl+", "S<", ""]);
  });
});

describe("parsePsOptions()", () => {
  const names = (...words: readonly string[]) => parsePsOptions(words).map(({ name }) => name);

  it("takes a list in the word of its option or in the next", () => {
    for (const words of [
      ["-o", "pid,uid"],
      ["-opid,uid"],
      ["-eo", "pid,uid"],
      ["o", "pid,uid"],
      ["--format=pid uid"],
    ]) {
      expect(names(...words)).to.deep.equal(["pid", "uid"]);
    }
  });

  it("passes over what says which processes and how wide", () => {
    expect(names("-e", "-ww")).to.deep.equal(names("-A"));
    expect(names("-e", "-f")).to.deep.equal(names("-ef")).and.to.deep.equal(names());
    expect(names("axu")).to.deep.equal(names("auxww"));
  });

  for (const words of [
    ["-zzz"],
    ["-p", "1"],
    ["--forest"],
    ["-o"],
    [""],
    ["-"],
    ["-o", "pid,foo"],
    ["-o", "constructor"],
  ]) {
    it(`refuses ${JSON.stringify(words)}`, () => {
      expect(() => parsePsOptions(words)).to.throw(/^cannot (use the ps option|print the ps column) "/);
    });
  }
});
