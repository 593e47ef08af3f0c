import type { Case } from "../case.ts";

const NO_NETWORKS = "containerd makes no files of names";
const NO_REMOVAL = "containerd removes nothing by itself";

/** Waits until the container is gone. */
const GONE = `until ! tsctr ps -aq | grep -qx "$C"; do sleep 0.05; done`;

export const optionCases: readonly Case[] = [
  {
    name: "run -d --rm",
    script: `C="$TAG-rm"; tsctr run -d --rm --name "$C" -v /data -v kept:/kept "$IMAGE" sleep 1000 || exit; tsctr volumes ls -q | wc -l; tsctr restart -t 0 "$C"; tsctr ps -q; tsctr stop -t 0 "$C"; ${GONE}; until [ "$(tsctr volumes ls -q)" = kept ]; do sleep 0.05; done; tsctr volumes rm kept; ls /var/lib/tsctr/logs/default | grep "$C"; tsctr snapshots ls | grep -c "$C"`,
  },
  {
    name: "run -it --rm: left to the daemon",
    ownOnly: NO_REMOVAL,
    script: `C="$TAG-ri"; python3 "$TYPIST" "tsctr run -it --rm --name $C $IMAGE sh" '# ->echo fir""st' 'first->\\x10\\x11' | grep -o 'detached from'; tsctr ps -q; tsctr kill "$C"; ${GONE}`,
  },
  {
    name: "run: --mount",
    script: `mkdir "$SCRATCH/m"; cd "$SCRATCH"; tsctr run --rm --mount type=bind,src=m,dst=/b,ro --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 --mount src=mounted,dst=/v "$IMAGE" sh -c 'grep -c " /b .* ro," /proc/mounts; stat -c %a /t; echo kept >/v/f; (: >/b/x) 2>/dev/null || echo refused'; tsctr run --rm --mount type=volume,source=mounted,target=/v,readonly "$IMAGE" cat /v/f; tsctr volumes rm mounted; rmdir m; for m in x type=x,dst=/a type=bind,dst=/a type=bind,src=/nosuch,dst=/a dst=a type=tmpfs,src=a,dst=/a dst=/a,dst=/b; do tsctr run --rm --mount $m "$IMAGE" true; done; tsctr run --rm --mount dst=/a --tmpfs /a "$IMAGE" true; echo "status $?"`,
  },
  {
    name: "run: volumes of the image",
    script: `C="$TAG-vi"; tsctr run --name "$C" "$IMAGE" mkdir /data; tsctr commit --change 'VOLUME /data /etc' "$C" voluminous:1 >/dev/null; tsctr rm "$C"; tsctr run --rm voluminous:1 sh -c 'grep -c " /data \\| /etc " /proc/mounts; cat /etc/group' | head -n 2; tsctr volumes ls -q | wc -l; tsctr run --rm -v own:/data --tmpfs /etc voluminous:1 true; tsctr volumes ls -q; tsctr volumes rm own; tsctr run -d --name "$C" voluminous:1 true >/dev/null; tsctr wait "$C"; tsctr volumes ls -q | wc -l; tsctr rm -v "$C"; tsctr volumes ls -q | wc -l; tsctr run --rm voluminous:1 nosuch 2>/dev/null; tsctr volumes ls -q | wc -l; tsctr rmi voluminous:1`,
  },
  {
    name: "run: --init, and namespaces of the host",
    script: `tsctr run --rm --init "$IMAGE" sh -c 'tr "\\0" " " </proc/1/cmdline | cut -c 1-23; kill -9 $$'; echo "status $?"; for ns in ipc uts; do tsctr run --rm --$ns host "$IMAGE" readlink /proc/self/ns/$ns | cmp - <(readlink /proc/self/ns/$ns) && echo $ns; done; tsctr run --rm --ipc host "$IMAGE" sh -c 'df /dev/shm | tail -n 1' | cut -d' ' -f1`,
  },
  {
    name: "run: limits and ids that few ask for",
    script: `C="$TAG-ex"; tsctr create --name "$C" -m 64m --memory-swap 100m --memory-reservation 32m --cpuset-mems 0 --blkio-weight 100 --cgroup-parent a/b --stop-timeout 3 --annotation k=v --label-file <(:) "$IMAGE" 2>&1 | grep -o 'must be a regular file'; printf '# remark\\nx=y\\n' >"$SCRATCH/labels"; tsctr create --name "$C" --cidfile "$SCRATCH/id" -m 64m --memory-swap 100m --memory-reservation 32m --cpuset-mems 0 --blkio-weight 100 --cgroup-parent a/b --stop-timeout 3 --annotation k=v --label-file "$SCRATCH/labels" "$IMAGE"; cat "$SCRATCH/id"; echo; tsctr inspect "$C" | jq -c '.[0] | [.labels.x, .labels."tsrun.dev/stop-timeout"], (.spec | [.annotations, .linux.cgroupsPath, .linux.resources.memory, .linux.resources.cpu, .linux.resources.blockIO])'; tsctr rm "$C"; tsctr run --rm --cidfile "$SCRATCH/id" "$IMAGE" true; rm "$SCRATCH/id" "$SCRATCH/labels"; tsctr run --rm --cidfile "$SCRATCH/id" "$IMAGE" nosuch 2>/dev/null; ls "$SCRATCH/id" 2>/dev/null; tsctr run --rm --oom-score-adj 500 --group-add 77 "$IMAGE" sh -c 'cat /proc/self/oom_score_adj; id -G'; rm -f "$SCRATCH/id"`,
  },
  {
    name: "run: names of hosts",
    ownOnly: NO_NETWORKS,
    script: `tsctr run --rm --add-host db:10.0.0.7 --add-host v=::1 --dns 9.9.9.9 --dns-search a.b --dns-option ndots:3 "$IMAGE" sh -c 'tail -n 2 /etc/hosts; cat /etc/resolv.conf'; tsctr run --rm --net host --add-host db:10.0.0.7 "$IMAGE" grep db /etc/hosts; for o in "--add-host db" "--dns x" "--dns-search a,b"; do tsctr run --rm $o "$IMAGE" true; done`,
  },
  {
    name: "run: files that have no end",
    script: `mkfifo "$SCRATCH/fifo"; truncate -s 1T "$SCRATCH/large"; for f in /dev/zero "$SCRATCH/fifo" "$SCRATCH" "$SCRATCH/large"; do for o in --env-file= --label-file= --security-opt=seccomp=; do tsctr run --rm "$o$f" "$IMAGE" true; done; done; rm "$SCRATCH/fifo" "$SCRATCH/large"`,
  },
  {
    name: "run: what makes no sense, of these",
    script: `for o in "--ipc x" "--uts host --hostname h" "--userns remap" "--cgroupns x" "--memory-swap 1m" "-m 2m --memory-swap 1m" "-m 1m --memory-reservation 2m" "--oom-score-adj 1001" "--blkio-weight 1" "--cgroup-parent a/../b" "--group-add wheel" "--platform a/b/c/d" "--annotation =x" "--stop-timeout x"; do tsctr run --rm $o "$IMAGE" true; done`,
  },
];
