import { TAR_END } from "../../lib/tar/tar-writer.ts";
import { block, metaOf, paxOf } from "../../lib/testing/layers.ts";

/** A layer that is made by a shell in a directory of its own and packed by GNU tar, or that is there. */
export type LayerSource = { readonly script: string; readonly tar: string } | { readonly archive: Uint8Array };

export interface LayersCase {
  readonly name: string;
  readonly layers: readonly LayerSource[];
}

/** What differs, and why: lines of a snapshot, or of its usage, that match. */
export interface Difference {
  readonly case: string;
  readonly line: RegExp;
  readonly reason: string;
}

const PAX = "--format=pax --xattrs --xattrs-include=* .";
const GNU = "--format=gnu .";

const header = (fields: Readonly<Record<number, string>> = {}) => block({ 156: "0", 136: "00000000011\0", ...fields });
const size = (bytes: number) => ({ 124: `${bytes.toString(8).padStart(11, "0")}\0` });

export const CASES: readonly LayersCase[] = [
  {
    name: "everything a tree is made of",
    layers: [
      {
        script: `mkdir -m 1777 d "d/with space"; echo text >d/f; chown 12:3000000 d/f; chmod 2755 d/f; ln -s ../../x link
          mknod dev c 1 3; mknod blk b 7 1; mknod -m 600 pipe p; : >empty; mkdir -p $(printf "%060d/" 1 2 3)
          printf x >"$(printf 'n\\377')"; setfattr -n user.a -v b d/f; echo cap >cap
          setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 cap
          chmod 4711 empty; head -c 300000 /dev/zero >big; chown -h 7:8 link; touch -h -d @5 link; touch -d 2001-02-03 d/f d big`,
        tar: PAX,
      },
    ],
  },
  {
    name: "hard links",
    layers: [
      {
        script: "echo a >a; chmod 4755 a; ln a b; ln -s a s; ln s t; mkdir d; ln a d/c; touch -h -d @7 a s d",
        tar: GNU,
      },
      { script: "echo b >x; ln x y; touch -d @8 x", tar: GNU },
    ],
  },
  {
    name: "a capability of a file with two names",
    layers: [
      {
        script: "echo a >a; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 a; ln a b",
        tar: PAX,
      },
    ],
  },
  {
    name: "deletions",
    layers: [
      { script: "mkdir -p a/b c/d e; : >a/b/f; : >c/d/f; : >e/old; : >g; touch -d @9 a/b/f e", tar: GNU },
      { script: "mkdir -p a c e; : >a/.wh.b; : >.wh.g; : >e/.wh..wh..opq; : >e/new; touch -d @9 a c e", tar: GNU },
    ],
  },
  {
    name: "directories that the layer does not name",
    layers: [
      {
        script: "mkdir -p keep/in; chmod 2750 keep; chown 7:8 keep; setfattr -n user.k -v v keep; touch -d @9 keep",
        tar: PAX,
      },
      { script: "mkdir -p keep/in new/deep; : >keep/in/f; : >new/deep/f", tar: "--format=gnu keep/in/f new/deep/f" },
    ],
  },
  {
    name: "links in place of directories, and the other way",
    layers: [
      { script: "mkdir dir; : >dir/f; ln -s dir link; ln -s nowhere lost; touch -h -d @9 dir link lost", tar: GNU },
      {
        script: "mkdir -p link lost; : >link/x; : >lost/y; ln -s link dir; : >z",
        tar: "--format=gnu link/x lost/y dir z",
      },
    ],
  },
  {
    name: "links that lead out",
    layers: [
      {
        script: "ln -s /etc abs; ln -s ../../.. up; mkdir in; : >in/f",
        tar: "--format=gnu --transform=s,^in/,abs/, abs in/f up",
      },
      { script: "mkdir up; : >up/g", tar: "--format=gnu up/g" },
    ],
  },
  {
    name: "names in other formats",
    layers: [
      {
        script: "mkdir -p $(printf '%090d/' 1 2); : >$(printf '%090d/' 1 2)f; ln -s $(printf '%0200d' 1) l",
        tar: "--format=gnu .",
      },
      { script: ": >u; mkdir -p a/b; : >a/b/c", tar: "--format=ustar ." },
      { script: ": >v; mkdir w; : >w/x", tar: "--format=v7 ." },
    ],
  },
  {
    name: "archives that say two things",
    layers: [
      {
        archive: Buffer.concat([
          ...[header({ 0: "slash/", ...size(512) }), header({ 0: "smuggled" })],
          ...[block({ 0: "old/", 136: "00000000011\0", 156: "\0", ...size(512) }), header({ 0: "behind" })],
          ...[header({ 0: "dir", 100: "0000755\0", 156: "5", ...size(512) }), header({ 0: "after" })],
          ...[metaOf("L", "gnu\0"), paxOf([["path", "pax"]]), header()],
          ...[
            paxOf([
              ["path", ""],
              ["size", ""],
            ]),
            header({ 0: "empty" }),
          ],
          ...[
            paxOf([["path", "one"]]),
            paxOf([
              ["path", "two"],
              ["path", "three"],
            ]),
            header(),
          ],
          ...[paxOf([["size", "512"]]), header({ 0: "hiding" }), header({ 0: "hidden" })],
          ...[
            paxOf([
              ["GNU.sparse.name", "other"],
              ["GNU.sparse.size", "99"],
            ]),
            header({ 0: "full" }),
          ],
          ...[metaOf("g", "13 path=evil\n"), header({ 0: "global" }), TAR_END],
        ]),
      },
    ],
  },
];

export const DIFFERENCES: readonly Difference[] = [
  {
    case: "a capability of a file with two names",
    line: /^[ab] file /,
    reason: "containerd changes the owner again for the second name, and the kernel then drops the capability",
  },
  {
    case: "hard links",
    line: /^[st] link |^usage /,
    reason: "containerd's copy of a snapshot makes two links of a link with two names",
  },
  {
    case: "hard links",
    line: /^d directory 755 0:0 +(?:now|7\.0)/,
    reason: "containerd's copy of a snapshot sets the time of a directory before it makes hard links in it",
  },
  {
    case: "directories that the layer does not name",
    line: /^keep directory 2750 7:8 +(?:now|9\.0)/,
    reason: "a directory that is made because something is in it keeps the time of the one below",
  },
  {
    case: "links in place of directories, and the other way",
    line: /^link directory 755 0:0 +(?:now|9\.0)/,
    reason: "a directory that is made because something is in it keeps the time of the one below",
  },
];
