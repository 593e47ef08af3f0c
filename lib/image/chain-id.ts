import { type Digest, digestOf } from "./digest.ts";

/** image-spec § Layer ChainID: what a layer is together with those below it, for each of the diff ids from the first on. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
