import { ContainerError } from "../../lib/errors.ts";
import { normalizeDockerName } from "../../lib/image/references.ts";

/** What somebody may mean by the name of an image: the name as it is, or what docker makes of it. */
export function namesOf(given: string): readonly string[] {
  try {
    const whole = normalizeDockerName(given);
    return whole === given ? [given] : [given, whole];
  } catch (error) {
    if (error instanceof ContainerError) return [given];
    throw error;
  }
}
