import { OPEN } from "../linux/constants/files.ts";
import { OwnedFd } from "../linux/fd.ts";
import { findText, openFile, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupPlaces } from "./runtime.ts";

/** Watches a container for processes that the kernel kills for want of memory. */
export interface OomWatch {
  /** Looks now, and tells what was not told yet. Returns whether there was something. */
  check(): boolean;
  close(): void;
}

/**
 * cgroups(7): v1 has an event of its own, v2 a file that changes. Both only say that it is time to look at the counter.
 * Where the container has no such counter there is nothing to watch.
 */
export function watchOom(kernel: Kernel, { mode, directories }: CgroupPlaces, onOom: () => void): OomWatch | undefined {
  const directory = directories.get("memory");
  if (directory === undefined) return undefined;
  const file = `${directory}/${mode === "v2" ? "memory.events" : "memory.oom_control"}`;
  const count = () => readCount(kernel, file);
  let told = count();
  const check = (): boolean => {
    const now = count();
    const isNew = now > told;
    if (isNew) onOom();
    told = Math.max(now, told);
    return isNew;
  };
  const news = mode === "v2" ? watchFile(kernel, file) : registerEvent(kernel, directory, file);
  if (news === undefined) return { check, close: () => undefined };
  const reader = Bun.file(news.number).stream().getReader();
  let isClosed = false;
  const follow = async (): Promise<void> => {
    while (!isClosed && !(await reader.read()).done) await lookAgain(() => isClosed || check());
  };
  // The end of the watch is its closing, whatever the reader says of it.
  follow().catch(() => undefined);
  return {
    check,
    close: () => {
      if (isClosed) return;
      isClosed = true;
      reader.cancel().catch(() => undefined);
      news.close();
    },
  };
}

/** v1 tells of an event when memory has run out, and counts the kill that comes of it later. */
const LOOK_AGAIN_MS = [0, 5, 20, 100, 500, 1_000] as const;

async function lookAgain(isDone: () => boolean): Promise<void> {
  for (const pauseMs of LOOK_AGAIN_MS) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (isDone()) return;
  }
}

const GONE = ["ENOENT", "ENODEV", "EOPNOTSUPP"] as const;

function readCount(kernel: Kernel, file: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(findText(kernel, file, ...GONE) ?? "")?.[1] ?? 0);
}

const IN_MODIFY = 2;
const FLAGS = OPEN.O_CLOEXEC + OPEN.O_NONBLOCK;

/** inotify(7): the kernel says when the counters of memory.events change. */
function watchFile(kernel: Kernel, file: string): OwnedFd | undefined {
  const fd = kernel.call("inotify_init1", FLAGS);
  if (fd < 0) return undefined;
  using watch = new OwnedFd(kernel, fd);
  return kernel.call("inotify_add_watch", fd, file, IN_MODIFY) < 0 ? undefined : watch.move();
}

/** kernel.org, cgroup-v1, memory § 9: an eventfd registered in cgroup.event_control. */
function registerEvent(kernel: Kernel, directory: string, file: string): OwnedFd | undefined {
  const fd = kernel.call("eventfd2", 0, FLAGS);
  if (fd < 0) return undefined;
  using event = new OwnedFd(kernel, fd);
  try {
    using control = openFile(kernel, file, OPEN.O_RDONLY);
    writeText(kernel, `${directory}/cgroup.event_control`, `${event.number} ${control.number}`);
    return event.move();
  } catch {
    // The counter is still looked at when the container ends.
    return undefined;
  }
}
