import type { GrpcService } from "../../rpc/grpc/method.ts";
import type { Build } from "../services/version.ts";
import type { Store } from "../store.ts";
import type { TaskManager } from "../tasks/task-manager.ts";
import { CallMetrics } from "./call-metrics.ts";
import { containerFamilies } from "./container-metrics.ts";
import { type MetricsSettings, serveMetrics } from "./metrics-server.ts";
import { processFamilies } from "./process-metrics.ts";

interface MetricsParts {
  readonly settings: MetricsSettings;
  readonly store: Store;
  readonly tasks: TaskManager;
  readonly build: Build;
  readonly warn: (error: unknown) => void;
}

/** Everything the daemon measures, while somebody may ask for it. */
export class Metrics {
  readonly #calls: CallMetrics;
  readonly #server: { stop(): Promise<void> };

  /** @throws {ContainerError} when the address cannot be had */
  constructor({ settings, store, tasks, build, warn }: MetricsParts) {
    const calls = new CallMetrics(settings.histogram);
    this.#calls = calls;
    const collect = async () => [
      ...processFamilies(build),
      ...calls.families(),
      ...(await containerFamilies(
        store.namespaces.list().flatMap(({ name }) => tasks.list(name)),
        store.containers,
      )),
    ];
    this.#server = serveMetrics({ settings, collect, warn });
  }

  /** The same services, counted. */
  meter(services: readonly GrpcService[]): readonly GrpcService[] {
    return this.#calls.meter(services);
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}
