import { api } from "../../../lib/client/api.ts";
import { changeStatus } from "../change-status.ts";

export const pauseCommand = changeStatus({
  name: "pause",
  summary: "let the processes of containers stand still",
  from: "running",
  method: api.tasks.pause,
});
