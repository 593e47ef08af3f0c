/**
 * A program for tests: an operation on a container, which is disturbed at a chosen moment.
 *
 *   bun runtime-kill-driver.ts '{"operation": "create", "root": …, "id": …, "bundle": …, "at": {"call": N}}'
 *
 * `{"call": N}` dies by SIGKILL in place of its N-th call to the kernel; `{"step": N}` when the N-th step of the program
 * would run, which then runs on as an orphan. `{"pause": N}` slows the program down before its N-th step. `"never"` goes
 * undisturbed. An operation that ends says how many calls and steps there were.
 */
import { explain } from "../errors.ts";
import { openKernel } from "../linux/kernel.ts";
import { create } from "../runtime/create.ts";
import { deleteContainer } from "../runtime/delete.ts";
import type { RuntimeOptions } from "../runtime/options.ts";
import { start } from "../runtime/start.ts";
import { CountingKernel, type Moment, StepKernel } from "./runtime-kill-kernel.ts";

export interface Order {
  readonly operation: "create" | "start" | "delete";
  readonly root: string;
  readonly id: string;
  readonly bundle: string;
  readonly at: Moment;
}

async function operate(options: RuntimeOptions, { operation, id, bundle }: Order): Promise<void> {
  switch (operation) {
    case "create":
      return await create(options, { id, bundle, noPivot: false, noNewKeyring: false, preserveFds: 0 });
    case "start":
      return await start(options, id);
    case "delete":
      return await deleteContainer(options, id, { force: true });
  }
}

async function main(text: string): Promise<void> {
  // Written by the test that starts this program.
  const order = JSON.parse(text) as Order;
  const real = openKernel();
  // Whom this session leaves behind can be told from others.
  real.call("setsid");
  const inner = order.operation === "create" ? new StepKernel(real, order) : real;
  const kernel = new CountingKernel(inner, order.at);
  const silent = { debug: () => undefined, warn: () => undefined };
  await operate({ kernel, root: order.root, systemdCgroup: false, rootless: "auto", ...silent }, order);
  const steps = inner instanceof StepKernel ? inner.steps : { setup: 0, all: 0 };
  await Bun.write(Bun.stdout, JSON.stringify({ calls: kernel.calls, steps }));
}

main(process.argv[2] ?? "").catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
