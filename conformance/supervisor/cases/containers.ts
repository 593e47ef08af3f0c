import type { Case } from "../case.ts";

/** Containers as records, and how they are run. */
export const containerCases: readonly Case[] = [
  { name: "containers ls, none", script: "ctr containers ls" },
  { name: "containers create", script: 'ctr containers create "$IMAGE" $TAG-a; ctr containers ls' },
  { name: "containers create, taken", script: 'ctr containers create "$IMAGE" $TAG-a' },
  { name: "containers create, wrong id", script: 'ctr containers create "$IMAGE" "a b"' },
  { name: "containers create of no image", script: "ctr containers create local/none:1 $TAG-n" },
  {
    name: "containers create with labels",
    script: 'ctr containers create --label x=y "$IMAGE" $TAG-l; ctr containers ls -q labels.x==y',
  },
  { name: "containers info", script: "ctr containers info $TAG-a | grep -v version" },
  { name: "containers info of nothing", script: "ctr containers info $TAG-none" },
  {
    name: "containers label",
    script: "ctr containers label $TAG-a tier=web a.b/c=d | tr ',' '\\n' | sort; ctr containers info $TAG-a | head -8",
  },
  { name: "containers ls by filter", script: "ctr containers ls -q labels.tier==web; ctr containers ls -q 'id~=-l$'" },
  { name: "namespaces rm, not empty", script: "ctr namespaces rm default" },
  {
    name: "containers rm",
    script: "ctr containers rm $TAG-a $TAG-l; ctr containers ls; ctr snapshots ls | grep -c $TAG",
  },
  { name: "containers rm of nothing", script: "ctr containers rm $TAG-a" },
  { name: "run --rm", script: 'ctr run --rm "$IMAGE" $TAG-r echo hello' },
  { name: "run --rm, status", script: 'ctr run --rm "$IMAGE" $TAG-r sh -c "exit 7"' },
  { name: "run --rm, killed", script: 'ctr run --rm "$IMAGE" $TAG-r sh -c "kill -9 \\$\\$"' },
  { name: "run --rm, standard error", script: 'ctr run --rm "$IMAGE" $TAG-r sh -c "echo out; echo err >&2"' },
  {
    name: "run --rm, much output",
    script: 'ctr run --rm "$IMAGE" $TAG-r sh -c "yes 0123456789 | head -c 3000000" | sha256sum',
  },
  {
    name: "run --rm -t",
    script: 'terminal "ctr --address $ADDRESS run --rm -t $IMAGE $TAG-r test -t 0"',
  },
  {
    name: "run --rm, environment and directory",
    script: "ctr run --rm --env A=b --cwd /tmp \"$IMAGE\" $TAG-r sh -c 'echo $A; pwd'",
  },
  { name: "run --rm --user", script: 'ctr run --rm --user 7:8 "$IMAGE" $TAG-r id' },
  { name: "run --rm --read-only", script: 'ctr run --rm --read-only "$IMAGE" $TAG-r sh -c "touch /x; echo $?"' },
  {
    name: "run --rm --mount",
    script: 'ctr run --rm --mount type=bind,src=/etc,dst=/e,options=rbind:ro "$IMAGE" $TAG-r test -e /e/hostname',
  },
  { name: "run --rm --net-host", script: 'ctr run --rm --net-host "$IMAGE" $TAG-r true' },
  { name: "run --rm --memory-limit", script: 'ctr run --rm --memory-limit 20000000 "$IMAGE" $TAG-r true' },
  { name: "run --rm --privileged", script: 'ctr run --rm --privileged "$IMAGE" $TAG-r grep CapEff /proc/self/status' },
  {
    name: "run --rm, no such program",
    script:
      'ctr run --rm "$IMAGE" $TAG-r nothing 2>&1 | grep -o "executable file not found in .PATH"; ctr containers ls; ctr tasks ls',
  },
  { name: "run --rm --rootfs", script: 'ctr run --rm --rootfs "$ROOTFS" $TAG-r /bin/echo from a directory' },
  {
    name: "run --rm --snapshotter native",
    script: 'ctr run --rm --snapshotter native "$IMAGE" $TAG-r true 2>&1 | head -c 300',
  },
  {
    name: "run --rm --runtime, none such",
    script: 'ctr run --rm --runtime io.containerd.none.v1 "$IMAGE" $TAG-r true >/dev/null 2>&1; echo $?',
  },
  { name: "run --rm --null-io", script: 'ctr run --rm --null-io "$IMAGE" $TAG-r echo unseen' },
  {
    name: "run --rm --log-uri",
    script: 'ctr run --rm --log-uri "file://$SCRATCH/log" "$IMAGE" $TAG-r echo logged; cat "$SCRATCH/log"',
  },
  {
    name: "run --rm --pid-file",
    script:
      'ctr run -d --pid-file "$SCRATCH/pid" "$IMAGE" $TAG-p sleep 1000; test -d /proc/$(cat "$SCRATCH/pid"); echo $?; ctr tasks rm -f $TAG-p; ctr containers rm $TAG-p',
  },
];
