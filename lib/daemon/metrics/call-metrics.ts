import type { CallContext, GrpcService, Method } from "../../rpc/grpc/method.ts";
import { CODE, toStatus } from "../../rpc/status.ts";
import type { Family, Sample } from "./text-format.ts";

/** In seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const TYPES = { unary: "unary", serverStream: "server_stream", duplex: "bidi_stream" } as const;
const MS_PER_S = 1000;
const OK = "OK";
const CANCELED = "Canceled";

interface Labels extends Readonly<Record<string, string>> {
  readonly grpc_method: string;
  readonly grpc_service: string;
  readonly grpc_type: string;
}

/** What one method has had to do. */
class Calls {
  readonly labels: Labels;
  readonly handled = new Map<string, number>([[OK, 0]]);
  readonly buckets: number[] = BUCKETS.map(() => 0);
  started = 0;
  received = 0;
  sent = 0;
  seconds = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  /** Notes the beginning of a call. Gives what is to be called at its end. */
  begin(context: CallContext): (error?: unknown) => void {
    const beginMs = performance.now();
    this.started += 1;
    return (error) => {
      const code = context.signal.aborted ? CANCELED : codeName(error);
      this.handled.set(code, (this.handled.get(code) ?? 0) + 1);
      const seconds = (performance.now() - beginMs) / MS_PER_S;
      this.seconds += seconds;
      const bucket = BUCKETS.findIndex((limit) => seconds <= limit);
      if (bucket >= 0) this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    };
  }
}

/** Counts the calls of services, by the names of go-grpc-prometheus, which containerd uses. */
export class CallMetrics {
  readonly #calls: Calls[] = [];
  readonly #histogram: boolean;

  /** With `histogram`, how long calls take is told, too. */
  constructor(histogram: boolean) {
    this.#histogram = histogram;
  }

  /** The same services, counted. */
  meter(services: readonly GrpcService[]): readonly GrpcService[] {
    return services.map(({ name, methods }) => ({
      name,
      methods: methods.map((method) => {
        const type = TYPES[method.kind];
        const calls = new Calls({ grpc_method: method.name, grpc_service: name, grpc_type: type });
        this.#calls.push(calls);
        return metered(method, calls);
      }),
    }));
  }

  families(): readonly Family[] {
    const counter = (name: string, help: string, samples: readonly Sample[]): Family => {
      return { name: `grpc_server_${name}`, help, type: "counter", samples };
    };
    const each = (value: (calls: Calls) => number) =>
      this.#calls.map((calls) => ({ labels: calls.labels, value: value(calls) }));
    const handled = this.#calls.flatMap(({ labels, handled: codes }) =>
      [...codes].map(([code, value]) => ({ labels: { grpc_code: code, ...labels }, value })),
    );
    return [
      counter(
        "started_total",
        "calls that have begun",
        each(({ started }) => started),
      ),
      counter("handled_total", "calls that have ended, with what", handled),
      counter(
        "msg_received_total",
        "messages received",
        each(({ received }) => received),
      ),
      counter(
        "msg_sent_total",
        "messages sent",
        each(({ sent }) => sent),
      ),
      ...(this.#histogram ? [this.#seconds()] : []),
    ];
  }

  #seconds(): Family {
    const samples = this.#calls.flatMap(({ labels, buckets, seconds, handled }): Sample[] => {
      const count = [...handled.values()].reduce((sum, value) => sum + value, 0);
      const below = BUCKETS.map((_, index) => buckets.slice(0, index + 1).reduce((sum, value) => sum + value, 0));
      return [
        ...BUCKETS.map((limit, index) => {
          return { suffix: "_bucket", labels: { ...labels, le: String(limit) }, value: below[index] ?? 0 };
        }),
        { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count },
        { suffix: "_sum", labels, value: seconds },
        { suffix: "_count", labels, value: count },
      ];
    });
    return { name: "grpc_server_handling_seconds", help: "how long calls take", type: "histogram", samples };
  }
}

function metered(method: Method, calls: Calls): Method {
  switch (method.kind) {
    case "unary":
      return {
        name: method.name,
        kind: "unary",
        run: async (payload, context) => {
          const end = calls.begin(context);
          calls.received += 1;
          try {
            const answer = await method.run(payload, context);
            calls.sent += 1;
            end();
            return answer;
          } catch (error) {
            end(error);
            throw error;
          }
        },
      };
    case "serverStream":
      return {
        name: method.name,
        kind: "serverStream",
        run: (payload, context) => {
          calls.received += 1;
          return counted(method.run(payload, context), context, calls);
        },
      };
    case "duplex":
      return {
        name: method.name,
        kind: "duplex",
        run: (payloads, context) => counted(method.run(countReceived(payloads, calls), context), context, calls),
      };
  }
}

async function* countReceived(payloads: AsyncIterable<Uint8Array>, calls: Calls): AsyncGenerator<Uint8Array> {
  for await (const payload of payloads) {
    calls.received += 1;
    yield payload;
  }
}

/** Counts what a stream sends, and its end, whoever brings it about. */
async function* counted(
  answers: AsyncIterable<Uint8Array>,
  context: CallContext,
  calls: Calls,
): AsyncGenerator<Uint8Array> {
  const end = calls.begin(context);
  let fault: unknown;
  try {
    for await (const answer of answers) {
      calls.sent += 1;
      yield answer;
    }
  } catch (error) {
    fault = error;
    throw error;
  } finally {
    end(fault);
  }
}

/** `not_found` as Go writes it: NotFound. */
function codeName(error: unknown): string {
  if (error === undefined) return OK;
  const { code } = toStatus(error);
  const [name = "unknown"] = Object.entries(CODE).find(([, number]) => number === code) ?? [];
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
