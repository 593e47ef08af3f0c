import { ContainerError } from "../errors.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import type { ProcessName } from "./session.ts";

/** How long a daemon may be away: containers live on without it, and the next one finds them. */
const AWAY_MS = 30_000;

/** Waits for the end of a process, whichever daemon tells it. @throws {ContainerError} */
export async function waitForExit(client: Client, process: ProcessName): Promise<{ readonly exitStatus: number }> {
  for (;;) {
    try {
      return await client.call(api.tasks.wait, process, {});
    } catch (error) {
      if (!(error instanceof ContainerError) || error.code !== "unavailable") throw error;
      await client.reconnect(AWAY_MS);
    }
  }
}
