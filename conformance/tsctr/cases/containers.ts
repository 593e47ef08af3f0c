import type { Case } from "../case.ts";

/** Types at a terminal of 24 rows and 80 columns; a line is typed when what is before the arrow was shown. */
const TERMINAL = `python3 "$TYPIST"`;

const BEHIND = "containerd's shim may tell the end of a program before its output is in the log";

export const containerCases: readonly Case[] = [
  { name: "version", script: "tsctr version | sed 's/:.*/:/'" },
  { name: "version as JSON", script: "tsctr version --format json | jq -r 'keys[], (.server | keys[])'" },
  { name: "info", script: "tsctr info --format json | jq -c '[.containers, .images, .namespace, .snapshotters]'" },
  { name: "nothing runs", script: "tsctr ps; tsctr ps -q; tsctr ps --format json" },
  { name: "run", script: 'tsctr run --rm "$IMAGE" echo hello' },
  {
    name: "run: both outputs and the status",
    script: `tsctr run --rm "$IMAGE" sh -c 'echo out; echo err >&2; exit 7'`,
  },
  { name: "run: the image's program", script: `echo 'echo $((6 * 7))' | tsctr run -i --rm "$IMAGE"` },
  { name: "run: standard input to its end", script: `printf 'a\\nb\\n' | tsctr run -i --rm "$IMAGE" cat` },
  { name: "run: no standard input", script: `echo lost | tsctr run --rm "$IMAGE" cat` },
  { name: "run: a megabyte both ways", script: `head -c 1000000 /dev/zero | tsctr run -i --rm "$IMAGE" cat | wc -c` },
  {
    name: "run: environment",
    script: `printf '# remark\\nC=3\\nD=4\\n' >"$SCRATCH/env"; GIVEN=here tsctr run --rm -e A=1 -eB= -e GIVEN -e ABSENT --env-file "$SCRATCH/env" -e D=5 "$IMAGE" sh -c 'echo $A,$B,$C,$D,$GIVEN,\${ABSENT-none},$PATH'`,
  },
  {
    name: "run: user, group and directory",
    script: `tsctr run --rm -u 12:34 -w /tmp "$IMAGE" sh -c 'id -u; id -g; pwd'`,
  },
  { name: "run: entrypoint", script: `tsctr run --rm --entrypoint echo "$IMAGE" one two` },
  {
    name: "run: names",
    script: `tsctr run --rm --name "$TAG-n" "$IMAGE" hostname; tsctr run --rm --hostname box "$IMAGE" hostname`,
  },
  {
    name: "run: volumes",
    script: `mkdir -p "$SCRATCH/v" && cd "$SCRATCH" && tsctr run --rm -v ./v:/data "$IMAGE" sh -c 'echo from inside >/data/f' && cat v/f; tsctr run --rm -v "$SCRATCH/v:/data:ro" "$IMAGE" sh -c 'cat /data/f; echo x >/data/g' || echo "status $?"`,
  },
  {
    name: "run: tmpfs",
    script: `tsctr run --rm --tmpfs /scratch:size=1m "$IMAGE" sh -c 'grep " /scratch " /proc/mounts | cut -d" " -f3; echo ok >/scratch/x; cat /scratch/x'`,
  },
  { name: "run: read-only", script: `tsctr run --rm --read-only "$IMAGE" sh -c 'echo x >/x'; echo "status $?"` },
  {
    name: "run: limits",
    script: `tsctr run -d --name "$TAG-l" -m 32m --cpus 0.5 --pids-limit 20 "$IMAGE" sleep 1000; tsctr inspect "$TAG-l" | jq -c '.[0].spec.linux.resources'; tsctr stats --no-stream --format json "$TAG-l" | jq -c '[.id, .memoryLimitBytes, .pids]'; tsctr rm -f "$TAG-l"`,
  },
  {
    name: "run: capabilities",
    script: `for o in "" "--cap-drop all" "--cap-drop all --cap-add kill"; do tsctr run --rm $o "$IMAGE" grep CapBnd /proc/self/status; done; tsctr run --rm --privileged "$IMAGE" grep CapBnd /proc/self/status | cmp - <(grep CapBnd /proc/self/status) && echo all`,
  },
  {
    name: "run: seccomp",
    script: `for o in "" "--cap-add sys_admin" "--privileged" "--security-opt seccomp=unconfined"; do tsctr run --rm $o "$IMAGE" sh -c 'grep Seccomp: /proc/self/status; unshare -u true 2>/dev/null && echo unshared; chroot / true && echo chrooted'; done`,
  },
  {
    name: "run: seccomp, a profile",
    script: `echo '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64"}, {"architecture": "SCMP_ARCH_AARCH64"}], "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_TIME"]}}]}' >"$SCRATCH/seccomp.json"; cd "$SCRATCH"; for o in "" "--cap-add sys_time"; do tsctr run --rm --security-opt seccomp=seccomp.json $o "$IMAGE" sh -c 'mkdir /tmp/x && echo made'; done; rm seccomp.json`,
  },
  {
    name: "run: no new privileges, and paths of the system",
    script: `tsctr run --rm --security-opt no-new-privileges "$IMAGE" grep NoNewPrivs /proc/self/status; tsctr run --rm --security-opt mask=/proc/cpuinfo "$IMAGE" sh -c 'wc -c </proc/cpuinfo'; tsctr run --rm --security-opt systempaths=unconfined "$IMAGE" sh -c 'grep -c " /proc/sys " /proc/mounts'`,
  },
  {
    name: "run: devices",
    script: `mkdir "$SCRATCH/dev"; mknod -m 640 "$SCRATCH/dev/log" c 1 11; tsctr run --rm --device "$SCRATCH/dev/log:/dev/log1" --device "$SCRATCH/dev:/dev/more:r" "$IMAGE" sh -c 'stat -c "%n %a %t:%T" /dev/log1 /dev/more/log'; for o in w r; do tsctr run --rm --device "$SCRATCH/dev/log:/dev/log1:$o" "$IMAGE" sh -c ': 2>/dev/null >/dev/log1' 2>/dev/null; echo "status $?"; done; tsctr run --rm --privileged "$IMAGE" sh -c ': >/dev/kmsg'; echo "status $?"; rm -r "$SCRATCH/dev"`,
  },
  {
    name: "run: security that makes no sense",
    script: `for o in seccomp seccomp=/nosuch seccomp=/dev/null secomp=x no-new-privileges=maybe label=type:x apparmor=; do tsctr run --security-opt $o "$IMAGE" true; echo "status $?"; done; for o in kmsg /dev/nosuch /etc/passwd /dev/kmsg:x vendor.com/class=all; do tsctr run --device $o "$IMAGE" true; echo "status $?"; done`,
  },
  {
    name: "run: limits of resources",
    script: `tsctr run --rm --ulimit nofile=100:200 "$IMAGE" sh -c 'ulimit -n; ulimit -Hn'`,
  },
  {
    name: "run: host's network",
    script: `n=$(readlink /proc/self/ns/net); tsctr run --rm --net host "$IMAGE" readlink /proc/self/ns/net | grep -Fqx "$n" && echo shared; tsctr run --rm "$IMAGE" readlink /proc/self/ns/net | grep -Fqx "$n" || echo own`,
  },
  {
    name: "run: labels",
    script: `tsctr run -d --name "$TAG-la" -l a=1 --label b "$IMAGE" true >/dev/null; tsctr wait "$TAG-la"; tsctr ps -a --filter labels.a==1 -q; tsctr inspect "$TAG-la" | jq -c '.[0].labels | del(."tsrun.dev/log-uri")'; tsctr rm "$TAG-la"`,
  },
  {
    name: "run: no such program",
    script: `tsctr run --rm "$IMAGE" nosuch 2>&1 | grep -o 'executable file not found in $PATH'; tsctr run --rm "$IMAGE" nosuch 2>/dev/null; echo "status $?"`,
  },
  { name: "run: not executable", script: `tsctr run --rm "$IMAGE" /etc 2>/dev/null; echo "status $?"` },
  { name: "run: no such user", script: `tsctr run --rm -u nobodythere "$IMAGE" true` },
  { name: "run: no such image", script: `tsctr run --pull never --rm no.such/image true` },
  {
    name: "run: a name that is taken",
    script: `tsctr run -d --name "$TAG-t" "$IMAGE" sleep 1000; tsctr run --rm --name "$TAG-t" "$IMAGE" true; tsctr rm -f "$TAG-t"`,
  },
  {
    name: "run: what makes no sense",
    script: `for o in "--rm --restart always" "--volume :/x" "--memory much" "--net none -p 1:1" "--restart often" "--cap-add fly" "--nmae x"; do tsctr run $o "$IMAGE" true; echo "status $?"; done`,
  },
  {
    name: "run: signals",
    script: `"$TSCTR" run --rm --name "$TAG-s" "$IMAGE" sh -c 'trap "echo got it; exit 9" TERM; echo up; while :; do sleep 0.1; done' >"$SCRATCH/out" & p=$!; until grep -qs up "$SCRATCH/out"; do sleep 0.05; done; kill -TERM $p; wait $p; echo "status $?"; cat "$SCRATCH/out"`,
  },
  {
    name: "run: a reader that goes",
    script: `tsctr run --rm "$IMAGE" sh -c 'while :; do echo y; done' 2>/dev/null | head -n 1`,
  },
  {
    name: "run -it",
    script: `${TERMINAL} "tsctr run -it --rm $IMAGE sh" '# ->tty; stty size' '24 80->exit 5' | grep -E '^(/dev|24)'`,
  },
  {
    name: "run -it: the terminal is as before",
    script: `${TERMINAL} "stty -g >$SCRATCH/before; tsctr run -it --rm $IMAGE sh -c 'exit 3'; stty -g >$SCRATCH/after; cmp $SCRATCH/before $SCRATCH/after && echo same; rm $SCRATCH/before $SCRATCH/after"`,
  },
  { name: "run -it: without a terminal", script: `tsctr run -it --rm "$IMAGE" true </dev/null` },
  {
    name: "run -it: leave, and come back",
    script: `${TERMINAL} "tsctr run -it --name $TAG-at $IMAGE sh" '# ->echo fir""st' 'first->\\x10\\x11' | grep -o 'detached from'; tsctr ps -q; ${TERMINAL} "tsctr attach $TAG-at" '->echo sec""ond' 'second->exit 6' | grep -o '^second'; tsctr wait "$TAG-at"; tsctr rm "$TAG-at"`,
  },
  {
    name: "run -d",
    script: `tsctr run -d --name "$TAG-web" "$IMAGE" sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'`,
  },
  {
    name: "ps",
    script: `tsctr ps; tsctr ps -q; tsctr ps --format json | jq -c '.[] | [.id, .image, .status, .command[0]]'`,
  },
  { name: "ps: no such option", script: "tsctr ps --al" },
  {
    name: "inspect",
    script: `tsctr inspect "$TAG-web" | jq -c '.[0] | [.id, .image, .status, .runtime, .snapshotter, .spec.process.args[0]]'; tsctr inspect "$TAG-nobody"`,
  },
  { name: "exec", script: `tsctr exec "$TAG-web" sh -c 'echo out; echo err >&2; exit 4'` },
  { name: "exec: standard input", script: `echo piped | tsctr exec -i "$TAG-web" cat` },
  {
    name: "exec: user, directory and variables",
    script: `tsctr exec -u 5:6 -w /tmp -e A=1 "$TAG-web" sh -c 'id -u; id -g; pwd; echo $A'`,
  },
  {
    name: "exec: a terminal",
    script: `${TERMINAL} "tsctr exec -it $TAG-web sh" '# ->tty' '/dev/pts/->exit 2' | grep '^/dev/pts'`,
  },
  {
    name: "exec: in the background",
    script: `tsctr exec -d "$TAG-web" sleep 1000 | grep -c '^[0-9]*$'; tsctr top "$TAG-web" -o args= | grep sleep.1000`,
  },
  {
    name: "exec: failures",
    script: `tsctr exec "$TAG-web" nosuch 2>/dev/null; echo "status $?"; tsctr exec "$TAG-nobody" true; echo "status $?"; tsctr exec "$TAG-web"; echo "status $?"`,
  },
  { name: "top", script: `tsctr top "$TAG-web" -o args | head -n 1; tsctr top "$TAG-web" -o nosuch` },
  {
    name: "stats",
    script: `tsctr stats --no-stream "$TAG-web" | head -n 1; tsctr stats --no-stream --format json "$TAG-web" | jq -c '[.id, .pids > 0, .memoryBytes > 0, .cpuNs > 0, .network]'; tsctr run -d --name "$TAG-hn" --net host "$IMAGE" sleep 1000 >/dev/null; tsctr stats --no-stream --format json "$TAG-hn" | jq -c '[.id, .network]'; tsctr rm -f "$TAG-hn"`,
  },
  {
    name: "pause and resume",
    script: `tsctr pause "$TAG-web"; tsctr ps --format json | jq -r '.[].status'; tsctr exec "$TAG-web" true; tsctr pause "$TAG-web"; tsctr resume "$TAG-web"; tsctr ps --format json | jq -r '.[].status'; tsctr resume "$TAG-web"`,
  },
  {
    name: "explain",
    script: `tsctr explain "$TAG-web" | grep -c execve; tsctr explain --format json "$TAG-web" | jq -r '.[0].process'`,
  },
  {
    name: "attach: to what writes nowhere",
    script: `ctr --address "$CONTAINERD_ADDRESS" run -d --null-io "$IMAGE" "$TAG-null" sleep 1000; tsctr attach "$TAG-null"; echo "status $?"; tsctr attach "$TAG-nobody"; echo "status $?"; tsctr rm -f "$TAG-null"`,
  },
  {
    name: "attach: to one in the background",
    script: `"$TSCTR" attach "$TAG-web" >"$SCRATCH/attached" & p=$!; until [ -s "$SCRATCH/attached" ]; do tsctr exec "$TAG-web" sh -c 'echo seen >/proc/1/fd/1'; done; kill -KILL $p; wait $p 2>/dev/null; sort -u "$SCRATCH/attached"; rm "$SCRATCH/attached"`,
  },
  {
    name: "create, and start",
    ownOnly: BEHIND,
    script: `C="$TAG-cr"; tsctr create --name "$C" "$IMAGE" sh -c 'echo out; exit 4'; tsctr ps -a --filter "id==$C" --format json | jq -r '.[].status'; tsctr exec "$C" true; tsctr start -a "$C"; echo "status $?"; tsctr start "$C"; tsctr wait "$C"; tsctr logs "$C"; tsctr start -a "$C" "$C"; echo "status $?"; tsctr rm "$C"; tsctr create --pull never no.such/image; echo "status $?"`,
  },
  {
    name: "create -i, and start -ai",
    ownOnly: BEHIND,
    script: `C="$TAG-ci"; tsctr create -i --name "$C" "$IMAGE" sh -c 'read a; echo "a=$a"; exit 3'; echo one | tsctr start -ai "$C"; echo "status $?"; tsctr rm "$C"`,
  },
  {
    name: "start: one that ran in the foreground",
    script: `C="$TAG-fg"; tsctr run --name "$C" "$IMAGE" echo once; tsctr start "$C"; tsctr wait "$C"; until tsctr logs "$C" | grep once; do sleep 0.1; done; tsctr rm "$C"`,
  },
  {
    name: "run -d -i",
    ownOnly: BEHIND,
    script: `C="$TAG-di"; tsctr run -d -i --name "$C" "$IMAGE" sh -c 'read a; echo "a=$a"; read b; echo "b=$b"; exit 5'; echo one | "$TSCTR" attach "$C" >"$SCRATCH/attached" & p=$!; until grep -s a= "$SCRATCH/attached"; do sleep 0.05; done 2>/dev/null; kill -KILL $p; wait $p 2>/dev/null; echo two | tsctr attach "$C"; echo "status $?"; tsctr rm "$C"; rm "$SCRATCH/attached"`,
  },
  {
    name: "run -d -it",
    script: `C="$TAG-dt"; tsctr run -dit --name "$C" "$IMAGE" sh; ${TERMINAL} "tsctr attach $C" '->echo fir""st' 'first->\\x10\\x11' | grep -o '^first'; ${TERMINAL} "tsctr attach $C" '->echo sec""ond' 'second->exit 6' | grep -o '^second'; tsctr wait "$C"; tsctr rm "$C"`,
  },
  { name: "rm: one that runs", script: `tsctr rm "$TAG-web"` },
  {
    name: "restart, and docker's other words",
    script: `C="$TAG-re"; tsctr run -d --name "$C" --stop-signal KILL --shm-size 1m --log-opt max-size=1m "$IMAGE" sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2; sleep 1000'; until tsctr logs "$C" | grep 1024; do sleep 0.05; done; tsctr restart "$C"; tsctr container ls -q | grep "$C"; tsctr ps -l -q; tsctr ps -n 1 --no-trunc -q; tsctr pause "$C"; tsctr unpause "$C"; tsctr container rm -f "$C"; tsctr restart "$C"; tsctr image inspect x; tsctr volume ls list; tsctr load; tsctr run --log-opt max-file=2 "$IMAGE" true; tsctr run -d --network none -p 1:1 "$IMAGE" true`,
  },
  { name: "stop", script: `tsctr stop "$TAG-web"; tsctr ps -a; tsctr wait "$TAG-web"; tsctr stop "$TAG-web"` },
  { name: "start", script: `tsctr start "$TAG-web"; tsctr ps -q; tsctr start "$TAG-web"` },
  {
    name: "stop: one that does not listen",
    script: `tsctr run -d --name "$TAG-deaf" "$IMAGE" sleep 1000; tsctr stop -t 0 "$TAG-deaf"; tsctr wait "$TAG-deaf"; tsctr rm "$TAG-deaf"`,
  },
  {
    name: "kill",
    script: `tsctr kill --signal TERM "$TAG-web"; tsctr wait "$TAG-web"; tsctr kill "$TAG-web"; tsctr kill -s NOSUCH "$TAG-web"`,
  },
  { name: "rm", script: `tsctr rm "$TAG-web"; tsctr rm "$TAG-web"; tsctr ps -a` },
  {
    name: "the begin of an id",
    script: `tsctr run -d --name "$TAG-same1" "$IMAGE" sleep 1000; tsctr run -d --name "$TAG-same2" "$IMAGE" sleep 1000; tsctr rm -f "$TAG-sa"; tsctr rm -f "$TAG-same1"; tsctr rm -f "$TAG-sa"`,
  },
  {
    name: "events",
    script: `"$TSCTR" events --filter "namespace==default,topic~=/tasks/" --format json >"$SCRATCH/events" & p=$!; until tsctr run --rm --name "$TAG-ev" "$IMAGE" true && grep -qs delete "$SCRATCH/events"; do :; done; kill $p; wait $p; jq -r 'select(.event.containerId == "'$TAG-ev'") | .topic' "$SCRATCH/events" | head -n 4`,
  },
  { name: "no daemon", script: `tsctr --address "$SCRATCH/nobody" ps` },
  { name: "no command", script: "tsctr pss; tsctr image ls extra argument | head -n 1; tsctr help nosuch" },
  { name: "help", script: "tsctr --help | head -n 2; tsctr run --help | head -n 2; tsctr help ps | head -n 2" },
  {
    name: "nothing is left",
    script: `tsctr ps -a -q | grep "$TAG"; tsctr snapshots ls 2>/dev/null | grep -c "$TAG"; tsctr leases ls | tail -n +2; ls /run/tsctr/fifo | grep "$TAG"; ls /var/lib/tsctr/logs/default | grep "$TAG"; ls "$SCRATCH" | grep -v '^[0-9]'`,
    unordered: true,
  },
];
