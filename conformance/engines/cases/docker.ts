import type { EngineCase } from "../engine.ts";

const V1_OR_V2_LIMIT = "limit() { for f in /sys/fs/cgroup/$1 /sys/fs/cgroup/$2; do [ -e $f ] && cat $f; done; }; ";

const LINES: Readonly<Record<string, string>> = {
  run: "docker run --rm busybox echo hello",
  "run, exit status": "docker run --rm busybox sh -c 'exit 7'",
  "run, no such program": "docker run --rm busybox nonesuch; echo $?",
  "run, a folder": "docker run --rm busybox /tmp; echo $?",
  "run, not executable": "docker run --rm busybox /etc/passwd; echo $?",
  "run, missing folder": "docker run --rm -w /etc/passwd busybox true; echo $?",
  "run -i": "echo one two | docker run --rm -i busybox cat",
  "run -i, much": "head -c 3000000 /dev/zero | docker run --rm -i busybox wc -c",
  "run -t": "docker run --rm -t busybox sh -c 'test -t 0 && echo terminal'",
  "run -u -w -e": "docker run --rm -u 1000:5 -w /tmp -e A=1 busybox sh -c 'id; pwd; echo $A'",
  "run --read-only --tmpfs":
    "docker run --rm --read-only --tmpfs /t:size=1m busybox sh -c 'touch /x; touch /t/x && grep \" /t \" /proc/mounts'",
  "run -v": "mkdir -p v; echo x > v/f; docker run --rm -v $site/v:/v:ro busybox sh -c 'cat /v/f; touch /v/g'",
  "run, limits": `docker run --rm --memory 64m --pids-limit 9 --cpus 0.5 --cpu-shares 300 busybox sh -c '${V1_OR_V2_LIMIT}limit memory/memory.limit_in_bytes memory.max; limit pids/pids.max pids.max; limit cpu/cpu.cfs_quota_us cpu.max; limit cpu/cpu.shares cpu.weight'`,
  "run --memory, exceeded":
    "docker run --name oom --memory 16m busybox sh -c 'head -c 100m /dev/zero | tail' 2> /dev/null; docker inspect oom --format '{{.State.ExitCode}}'; docker rm -f oom",
  "run --cap-drop": "docker run --rm --cap-drop all --cap-add chown busybox grep Cap /proc/self/status",
  "run --privileged":
    "docker run --rm --privileged busybox sh -c 'grep -E \"Seccomp|NoNew\" /proc/self/status; grep -c . /proc/mounts'",
  "run, the default profile":
    "docker run --rm busybox sh -c 'grep -E \"Seccomp|NoNew|Cap\" /proc/self/status; mount -t tmpfs x /mnt; unshare -r true'",
  "run --security-opt no-new-privileges":
    "docker run --rm --security-opt no-new-privileges busybox grep NoNew /proc/self/status",
  "run --device": "docker run --rm --device /dev/null:/dev/mine:r busybox stat -c '%A %t:%T %n' /dev/mine",
  "run --device-cgroup-rule":
    "docker run --rm --device-cgroup-rule 'c 1:3 r' busybox sh -c 'mknod /tmp/n c 1 3; cat /tmp/n; echo x > /tmp/n; echo $?'",
  "run --ulimit": "docker run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'",
  "run --sysctl": "docker run --rm --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward",
  "run --shm-size": "docker run --rm --shm-size 1m busybox sh -c 'grep /dev/shm /proc/mounts'",
  "run --pid host": "docker run --rm --pid host busybox sh -c 'test $$ -gt 1 && echo host'",
  "run --ipc, --uts host": "docker run --rm --ipc host --uts host busybox hostname | grep -cx $(hostname)",
  "run --oom-score-adj": "docker run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj",
  "run -d, logs, wait":
    "docker run -d --name dead busybox sh -c 'echo one; echo two; exit 3' > id; docker wait dead; docker logs dead; docker inspect dead --format '{{.State.Status}} {{.State.ExitCode}}'; docker rm dead",
  "run -d, no such program":
    "docker run -d --name dead busybox nonesuch > /dev/null; echo $?; docker inspect dead --format '{{.State.Status}} {{.State.ExitCode}}'; docker rm -f dead",
  "start, stop":
    "docker run -d --name box busybox sh -c 'trap \"exit 5\" TERM; echo up; while :; do sleep 0.1; done' > /dev/null; until docker logs box | grep -q up; do :; done; docker stop box; docker inspect box --format '{{.State.ExitCode}}'; docker start box; docker rm -f box",
  "restart policy":
    "docker run -d --name box --restart on-failure:2 busybox false > /dev/null; docker wait box; until docker inspect box --format '{{.RestartCount}} {{.State.Status}}' | grep -qx '2 exited'; do :; done; echo restarted; docker rm -f box",
  kill: "docker run -d --name box busybox sleep 100 > /dev/null; docker kill -s KILL box; docker wait box; docker kill box; docker rm box",
  "pause, unpause":
    "docker run -d --name box busybox sleep 100 > /dev/null; docker pause box; docker inspect box --format '{{.State.Status}}'; docker exec box true; docker unpause box; docker exec box echo awake; docker rm -f box",
  exec: "docker run -d --name box busybox sleep 100 > /dev/null; docker exec box echo inside; docker exec box sh -c 'exit 9'; echo $?; docker rm -f box",
  "exec, no such program":
    "docker run -d --name box busybox sleep 100 > /dev/null; docker exec box nonesuch; echo $?; docker exec box /tmp; echo $?; docker exec box /etc/passwd; echo $?; docker rm -f box",
  "exec -e -w -u":
    "docker run -d --name box -e X=1 busybox sleep 100 > /dev/null; docker exec -e Y=2 -w /tmp -u 1000 box sh -c 'echo $X $Y; pwd; id -u'; docker rm -f box",
  "exec -i":
    "docker run -d --name box busybox sleep 100 > /dev/null; echo to stdin | docker exec -i box cat; docker rm -f box",
  "exec -t":
    "docker run -d --name box busybox sleep 100 > /dev/null; docker exec -t box sh -c 'test -t 0 && echo terminal'; docker rm -f box",
  "exec --privileged":
    "docker run -d --name box busybox sleep 100 > /dev/null; docker exec --privileged box grep Cap /proc/self/status; docker exec box grep Cap /proc/self/status; docker rm -f box",
  top: "docker run -d --name box busybox sleep 100 > /dev/null; docker top box -eo pid,comm | grep -c sleep; docker rm -f box",
  stats:
    "docker run -d --name box busybox sleep 100 > /dev/null; docker stats --no-stream --format '{{.Name}} {{.PIDs}}' box; docker rm -f box",
  update:
    "docker run -d --name box --memory 64m --memory-swap 64m busybox sleep 100 > /dev/null; docker update --memory 32m --memory-swap 32m --cpu-shares 200 box; docker exec box sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null'; docker rm -f box",
  "run, joined namespaces":
    "docker run -d --name box busybox sleep 100 > /dev/null; docker run --rm --pid container:box --network container:box busybox sh -c 'ps | grep -q \"[s]leep 100\" && echo seen'; docker rm -f box",
  build:
    "mkdir -p b; printf 'FROM busybox\\nRUN echo made > /made && id\\nRUN cat /made\\n' > b/Dockerfile; docker build --no-cache -q -t built b > /dev/null; docker run --rm built cat /made",
  "build, RUN that fails":
    "mkdir -p b; printf 'FROM busybox\\nRUN exit 4\\n' > b/Dockerfile; docker build --no-cache -q b; echo $?",
  cp: "docker run -d --name box busybox sleep 100 > /dev/null; echo copied > f; docker cp -q f box:/f || docker cp f box:/f; docker exec box cat /f; docker rm -f box",
  "ten at once": "for i in 1 2 3 4 5 6 7 8 9 10; do docker run --rm busybox echo $i & done | sort -n; wait",
};

export const DOCKER_CASES: readonly EngineCase[] = Object.entries(LINES).map(([name, script]) => ({
  name: `docker/${name}`,
  script,
}));
