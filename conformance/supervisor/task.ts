import { waitUntil } from "../harness/poll.ts";

/** Pid and status of a task in what `list` gives, as `ctr tasks ls` prints it; nothing when there is none. */
export async function findTask(list: () => Promise<string>, id: string): Promise<readonly string[]> {
  let words: readonly string[] = [];
  // One that is being taken over is UNKNOWN for a moment.
  await waitUntil("status of a task", async () => {
    const line = (await list()).split("\n").find((each) => each.split(/\s+/)[0] === id);
    words = (line ?? "").trim().split(/\s+/).slice(1);
    return words[1] !== "UNKNOWN";
  });
  return words;
}
