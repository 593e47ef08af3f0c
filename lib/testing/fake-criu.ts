/**
 * Stands for criu in tests, on kernels that criu cannot read: answers the requests that come on its socket as criu does,
 * and writes them down. `makeFakeCriu()` puts it into a folder as `criu`; what it does is told by its environment.
 */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { OwnedFd } from "../linux/fd.ts";
import { openKernel } from "../linux/kernel.ts";
import { receive } from "../linux/socket.ts";
import {
  type CriuOptions,
  type CriuRequest,
  type CriuResponse,
  REQUEST,
  REQUEST_SCHEMA,
  RESPONSE_SCHEMA,
} from "../runtime/criu/messages.ts";
import { decodeMessage, encodeMessage } from "../runtime/criu/protobuf.ts";

/** What a fake criu is to do; everything else succeeds. */
export interface FakeBehaviour {
  /** 3.17.1 when not given. */
  readonly version?: readonly [major: number, minor: number];
  /** Refuses to dump or restore, after writing this into its log. */
  readonly log?: string;
  readonly hasFeatures?: boolean;
}

/** One request as it came, with what stood where its descriptors led. */
export interface FakeRequest {
  readonly type: number;
  readonly opts?: CriuOptions;
  /** What standard input was. */
  readonly stdin: string;
  /** /proc/self/cgroup */
  readonly cgroup: string;
}

export interface FakeCriu {
  /** The folder that has it. */
  readonly folder: string;
  /** What it does when no environment says so. */
  readonly behave: (behaviour: FakeBehaviour) => void;
  /** For a program that is to find it. */
  readonly env: (behaviour?: FakeBehaviour) => Record<string, string>;
  /** The requests since the last call. */
  readonly takeRequests: () => readonly FakeRequest[];
}

/** Puts a fake criu into a new folder. */
export function makeFakeCriu(folder: string): FakeCriu {
  mkdirSync(folder, { recursive: true });
  const requests = `${folder}/requests`;
  writeFileSync(requests, "");
  const told = `${folder}/behaviour.json`;
  const behave = (behaviour: FakeBehaviour) => writeFileSync(told, JSON.stringify({ ...behaviour, requests }));
  behave({});
  const variable = `FAKE_CRIU=\${FAKE_CRIU:-$(cat ${told})}\nexport FAKE_CRIU`;
  writeFileSync(`${folder}/criu`, `#!/bin/sh\n${variable}\nexec ${process.execPath} ${import.meta.path} "$@"\n`);
  chmodSync(`${folder}/criu`, 0o755);
  return {
    folder,
    behave,
    env: (behaviour = {}) => ({
      PATH: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`,
      FAKE_CRIU: JSON.stringify({ ...behaviour, requests }),
    }),
    takeRequests: () => {
      const lines = readFileSync(requests, "utf8").split("\n");
      writeFileSync(requests, "");
      return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as FakeRequest);
    },
  };
}

const SOCKET = 3;
const LOG_MODE = 0o600;
const SIGKILL = 9;

function serve(behaviour: FakeBehaviour & { readonly requests: string }): void {
  const kernel = openKernel();
  using socket = new OwnedFd(kernel, SOCKET);
  const read = (): CriuRequest | undefined => {
    const bytes = receive(kernel, socket, new Uint8Array(65_536));
    return bytes.length === 0 ? undefined : decodeMessage(REQUEST_SCHEMA, bytes);
  };
  const answer = (response: CriuResponse): void => {
    const bytes = encodeMessage(RESPONSE_SCHEMA, { success: true, ...response });
    kernel.call("sendto", SOCKET, bytes, bytes.length, 0, 0, 0);
  };
  const notify = (script: string, pid: number): void => {
    answer({ type: REQUEST.NOTIFY, notify: { script, pid } });
    if (read()?.notifySuccess !== true) process.exit(1);
  };
  const request = read();
  if (request === undefined) return;
  const { type = 0, opts = {} } = request;
  writeDown(behaviour.requests, type, opts);
  if (behaviour.log !== undefined && opts.logFile !== undefined) {
    writeFileSync(`/proc/${process.ppid}/fd/${opts.workDirFd ?? opts.imagesDirFd}/${opts.logFile}`, behaviour.log, {
      mode: LOG_MODE,
    });
    answer({ type, success: false, errno: 3 });
    return;
  }
  const { version: [major, minor] = [3, 17], hasFeatures = true } = behaviour;
  if (type === REQUEST.VERSION) answer({ type, version: { major, minor, sublevel: 1 } });
  else if (type === REQUEST.FEATURE_CHECK)
    answer({ type, features: { memTrack: hasFeatures, lazyPages: hasFeatures } });
  else if (type === REQUEST.RESTORE) {
    const child = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
    child.unref();
    notify("setup-namespaces", child.pid);
    notify("post-restore", child.pid);
    answer({ type, restore: { pid: child.pid } });
  } else {
    notify("post-dump", opts.pid ?? 0);
    if (type === REQUEST.DUMP && opts.leaveRunning !== true) kernel.call("kill", opts.pid ?? 0, SIGKILL);
    answer({ type });
  }
}

function writeDown(file: string, type: number, opts: CriuOptions): void {
  const stdin = Bun.spawnSync(["readlink", `/proc/${process.pid}/fd/0`])
    .stdout.toString()
    .trim();
  const cgroup = readFileSync("/proc/self/cgroup", "utf8");
  const request: FakeRequest = { type, opts, stdin, cgroup };
  appendFileSync(file, `${JSON.stringify(request)}\n`);
}

if (import.meta.main) {
  serve(JSON.parse(process.env["FAKE_CRIU"] ?? "{}"));
  process.exit(0);
}
