import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../harness/process.ts";
import type { Workspace } from "../harness/workspace.ts";
import { BUILDAH_CASES } from "./cases/buildah.ts";
import { PODMAN_CASES } from "./cases/podman.ts";
import type { Engine, EngineRuntime, EngineSite } from "./engine.ts";

/**
 * containers.conf(5): nothing of the machine's own configuration takes part, no network is made, and no limit is asked for
 * that a machine without CAP_SYS_RESOURCE refuses.
 */
function writeContainersConf(folder: string): string {
  const path = join(folder, "containers.conf");
  const lines = [
    "[containers]",
    'netns = "none"',
    'default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]',
    'log_driver = "k8s-file"',
    "[engine]",
    'cgroup_manager = "cgroupfs"',
    'events_logger = "file"',
    'runtime_supports_json = ["crun", "runc", "tsrun"]',
    'infra_image = "localhost/infra"',
    `tmp_dir = "${join(folder, "tmp")}"`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

async function openSite(
  workspace: Workspace,
  runtime: EngineRuntime,
  image: string,
  name: string,
): Promise<EngineSite> {
  const folder = join(workspace.folder, `${name}-${runtime.name}`);
  mkdirSync(folder, { recursive: true });
  const conf = writeContainersConf(folder);
  const storage = `--root ${folder}/storage --runroot ${folder}/run --storage-driver vfs`;
  const preamble = [
    `export CONTAINERS_CONF=${conf} TMPDIR=${folder} HOME=${folder} XDG_CONFIG_HOME=${folder}`,
    `site=${folder} cgroup=${workspace.tag}-${runtime.name} runtime=${runtime.path} image=${image}`,
    `podman() { command podman ${storage} --runtime ${runtime.path} "$@"; }`,
    `buildah() { command buildah ${storage} "$@"; }`,
    "cd $site",
  ].join("\n");
  const shell = (script: string) => run(["bash", "-c", `${preamble}\n${script}`], { scratch: folder });
  const loaded = await shell(`podman import -q ${image} busybox && podman tag localhost/busybox busybox`);
  if (loaded.status !== 0) throw new Error(`cannot import the image into ${name}: ${loaded.stderr}`);
  return {
    preamble,
    close: async () => {
      await shell("podman pod rm --all --force --time 0; podman rm --all --force --time 0");
    },
  };
}

export const podman: Engine = {
  name: "podman",
  programs: ["podman", "conmon"],
  cases: PODMAN_CASES,
  open: (workspace, runtime, image) => openSite(workspace, runtime, image, "podman"),
};

export const buildah: Engine = {
  name: "buildah",
  programs: ["buildah", "podman"],
  cases: BUILDAH_CASES,
  open: (workspace, runtime, image) => openSite(workspace, runtime, image, "buildah"),
};
