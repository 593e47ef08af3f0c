/**
 * Children that Bun.spawn() has started and whose status Bun does not have yet. A process that reaps whatever ends, as a
 * shim does, takes the status away from Bun otherwise, whose promise then fails with ECHILD.
 */
const pids = new Set<number>();

/** Notes a child of Bun.spawn(), and gives it back: to be called in one go with that. */
export function spawned<C extends Pick<Bun.Subprocess, "pid" | "exited">>(child: C): C {
  const forget = () => pids.delete(child.pid);
  pids.add(child.pid);
  child.exited.then(forget, forget);
  return child;
}

/** Whether Bun is about to wait for it. */
export function isSpawned(pid: number): boolean {
  return pids.has(pid);
}
