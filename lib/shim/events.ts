import { containerd } from "../../proto/gen/shim.js";
import type { Codec, Input } from "../../proto/gen/types.d.ts";
import type { TaskEvent } from "./publisher.ts";

const events = containerd.events;

/** The message of each topic; the name of the message is the type of the event. */
const TOPICS = {
  TaskCreate: ["/tasks/create", events.TaskCreate],
  TaskStart: ["/tasks/start", events.TaskStart],
  TaskDelete: ["/tasks/delete", events.TaskDelete],
  TaskExit: ["/tasks/exit", events.TaskExit],
  TaskOOM: ["/tasks/oom", events.TaskOOM],
  TaskExecAdded: ["/tasks/exec-added", events.TaskExecAdded],
  TaskExecStarted: ["/tasks/exec-started", events.TaskExecStarted],
  TaskPaused: ["/tasks/paused", events.TaskPaused],
  TaskResumed: ["/tasks/resumed", events.TaskResumed],
  TaskCheckpointed: ["/tasks/checkpointed", events.TaskCheckpointed],
} as const;

type Topics = typeof TOPICS;
type MessageOf<C> = C extends Codec<infer T> ? T : never;

/** events.proto: one event, ready to be published. */
export function taskEvent<K extends keyof Topics>(name: K, message: Input<MessageOf<Topics[K][1]>>): TaskEvent {
  const [topic, codec] = TOPICS[name];
  // The types above tie the message to its codec.
  const value = (codec as Codec<unknown>).encode(message as Input<unknown>).finish();
  return { topic, type: `containerd.events.${name}`, value };
}
