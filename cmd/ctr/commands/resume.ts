import { api } from "../../../lib/client/api.ts";
import { changeStatus } from "../change-status.ts";

export const resumeCommand = changeStatus({
  name: "resume",
  summary: "let the processes of paused containers go on",
  from: "paused",
  method: api.tasks.resume,
});
