import type { Scenario, Stage } from "../stage.ts";

const LINKS = [
  ["RL-02", "/dev/fd", "/proc/self/fd"],
  ["RL-03", "/dev/stdin", "/proc/self/fd/0"],
  ["RL-04", "/dev/stdout", "/proc/self/fd/1"],
  ["RL-05", "/dev/stderr", "/proc/self/fd/2"],
] as const;

async function showStandard(stage: Stage): Promise<void> {
  const { self } = await stage.play("self");
  const open = self.descriptors.map(({ fd }) => fd).join();
  stage.expect("RL-01", open === "0,1,2", `open: ${open}`);
}

async function showLinks(stage: Stage): Promise<void> {
  const report = await stage.play(...LINKS.map(([, path]) => `stat:${path}`));
  for (const [id, path, target] of LINKS) {
    const { type, target: shown } = report.of(`stat:${path}`);
    stage.expect(id, type === "link" && shown === target, `${path} is a ${type}, ${shown}`);
  }
}

/** runtime-linux.md */
export const descriptorScenarios: readonly Scenario[] = [
  { name: "descriptors/standard", short: true, play: showStandard },
  { name: "devices/links", short: true, play: showLinks },
];
