import type { Case } from "../case.ts";

export const volumeCases: readonly Case[] = [
  { name: "volumes: none", script: `tsctr volumes ls; tsctr volume ls -q; tsctr volumes --format json` },
  {
    name: "volumes: filled from the image, once",
    script: `tsctr run --rm -v data:/etc "$IMAGE" sh -c 'echo mine >/etc/motd'; tsctr run --rm -v data:/other "$IMAGE" sh -c 'cat /other/motd; cmp /other/passwd /etc/passwd && echo same; [ "$(stat -c %a /other)" = "$(stat -c %a /etc)" ] && echo mode'; tsctr run --rm -v bare:/etc:nocopy "$IMAGE" sh -c 'ls /etc | wc -l'`,
  },
  {
    name: "volumes: shared, and read-only",
    script: `tsctr run -d --name "$TAG-va" -v data:/a "$IMAGE" sleep 1000; tsctr run --rm -v data:/b:ro "$IMAGE" sh -c 'cat /b/motd; (echo x >/b/motd) 2>/dev/null || echo refused'; tsctr exec "$TAG-va" sh -c 'echo later >/a/motd'; tsctr run --rm -v data:/b "$IMAGE" cat /b/motd`,
  },
  {
    name: "volumes: ls and inspect",
    script: `tsctr volumes ls; tsctr volumes ls -q --filter dangling=true; tsctr volumes ls --filter name=dat --format json | jq -c '.[] | [.name, .labels, .isAnonymous, .usedBy]'; tsctr volumes inspect data | jq -r '.[0].mountpoint' | sed 's|[^/]*/default|<ID>/default|'; tsctr volumes inspect nobody; tsctr volumes ls --filter driver=local`,
  },
  {
    name: "volumes: one in use is not removed",
    script: `tsctr volumes rm data; tsctr stop -t 0 "$TAG-va"; tsctr volumes rm data; tsctr volumes prune -a -f; tsctr rm "$TAG-va"; tsctr volumes rm data; tsctr volumes rm data; tsctr volumes rm -f data; echo "status $?"; tsctr volumes ls -q`,
  },
  {
    name: "volumes: create",
    script: `tsctr volumes create -l tier=db -l b web; tsctr volumes create web; tsctr volumes create | grep -c '^[0-9a-f]*$'; tsctr volumes ls -q --filter label=tier=db; tsctr volumes inspect web | jq -c '.[0].labels'; tsctr volumes create ../web; tsctr volumes create a/b; tsctr volumes rm web`,
  },
  {
    name: "volumes: without a name",
    script: `tsctr volumes prune -f | wc -l; tsctr run --rm -v /etc "$IMAGE" sh -c 'grep -c " /etc " /proc/mounts; cat /etc/group' | head -n 2; tsctr volumes ls -q | wc -l; tsctr run -d --name "$TAG-vb" -v /data "$IMAGE" true >/dev/null; tsctr wait "$TAG-vb"; tsctr volumes ls -q | wc -l; tsctr rm -v "$TAG-vb"; tsctr volumes ls -q | wc -l`,
  },
  {
    name: "volumes: prune asks",
    script: `tsctr volumes create >/dev/null; tsctr volumes prune; echo "status $?"; tsctr volumes ls -q | wc -l; tsctr volumes prune -f | wc -l; tsctr volumes ls -q`,
  },
  {
    name: "volumes: a container that is not made leaves none",
    script: `tsctr run --rm -v /anonymous -v kept:/kept "$IMAGE" nosuch 2>/dev/null; echo "status $?"; tsctr volumes ls -q; tsctr volumes rm kept; tsctr run --rm -v over:/etc/passwd "$IMAGE" true; tsctr volumes rm over`,
  },
  {
    name: "volumes: mounts in mounts, and what makes no sense",
    script: `tsctr run --rm -v inner:/m/inner -v outer:/m "$IMAGE" sh -c 'ls /m; grep -c " /m" /proc/mounts'; tsctr volumes rm inner outer; tsctr run --rm -v "$SCRATCH/made/for/it:/x" "$IMAGE" touch /x/f; find "$SCRATCH/made" -name f | wc -l; rm -r "$SCRATCH/made"; for o in a:b /a:b:c:d x:/ x:/y:zz b@d:/y; do tsctr run --rm -v $o "$IMAGE" true; done; tsctr run --rm -v x:/y -v z:/y/ "$IMAGE" true; tsctr volumes ls -q`,
  },
  {
    name: "volumes: nothing is left",
    script: `tsctr volumes ls -q; tsctr ps -a -q | grep "$TAG"; tsctr snapshots ls 2>/dev/null | grep -c "$TAG"; ls /run/tsctr/mounts 2>/dev/null | wc -l`,
  },
];
