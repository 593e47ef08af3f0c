import type { Case } from "../case.ts";

const NO_NETWORKS = "containerd makes no networks";

export const changeCases: readonly Case[] = [
  {
    name: "update",
    script: `C="$TAG-up"; tsctr run -d --name "$C" -m 64m --pids-limit 50 "$IMAGE" sleep 1000; tsctr update -m 128m --cpus 0.5 "$C"; tsctr stats --no-stream --format json "$C" | jq -c '.memoryLimitBytes'; tsctr inspect "$C" | jq -c '.[0].spec.linux.resources | [.memory, .cpu, .pids]'; tsctr restart -t 0 "$C"; tsctr stats --no-stream --format json "$C" | jq -c '.memoryLimitBytes'; tsctr update --restart on-failure:3 "$C"; tsctr inspect "$C" | jq -c '.[0].labels."containerd.io/restart.policy"'; tsctr update --restart no "$C"; tsctr inspect "$C" | jq -c '.[0].labels."containerd.io/restart.status" // ""'; tsctr update "$C"; echo "status $?"; tsctr update --restart often "$C" 2>/dev/null; tsctr update -m 1m nosuch; echo "status $?"; tsctr rm -f "$C"`,
  },
  {
    name: "run --restart, and update: the monitor is told of a log that the shim can write",
    script: `C="$TAG-rs"; same() { tsctr inspect "$C" | jq '.[0] | .labels."containerd.io/restart.loguri" == .task.stdout'; }; tsctr run -d --restart unless-stopped --name "$C" "$IMAGE" sleep 1000; same; tsctr rm -f "$C"; tsctr run -d --name "$C" "$IMAGE" sleep 1000; tsctr update --restart unless-stopped "$C"; same; tsctr rm -f "$C"`,
  },
  {
    name: "prune, and df",
    script: `C="$TAG-pr"; tsctr run -d --name "$C-a" "$IMAGE" sleep 1000 >/dev/null; tsctr create --name "$C-b" -v /x "$IMAGE" true >/dev/null; tsctr run --name "$C-c" "$IMAGE" true; tsctr df --format json | jq -c '.[] | [.kind, .active]'; tsctr prune </dev/null; echo "status $?"; tsctr system prune -f --volumes | sort; tsctr container prune -f; tsctr volumes ls -q | wc -l; tsctr rm -f "$C-a"; tsctr df | head -n 1`,
  },
  {
    name: "prune: images",
    script: `C="$TAG-pi"; tsctr tag "$IMAGE" spare:1 >/dev/null; tsctr run -d --name "$C" "$IMAGE" sleep 1000 >/dev/null; tsctr prune -f -a | grep -v "$IMAGE"; tsctr images -q | grep spare; tsctr rm -f "$C"; tsctr images -q | grep -cF "$IMAGE"`,
  },
  {
    name: "history, save and load",
    script: `tsctr history "$IMAGE" | head -n 1; tsctr history --format json "$IMAGE" | jq -c '.[] | [.createdBy, .size > 0]'; tsctr history -q "$IMAGE" | grep -c '^sha256:'; tsctr history nosuch; tsctr save -o "$SCRATCH/saved" "$IMAGE"; tsctr load -i "$SCRATCH/saved"; tsctr load <"$SCRATCH/saved"; tsctr load -i /nosuch; echo "status $?"; rm "$SCRATCH/saved"`,
  },
  {
    name: "port",
    ownOnly: NO_NETWORKS,
    script: `tsctr create --name "$TAG-po" "$IMAGE" true >/dev/null; tsctr port "$TAG-po"; tsctr port "$TAG-po" 80; tsctr port "$TAG-po" x; echo "status $?"; tsctr rm "$TAG-po"`,
  },
];
