import { ContainerError } from "../../errors.ts";
import { type Family, renderFamilies, TEXT_TYPE } from "./text-format.ts";

export interface MetricsSettings {
  readonly hostname: string;
  readonly port: number;
  /** Whether how long calls take is told, too. */
  readonly histogram: boolean;
}

interface ServerParts {
  readonly settings: MetricsSettings;
  readonly collect: () => Promise<readonly Family[]>;
  readonly warn: (error: unknown) => void;
}

/** containerd's path for them. */
const PATH = "/v1/metrics";
const IDLE_S = 10;
/** Nobody has anything to send. */
const MAX_BODY_BYTES = 1024;

/** Serves metrics by HTTP. Gives what ends it. @throws {ContainerError} when the address cannot be had */
export function serveMetrics({ settings, collect, warn }: ServerParts): { stop(): Promise<void> } {
  const { hostname, port } = settings;
  let collecting: Promise<string> | undefined;
  /** Who asks while somebody else is waiting gets the same: many who ask cost no more than one. */
  const render = () => {
    collecting ??= collect()
      .then(renderFamilies)
      .finally(() => {
        collecting = undefined;
      });
    return collecting;
  };
  const answer = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== PATH) return new Response("not found\n", { status: 404 });
    if (!["GET", "HEAD"].includes(request.method)) {
      return new Response("method not allowed\n", { status: 405, headers: { Allow: "GET, HEAD" } });
    }
    try {
      return new Response(await render(), { headers: { "Content-Type": TEXT_TYPE } });
    } catch (error) {
      warn(error);
      return new Response("cannot collect metrics\n", { status: 500 });
    }
  };
  try {
    const server = Bun.serve({
      ...{ hostname, port, fetch: answer, idleTimeout: IDLE_S, maxRequestBodySize: MAX_BODY_BYTES },
      // Without development Bun lets others have the same port, unless it is told.
      ...{ development: false, reusePort: false },
    });
    return { stop: () => server.stop(true) };
  } catch (error) {
    throw cannotServe(settings, error);
  }
}

function cannotServe({ hostname, port }: MetricsSettings, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot serve metrics on ${hostname} port ${port}`, { cause });
}
