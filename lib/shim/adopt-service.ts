import { tsrun } from "../../proto/gen/shim.js";
import type { Services } from "../rpc/ttrpc/server.ts";
import type { Tasks } from "./tasks.ts";
import { fromTimestamp } from "./timestamp.ts";

const messages = tsrun.shim.v1;

/** adopt.proto */
export function adoptionServices(tasks: Tasks): Services {
  const adopt = async (payload: Uint8Array): Promise<Uint8Array> => {
    const { id, bundle, exit, exitTold, startTold } = messages.AdoptRequest.decode(payload);
    const known = exit === null ? undefined : { status: exit.status, atMs: fromTimestamp(exit.at) };
    const { init } = await tasks.adopt({ id, bundle, exit: known, isExitTold: exitTold, isStartTold: startTold });
    return messages.AdoptResponse.encode({ pid: init.pid, stopped: init.exit !== undefined }).finish();
  };
  return new Map([["tsrun.shim.v1.Adoption", new Map([["Adopt", adopt]])]]);
}
