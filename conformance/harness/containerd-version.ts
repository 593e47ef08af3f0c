/** The first number of the version of the containerd and ctr that are installed: 1, or 2 for those of later distributions. */
export function containerdMajor(): number {
  const { stdout } = Bun.spawnSync({ cmd: ["ctr", "--version"] });
  const major = /\b(\d+)\.\d+\.\d+/.exec(stdout.toString())?.[1];
  if (major === undefined) throw new Error(`cannot read the version of ctr: ${stdout}`);
  return Number(major);
}
