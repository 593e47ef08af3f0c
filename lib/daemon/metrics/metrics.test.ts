import { expect } from "chai";
import { google } from "../../../proto/gen/daemon.js";
import { io } from "../../../proto/gen/metrics.js";
import { ContainerError } from "../../errors.ts";
import { type CallContext, duplex, type Method, serverStream, unary } from "../../rpc/grpc/method.ts";
import { refusal } from "../../testing/metadata.ts";
import { CallMetrics } from "./call-metrics.ts";
import { measuresV1 } from "./cgroup-v1.ts";
import { measuresV2 } from "./cgroup-v2.ts";
import { serveMetrics } from "./metrics-server.ts";
import { type Family, renderFamilies } from "./text-format.ts";

const { Empty } = google.protobuf;

describe("renderFamilies()", () => {
  it("writes a family as one block, and escapes", () => {
    const family = (labels: Readonly<Record<string, string>>, value: number): Family => ({
      ...{ name: "a_b", help: "back\\slash\nand line", type: "gauge" },
      samples: [{ labels, value }],
    });
    const other: Family = { name: "c", help: "", type: "counter", samples: [{ labels: {}, value: 0.5 }] };
    const none: Family = { name: "d", help: "none", type: "gauge", samples: [] };
    expect(renderFamilies([family({ x: '"\\\n' }, 1), other, family({}, Number.POSITIVE_INFINITY), none])).to.equal(
      [
        "# HELP a_b back\\\\slash\\nand line",
        "# TYPE a_b gauge",
        'a_b{x="\\"\\\\\\n"} 1',
        "a_b +Inf",
        "# HELP c ",
        "# TYPE c counter",
        "c 0.5",
        "",
      ].join("\n"),
    );
  });
});

describe("CallMetrics", () => {
  const context = (signal = new AbortController().signal): CallContext => ({ signal, header: () => undefined });
  const service = {
    name: "test.Test",
    methods: [
      unary("Ask", [Empty, Empty], () => ({})),
      unary("Fail", [Empty, Empty], () => {
        throw new ContainerError("not_found", "no");
      }),
      serverStream("Count", [Empty, Empty], function* () {
        yield {};
        yield {};
      }),
      duplex("Talk", [Empty, Empty], async function* (requests) {
        for await (const _ of requests) yield {};
        throw new Error("broken");
      }),
    ],
  };

  /** Three messages of a client. */
  const three = () =>
    (async function* () {
      for (const message of [1, 2, 3]) yield await Promise.resolve(new Uint8Array(0 * message));
    })();
  const render = (metrics: CallMetrics) => renderFamilies(metrics.families()).split("\n");
  const callMethod = async (method: Method, signal?: AbortSignal) => {
    const bytes = new Uint8Array();
    if (method.kind === "unary") {
      await method.run(bytes, context(signal));
      return;
    }
    const answers =
      method.kind === "serverStream" ? method.run(bytes, context(signal)) : method.run(three(), context(signal));
    for await (const _ of answers) if (signal?.aborted) break;
  };
  const call = async (metrics: CallMetrics, signal?: AbortSignal) => {
    for (const method of metrics.meter([service]).flatMap(({ methods }) => methods)) {
      await callMethod(method, signal).catch(() => undefined);
    }
  };
  const labels = (method: string, type: string) =>
    `grpc_method="${method}",grpc_service="test.Test",grpc_type="${type}"`;

  it("counts calls, messages and codes", async () => {
    const metrics = new CallMetrics(false);
    await call(metrics);
    expect(render(metrics)).to.include.members([
      `grpc_server_started_total{${labels("Ask", "unary")}} 1`,
      `grpc_server_handled_total{grpc_code="OK",${labels("Ask", "unary")}} 1`,
      `grpc_server_handled_total{grpc_code="NotFound",${labels("Fail", "unary")}} 1`,
      `grpc_server_handled_total{grpc_code="OK",${labels("Fail", "unary")}} 0`,
      `grpc_server_msg_sent_total{${labels("Fail", "unary")}} 0`,
      `grpc_server_msg_sent_total{${labels("Count", "server_stream")}} 2`,
      `grpc_server_msg_received_total{${labels("Count", "server_stream")}} 1`,
      `grpc_server_msg_received_total{${labels("Talk", "bidi_stream")}} 3`,
      `grpc_server_handled_total{grpc_code="Unknown",${labels("Talk", "bidi_stream")}} 1`,
    ]);
    expect(render(metrics).join()).not.to.contain("handling_seconds");
  });

  it("tells calls whose callers have gone", async () => {
    const controller = new AbortController();
    controller.abort();
    const metrics = new CallMetrics(false);
    await call(metrics, controller.signal);
    expect(render(metrics)).to.include(
      `grpc_server_handled_total{grpc_code="Canceled",${labels("Count", "server_stream")}} 1`,
    );
  });

  it("has a histogram whose buckets add up", async () => {
    const metrics = new CallMetrics(true);
    await call(metrics);
    const lines = render(metrics).filter((line) => line.includes('"Ask"') && line.includes("handling_seconds"));
    expect(lines.filter((line) => line.includes("_bucket"))).to.have.length(12);
    expect(lines).to.include.members([
      `grpc_server_handling_seconds_bucket{${labels("Ask", "unary")},le="+Inf"} 1`,
      `grpc_server_handling_seconds_count{${labels("Ask", "unary")}} 1`,
    ]);
    const counts = lines.filter((line) => line.includes("_bucket")).map((line) => Number(line.split(" ")[1]));
    expect(counts).to.deep.equal(counts.toSorted((a, b) => a - b));
  });
});

describe("measures of containers", () => {
  const named = (measures: ReturnType<typeof measuresV1>) =>
    new Map(measures.map(({ name, labels, value }) => [`${name}${JSON.stringify(labels ?? {})}`, value]));

  it("reads those of cgroup v1", () => {
    const { Metrics } = io.containerd.cgroups.v1;
    const bytes = Metrics.encode({
      ...{ pids: { current: 3, limit: 7 }, cpu: { usage: { total: 11, perCpu: [5, 6] } } },
      memory: { totalPgMajFault: 9, kernelTcp: { limit: 13 }, usage: { failcnt: 2 } },
      blkio: { ioServicedRecursive: [{ op: "Read", device: "d", major: 8, minor: 1, value: 4 }] },
      hugetlb: [{ pagesize: "2MB", usage: 10 }],
    }).finish();
    const found = named(measuresV1(Metrics.decode(bytes)));
    for (const [name, value] of [
      ["pids_limit{}", 7],
      ["cpu_total_nanoseconds{}", 11],
      ['per_cpu_nanoseconds{"cpu":"1"}', 6],
      ["memory_total_pgmajfault_bytes{}", 9],
      ["memory_kerneltcp_limit_bytes{}", 13],
      ["memory_usage_failcnt_total{}", 2],
      ['blkio_io_serviced_recursive_total{"op":"read","device":"d","major":"8","minor":"1"}', 4],
      ['hugetlb_usage_bytes{"page":"2MB"}', 10],
    ] as const) {
      expect(found.get(name), name).to.equal(value);
    }
  });

  it("reads those of cgroup v2", () => {
    const { Metrics } = io.containerd.cgroups.v2;
    const bytes = Metrics.encode({
      ...{ pids: { current: 3 }, cpu: { systemUsec: 11 }, memory: { workingsetRefault: 9, swapLimit: 5 } },
      ...{ memoryEvents: { oomKill: 2 }, io: { usage: [{ major: 8, minor: 1, wios: 4 }] } },
    }).finish();
    const found = named(measuresV2(Metrics.decode(bytes)));
    for (const [name, value] of [
      ["pids_current{}", 3],
      ["cpu_kernel_usage_microseconds{}", 11],
      ["memory_workingset_refault_bytes{}", 9],
      ["memory_swap_Limit_bytes{}", 5],
      ["memory_oom_total{}", 2],
      ['io_wios_total{"major":"8","minor":"1"}', 4],
    ] as const) {
      expect(found.get(name), name).to.equal(value);
    }
  });
});

describe("serveMetrics()", () => {
  /** One that was free a moment ago. */
  const findPort = async () => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const { port = 0 } = server;
    await server.stop(true);
    return port;
  };

  it("answers on its path alone, to GET and HEAD, and after a failure", async () => {
    const settings = { hostname: "127.0.0.1", port: await findPort(), histogram: false };
    const warnings: string[] = [];
    let collections = 0;
    const server = serveMetrics({
      settings,
      collect: () => {
        collections += 1;
        if (collections === 1) return Promise.reject(new Error("no"));
        return Promise.resolve([{ name: "a", help: "b", type: "gauge", samples: [{ labels: {}, value: 1 }] }]);
      },
      warn: (error) => warnings.push(String(error)),
    });
    const fetchPath = (path: string, method = "GET") => fetch(`http://127.0.0.1:${settings.port}${path}`, { method });
    expect((await fetchPath("/v1/metrics")).status).to.equal(500);
    expect(warnings).to.deep.equal(["Error: no"]);
    const answer = await fetchPath("/v1/metrics");
    expect(answer.headers.get("content-type")).to.equal("text/plain; version=0.0.4; charset=utf-8");
    expect(await answer.text()).to.equal("# HELP a b\n# TYPE a gauge\na 1\n");
    expect((await fetchPath("/v1/metrics", "HEAD")).status).to.equal(200);
    expect((await fetchPath("/v1/metrics", "POST")).status).to.equal(405);
    expect((await fetchPath("/")).status).to.equal(404);
    const again = () => serveMetrics({ settings, collect: () => Promise.resolve([]), warn: () => undefined });
    expect(await refusal(again)).to.equal(`internal: cannot serve metrics on 127.0.0.1 port ${settings.port}`);
    await server.stop();
  });
});
