import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";
import { run } from "../harness/process.ts";
import type { Workspace } from "../harness/workspace.ts";
import { DOCKER_CASES } from "./cases/docker.ts";
import type { Engine, EngineRuntime, EngineSite } from "./engine.ts";

const START_DEADLINE_MS = 60_000;

/** dockerd and the containerd it starts, with the runtime as default; no bridge, no rules of iptables. */
async function openDocker(workspace: Workspace, runtime: EngineRuntime, image: string): Promise<EngineSite> {
  const folder = join(workspace.folder, `docker-${runtime.name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "daemon.json"), "{}\n");
  const socket = `unix://${folder}/docker.sock`;
  const daemon = Bun.spawn({
    cmd: [
      "dockerd",
      ...["--host", socket, "--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`],
      ...["--pidfile", `${folder}/pid`, "--config-file", `${folder}/daemon.json`, "--storage-driver", "vfs"],
      ...["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"],
      ...["--cgroup-parent", `/${workspace.tag}-docker`, "--add-runtime", `judged=${runtime.path}`],
      ...["--default-runtime", "judged"],
      ...(runtime.containerd === undefined ? [] : ["--containerd", runtime.containerd]),
    ],
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(`${folder}/dockerd.log`),
  });
  const preamble = [
    `export HOME=${folder} DOCKER_CONFIG=${folder} DOCKER_BUILDKIT=0`,
    `site=${folder} runtime=${runtime.path}`,
    `docker() { command docker --host ${socket} "$@"; }`,
    "cd $site",
  ].join("\n");
  const shell = (script: string) => run(["bash", "-c", `${preamble}\n${script}`], { scratch: folder });
  const close = async (): Promise<void> => {
    await shell("docker rm -f $(docker ps -aq)");
    daemon.kill("SIGTERM");
    await daemon.exited;
  };
  try {
    await waitUntil("dockerd", async () => (await shell("docker version")).status === 0, START_DEADLINE_MS);
    const loaded = await shell(`docker import -c 'CMD ["sh"]' ${image} busybox`);
    if (loaded.status !== 0) throw new Error(`cannot import the image into docker: ${loaded.stderr}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { preamble, close };
}

export const docker: Engine = {
  name: "docker",
  programs: ["docker", "dockerd", "containerd"],
  cases: DOCKER_CASES,
  open: openDocker,
};
