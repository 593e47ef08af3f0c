import { grpc } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { type GrpcService, serverStream, unary } from "./method.ts";

const { HealthCheckRequest, HealthCheckResponse, ServingStatus } = grpc.health.v1;

/** health.proto: the server as a whole, "", and each of its services serve from when they can be asked on. */
export function healthService(services: readonly GrpcService[]): GrpcService {
  const known = new Set(["", ...services.map(({ name }) => name)]);
  return {
    name: "grpc.health.v1.Health",
    methods: [
      unary("Check", [HealthCheckRequest, HealthCheckResponse], ({ service }) => {
        if (!known.has(service)) throw new ContainerError("not_found", `unknown service ${service}`);
        return { status: ServingStatus.SERVING };
      }),
      serverStream("Watch", [HealthCheckRequest, HealthCheckResponse], async function* ({ service }, { signal }) {
        yield { status: known.has(service) ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN };
        // It changes only with the end of the connection.
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      }),
    ],
  };
}
