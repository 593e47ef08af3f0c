import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { LONG, requireRoot, Site } from "../../lib/testing/runtime-site.ts";
import { TestSupervisor } from "../../lib/testing/supervisor.ts";

/** Prometheus, text format: a comment, or a name with labels and a number. */
const LINE =
  /^(# (HELP|TYPE) [a-zA-Z_:][\w:]* .+|[a-zA-Z_:][\w:]*(\{[a-zA-Z_]\w*="(\\.|[^"\\])*"(,[a-zA-Z_]\w*="(\\.|[^"\\])*")*\})? [-+.\deInfNa]+)$/;

describe("the metrics of tsrund", function () {
  this.timeout(90_000);
  let site: Site;
  let daemon: TestSupervisor;
  let url: string;

  before(async function () {
    requireRoot(this);
    site = new Site();
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const { port } = server;
    await server.stop(true);
    url = `http://127.0.0.1:${port}/v1/metrics`;
    const config = join(site.folder, "config.toml");
    writeFileSync(config, `[metrics]\naddress = "127.0.0.1:${port}"\ngrpc_histogram = true\n`);
    daemon = new TestSupervisor(join(site.folder, "daemon"), config);
    await daemon.start();
  });

  after(async () => {
    await daemon.stop();
    await site.close();
  });

  it("tells of containers and calls, in lines that can be read", async () => {
    const id = `${site.tag}-m`;
    const bundle = site.bundle(LONG);
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    await daemon.createContainer(id, { ...config, root: { ...config.root, path: join(bundle, "rootfs") } });
    await daemon.createTask(id);
    await daemon.startTask(id);
    const text = await (await fetch(url)).text();
    expect(text.endsWith("\n")).to.equal(true);
    const lines = text.slice(0, -1).split("\n");
    expect(lines.filter((line) => !LINE.test(line))).to.deep.equal([]);
    expect(lines).to.include.members([
      `container_pids_current{container_id="${id}",namespace="test",runtime="io.containerd.tsrun.v2"} 1`,
      'grpc_server_started_total{grpc_method="Start",grpc_service="containerd.services.tasks.v1.Tasks",grpc_type="unary"} 1',
      'grpc_server_handled_total{grpc_code="OK",grpc_method="Start",grpc_service="containerd.services.tasks.v1.Tasks",grpc_type="unary"} 1',
    ]);
    expect(lines.filter((line) => line.startsWith("# TYPE")).length).to.equal(
      new Set(lines.filter((line) => line.startsWith("# TYPE"))).size,
    );
    await daemon.kill(id);
    await daemon.wait(id);
    await daemon.deleteTask(id);
    await daemon.deleteContainer(id);
    expect(await (await fetch(url)).text()).not.to.contain(id);
  });

  it("has its address for itself", async () => {
    const other = new TestSupervisor(join(site.folder, "other"), join(site.folder, "config.toml"));
    const [result] = await Promise.allSettled([other.start()]);
    await other.stop();
    expect(String(result?.status === "rejected" ? result.reason : "started")).to.match(
      /tsrund: cannot serve metrics on 127\.0\.0\.1 port \d+: /,
    );
  });
});
