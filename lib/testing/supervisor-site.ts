import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Site } from "./runtime-site.ts";
import { TestSupervisor } from "./supervisor.ts";

/** For tests: a tsrund that runs, and containers whose rootfs is a directory that is there. */
export class SupervisorSite {
  readonly site = new Site();
  readonly daemon: TestSupervisor = new TestSupervisor(join(this.site.folder, "daemon"));
  #serial = 0;

  /** Records a container. Gives its id. */
  async record(args: readonly string[], annotations: Readonly<Record<string, string>> = {}): Promise<string> {
    this.#serial += 1;
    const id = `${this.site.tag}-d${this.#serial}`;
    const bundle = this.site.bundle(args);
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    const root = { ...config.root, path: join(bundle, "rootfs") };
    await this.daemon.createContainer(id, { ...config, root, annotations });
    return id;
  }

  /** Makes a task and starts it. */
  async run(args: readonly string[], annotations: Readonly<Record<string, string>> = {}) {
    const id = await this.record(args, annotations);
    await this.daemon.createTask(id);
    const { pid } = await this.daemon.startTask(id);
    return { id, pid };
  }

  /** Removes a container with its task, whether that runs or not. */
  async remove(id: string): Promise<void> {
    await this.daemon.kill(id).catch(() => undefined);
    await this.daemon.wait(id);
    await this.daemon.deleteTask(id);
    await this.daemon.deleteContainer(id);
  }

  /** The names of the bundles that are there. */
  bundles(): readonly string[] {
    const room = join(this.daemon.folder, "state/io.containerd.runtime.v2.task/test");
    return existsSync(room) ? readdirSync(room) : [];
  }

  async close(): Promise<void> {
    await this.daemon.stop();
    await this.site.close();
  }
}
