import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostNetwork } from "../harness/host-network.ts";
import { waitUntil } from "../harness/poll.ts";
import { run } from "../harness/process.ts";
import type { Workspace } from "../harness/workspace.ts";
import { DOCKER_CASES } from "./cases/docker.ts";
import { DOCKER_SETS } from "./cases/docker-sets.ts";
import type { Engine, EngineRuntime, EngineSite } from "./engine.ts";

const START_DEADLINE_MS = 60_000;

/** Waits for at most 20 s until a command prints what is wanted, and gives what it has printed last. */
const COMES_TO =
  'comes_to() { local want=$1 said end=$((SECONDS + 20)); shift; until said=$("$@" 2>&1); [ "$said" = "$want" ] || [ $SECONDS -gt $end ]; do sleep 0.05; done; echo "$said"; }';

/** dockerd and the containerd it starts, with the runtime as default, in a network of its own; it has no default bridge. */
async function openDocker(workspace: Workspace, runtime: EngineRuntime, image: string): Promise<EngineSite> {
  const { containerd } = runtime;
  const folder = join(workspace.folder, `docker-${runtime.name}`);
  mkdirSync(folder, { recursive: true });
  const network = containerd?.network ?? new HostNetwork(workspace);
  if (containerd === undefined) await network.open();
  // Where iptables does not work, dockerd does not start unless it is told to do without.
  const hasRules = (await network.whyNoBridge()) === undefined;
  writeFileSync(join(folder, "daemon.json"), "{}\n");
  const socket = `unix://${folder}/docker.sock`;
  const daemon = Bun.spawn({
    cmd: [
      ...network.within,
      "dockerd",
      ...["--host", socket, "--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`],
      ...["--pidfile", `${folder}/pid`, "--config-file", `${folder}/daemon.json`, "--storage-driver", "vfs"],
      ...["--bridge", "none"],
      ...(hasRules ? [] : ["--iptables=false", "--ip6tables=false", "--ip-masq=false"]),
      ...["--cgroup-parent", `/${workspace.tag}-docker`, "--add-runtime", `judged=${runtime.path}`],
      ...["--default-runtime", "judged"],
      ...(containerd === undefined ? [] : ["--containerd", containerd.address]),
    ],
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(`${folder}/dockerd.log`),
  });
  const preamble = [
    `export HOME=${folder} DOCKER_CONFIG=${folder} DOCKER_BUILDKIT=0`,
    `export DOCKER_HOST=${socket}`,
    `site=${folder} runtime=${runtime.path} network=${network.path}`,
    COMES_TO,
    "cd $site",
  ].join("\n");
  const shell = (script: string) => run(["bash", "-c", `${preamble}\n${script}`], { scratch: folder });
  const close = async (): Promise<void> => {
    await shell("docker rm -f $(docker ps -aq)");
    daemon.kill("SIGTERM");
    await daemon.exited;
    if (containerd === undefined) await network.close();
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
  programs: ["docker", "dockerd", "containerd", "ip", "iptables", "nsenter", "script"],
  cases: [...DOCKER_CASES, ...DOCKER_SETS],
  open: openDocker,
};
