import type { EngineCase } from "../engine.ts";

const V1_OR_V2_LIMIT = "limit() { for f in /sys/fs/cgroup/$1 /sys/fs/cgroup/$2; do [ -e $f ] && cat $f; done; }; ";

/** One case a line: its name, and what is typed. */
/** Kubernetes' Pod, as podman-play-kube(1) takes it. */
const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: {
    hostNetwork: true,
    restartPolicy: "Never",
    containers: [
      {
        name: "one",
        image: "localhost/busybox",
        command: ["/bin/sh", "-c", "echo from one; exec sleep 100"],
        env: [{ name: "PATH", value: "/bin" }],
        resources: { limits: { memory: "32Mi" } },
        volumeMounts: [{ mountPath: "/data", name: "data" }],
      },
    ],
    volumes: [{ name: "data", hostPath: { path: "SITE/kube" } }],
  },
};

const LINES: Readonly<Record<string, string>> = {
  run: "podman run --rm busybox echo hello",
  "run, exit status": "podman run --rm busybox sh -c 'exit 7'",
  "run, killed by a signal": "podman run --rm busybox sh -c 'kill -9 $$'",
  "run, no such program": "podman run --rm busybox nonesuch",
  "run, no such path": "podman run --rm busybox /none/such",
  "run, a folder": "podman run --rm busybox /tmp",
  "run, not executable": "podman run --rm busybox /etc/passwd",
  "run, missing interpreter":
    "printf '#!/none/such\\n' > script; chmod +x script; podman run --rm -v ./script:/script busybox /script",
  "run -i": "echo one two | podman run --rm -i busybox cat",
  "run -i, much": "head -c 3000000 /dev/zero | podman run --rm -i busybox wc -c",
  "run -t": "podman run --rm -t busybox sh -c 'test -t 0 && test -t 1 && echo terminal; stty size < /dev/null || true'",
  "run, stdout and stderr": "podman run --rm busybox sh -c 'echo out; echo err >&2'",
  "run, environment": "podman run --rm -e A=1 -e B busybox env",
  "run -w": "podman run --rm -w /usr/new busybox pwd",
  "run -w, a file": "podman run --rm -w /etc/passwd busybox pwd",
  "run -u": "podman run --rm -u 1000:5 busybox id",
  "run -u by name": "podman run --rm -u user --group-add 7 busybox id",
  "run -u, unknown": "podman run --rm -u nobody-there busybox id",
  "run --hostname": "podman run --rm --hostname judged busybox hostname",
  "run --read-only":
    "podman run --rm --read-only busybox sh -c 'touch /x; touch /tmp/x && echo tmp; touch /dev/shm/x && echo shm'",
  "run --tmpfs":
    "podman run --rm --tmpfs /scratch:size=1m,mode=700 busybox sh -c 'grep /scratch /proc/mounts; stat -c %a /scratch'",
  "run --tmpfs, refused": "podman run --rm --tmpfs /scratch:size=much busybox true",
  "run -v":
    "mkdir -p v; echo x > v/f; podman run --rm -v ./v:/v busybox sh -c 'cat /v/f; echo y > /v/g'; cat v/g; rm -r v",
  "run -v ro": "mkdir -p v; podman run --rm -v ./v:/v:ro busybox sh -c 'touch /v/g'; rmdir v",
  "run -v, a file": "echo text > file; podman run --rm -v ./file:/deep/in/file busybox cat /deep/in/file",
  "run -v named":
    "podman run --rm -v vol:/v busybox sh -c 'echo kept > /v/f'; podman run --rm -v vol:/v busybox cat /v/f; podman volume rm vol",
  "run -v, propagation":
    "mkdir -p v; podman run --rm -v ./v:/v:rshared busybox sh -c 'grep \" /v \" /proc/self/mountinfo | grep -c shared:'; rmdir v",
  "run --mount":
    "podman run --rm --mount type=tmpfs,destination=/m,tmpfs-size=65536 busybox sh -c 'grep \" /m \" /proc/mounts'",
  "run --memory": `podman run --rm --memory 64m busybox sh -c '${V1_OR_V2_LIMIT}limit memory/memory.limit_in_bytes memory.max'`,
  "run --memory-swap, --memory-reservation": `podman run --rm --memory 64m --memory-swap 128m --memory-reservation 32m busybox sh -c '${V1_OR_V2_LIMIT}limit memory/memory.memsw.limit_in_bytes memory.swap.max; limit memory/memory.soft_limit_in_bytes memory.low'`,
  "run --memory, exceeded":
    "podman run --name oom --memory 16m busybox sh -c 'head -c 100m /dev/zero | tail' 2> /dev/null; podman inspect oom --format '{{.State.ExitCode}}'; podman rm -f oom",
  "run --pids-limit": `podman run --rm --pids-limit 7 busybox sh -c '${V1_OR_V2_LIMIT}limit pids/pids.max pids.max'`,
  "run --cpus": `podman run --rm --cpus 0.5 busybox sh -c '${V1_OR_V2_LIMIT}limit cpu/cpu.cfs_quota_us cpu.max'`,
  "run --cpu-shares": `podman run --rm --cpu-shares 300 busybox sh -c '${V1_OR_V2_LIMIT}limit cpu/cpu.shares cpu.weight'`,
  "run --cpuset-cpus": "podman run --rm --cpuset-cpus 0 busybox grep Cpus_allowed_list /proc/self/status",
  "run --cpuset-cpus, impossible": "podman run --rm --cpuset-cpus 999 busybox true",
  "run --cap-drop": "podman run --rm --cap-drop all --cap-add chown busybox grep Cap /proc/self/status",
  "run --cap-add": "podman run --rm --cap-add SYS_ADMIN busybox grep Cap /proc/self/status",
  "run --privileged":
    "podman run --rm --privileged busybox sh -c 'grep -E \"Seccomp|NoNew\" /proc/self/status; grep -c . /proc/mounts'",
  "run, the default profile":
    "podman run --rm busybox sh -c 'grep -E \"Seccomp|NoNew|Cap\" /proc/self/status; mount -t tmpfs x /mnt'",
  "run --security-opt seccomp":
    'echo \'{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}\' > p.json; ' +
    "podman run --rm --security-opt seccomp=p.json busybox mkdir /x",
  "run --security-opt no-new-privileges":
    "podman run --rm --security-opt no-new-privileges busybox grep NoNew /proc/self/status",
  "run --security-opt unmask":
    "podman run --rm --security-opt unmask=ALL busybox sh -c 'grep -c \" /proc/\" /proc/mounts'",
  "run --security-opt mask": "podman run --rm --security-opt mask=/etc/passwd busybox wc -c /etc/passwd",
  "run --device": "podman run --rm --device /dev/null:/dev/mine:r busybox stat -c '%A %t:%T %n' /dev/mine",
  "run --device, missing": "podman run --rm --device /dev/none busybox true",
  "run --ulimit": "podman run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'",
  "run --ulimit, beyond the hard limit": "podman run --rm --ulimit core=-1:-1 busybox sh -c 'ulimit -c'",
  "run --sysctl": "podman run --rm --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward",
  "run --sysctl, refused": "podman run --rm --sysctl kernel.shmmax=many busybox true",
  "run --shm-size": "podman run --rm --shm-size 1m busybox sh -c 'grep /dev/shm /proc/mounts'",
  "run --oom-score-adj": "podman run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj",
  "run --umask": "podman run --rm --umask 0077 busybox sh -c umask",
  "run --pid host": "podman run --rm --pid host busybox sh -c 'test $$ -gt 1 && echo host'",
  "run --network host":
    "podman run --rm --network host busybox sh -c 'readlink /proc/self/ns/net' | grep -c $(readlink /proc/self/ns/net | tr -d '[]' | cut -d: -f2)",
  "run --ipc host --uts host": "podman run --rm --ipc host --uts host busybox hostname | grep -cx $(hostname)",
  "run --uidmap":
    "podman run --rm --uidmap 0:100000:1000 --gidmap 0:100000:1000 busybox sh -c 'cat /proc/self/uid_map; id -u; touch /x && stat -c %u /x'",
  "run --cgroupns private": "podman run --rm --cgroupns private busybox sh -c 'grep -vc :/$ /proc/self/cgroup'",
  "run --cgroup-parent":
    "podman run --rm --cgroup-parent /$cgroup busybox sh -c 'cat /proc/self/cgroup' | grep -c $cgroup",
  "run --preserve-fds": "podman run --rm --preserve-fds 1 busybox sh -c 'cat <&3' 3< <(echo handed on)",
  "run --annotation":
    "podman run --name annotated --annotation a.b=c busybox true; podman inspect annotated --format '{{.Config.Annotations}}' | grep -o a.b:c; podman rm annotated",
  "run -d, logs, wait":
    "podman run -d --name dead busybox sh -c 'echo one; echo two >&2; exit 3' > id; podman wait dead; podman logs dead 2>&1 | sort; podman inspect dead --format '{{.State.Status}} {{.State.ExitCode}}'; podman rm dead",
  "run -d, no such program":
    "podman run -d --name dead busybox nonesuch; podman ps -a --format '{{.Names}} {{.Status}}'; podman rm -f dead",
  "create, start, attach": "podman create --name box busybox echo attached; podman start -a box; podman rm box",
  "start, twice": "podman create --name box busybox true; podman start -a box; podman start -a box; podman rm box",
  restart:
    "podman run -d --name box busybox sh -c 'echo up; sleep 100'; until podman logs box | grep -q up; do :; done; podman restart -t 0 box; until podman logs box | tail -n +2 | grep -q up; do :; done; podman logs box; podman rm -f -t 0 box",
  stop: "podman run -d --name box busybox sh -c 'trap \"exit 5\" TERM; echo up; while :; do sleep 0.1; done'; until podman logs box | grep -q up; do :; done; podman stop box; podman inspect box --format '{{.State.ExitCode}}'; podman rm box",
  "stop, ignored":
    "podman run -d --name box busybox sleep 100; podman stop -t 0 box; podman inspect box --format '{{.State.ExitCode}}'; podman rm box",
  kill: "podman run -d --name box busybox sleep 100; podman kill -s KILL box; podman wait box; podman kill box; podman rm box",
  "rm -f": "podman run -d --name box busybox sleep 100; podman rm -f -t 0 box; podman ps -aq | wc -l",
  "rm, running": "podman run -d --name box busybox sleep 100; podman rm box; podman rm -f -t 0 box",
  "pause, unpause":
    "podman run -d --name box busybox sleep 100; podman pause box; podman inspect box --format '{{.State.Status}}'; podman exec box true; podman unpause box; podman inspect box --format '{{.State.Status}}'; podman rm -f -t 0 box",
  exec: "podman run -d --name box busybox sleep 100; podman exec box echo inside; podman exec box sh -c 'exit 9'; echo $?; podman rm -f -t 0 box",
  "exec, no such program":
    "podman run -d --name box busybox sleep 100; podman exec box nonesuch; echo $?; podman exec box /tmp; echo $?; podman exec box /etc/passwd; echo $?; podman rm -f -t 0 box",
  "exec -e -w -u":
    "podman run -d --name box -e X=1 busybox sleep 100; podman exec -e Y=2 -w /tmp -u 1000 box sh -c 'echo $X $Y; pwd; id -u'; podman rm -f -t 0 box",
  "exec -w, missing":
    "podman run -d --name box busybox sleep 100; podman exec -w /none/such box true; echo $?; podman rm -f -t 0 box",
  "exec -t":
    "podman run -d --name box busybox sleep 100; podman exec -t box sh -c 'test -t 0 && echo terminal'; podman rm -f -t 0 box",
  "exec -i":
    "podman run -d --name box busybox sleep 100; echo to stdin | podman exec -i box cat; podman rm -f -t 0 box",
  "exec -d":
    "podman run -d --name box busybox sleep 100; podman exec -d box sh -c 'echo there > /there' > /dev/null; until podman exec box test -s /there; do :; done; podman exec box cat /there; podman rm -f -t 0 box",
  "exec --privileged":
    "podman run -d --name box busybox sleep 100; podman exec --privileged box grep Cap /proc/self/status; podman exec box grep Cap /proc/self/status; podman rm -f -t 0 box",
  "exec, stopped": "podman create --name box busybox true; podman exec box true; echo $?; podman rm box",
  top: "podman run -d --name box busybox sleep 100; podman top box pid,comm; podman rm -f -t 0 box",
  stats:
    "podman run -d --name box busybox sleep 100; podman stats --no-stream --format '{{.Name}} {{.PIDs}}' box; podman rm -f -t 0 box",
  update:
    "podman run -d --name box --memory 64m busybox sleep 100; podman update --memory 32m --cpu-shares 200 box > /dev/null; echo $?; podman exec box sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null'; podman rm -f -t 0 box",
  cp: "podman run -d --name box busybox sleep 100; echo copied > f; podman cp f box:/f; podman exec box cat /f; podman cp box:/etc/passwd p; wc -l < p; podman rm -f -t 0 box",
  "commit, diff":
    "podman run --name box busybox touch /made; podman diff box | grep made; podman commit -q box made > /dev/null; podman run --rm made ls /made; podman rm box; podman rmi -f made > /dev/null",
  healthcheck:
    "podman run -d --name box --health-cmd 'CMD-SHELL test -e /ok' --health-interval disable busybox sleep 100; podman healthcheck run box; echo $?; podman exec box touch /ok; podman healthcheck run box; echo $?; podman rm -f -t 0 box",
  pod: "podman pod create --infra=false --name p > /dev/null; podman run --rm --pod p busybox echo in a pod; podman pod rm -f p > /dev/null; podman pod ps -q | wc -l",
  "play kube":
    'podman create --name seed busybox true > /dev/null; podman commit -q -c \'CMD ["/bin/sleep", "1000"]\' seed infra > /dev/null; podman rm seed > /dev/null; mkdir -p kube; echo kept > kube/f; echo \'' +
    JSON.stringify(POD) +
    "' | sed s#SITE#$site# > pod.yaml; podman play kube pod.yaml > /dev/null; pod=$(podman pod ps -q --no-trunc); until podman logs web-one | grep .; do :; done; podman exec web-one cat /data/f; podman inspect web-one --format '{{.HostConfig.Memory}} {{.State.Status}}'; podman pod inspect web --format '{{.State}} {{.NumContainers}}'; podman play kube --down pod.yaml > /dev/null 2>&1; podman ps -aq | wc -l; " +
    // podman leaves the pod's cgroups without a controller, and directories where no hierarchy is mounted.
    "for left in /sys/fs/cgroup/*/libpod_parent/$pod; do rmdir $left || rm -r $left; done 2> /dev/null; true",
  rootless:
    "mkdir -p u/x; chmod 700 u/x; cp $runtime u/; sed \"s#$site#$site/u#\" $CONTAINERS_CONF > u/conf; chown -R nobody u; podman() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=$site/u TMPDIR=$site/u XDG_CONFIG_HOME=$site/u XDG_RUNTIME_DIR=$site/u/x CONTAINERS_CONF=$site/u/conf podman --root $site/u/storage --runroot $site/u/run --storage-driver vfs --storage-opt vfs.ignore_chown_errors=true --runtime $site/u/$(basename $runtime) \"$@\" 2> $site/u/errors; }; cd u; podman import -q $image busybox > /dev/null; podman run --rm busybox sh -c 'id -u; cat /proc/self/uid_map; grep Cap /proc/self/status'; podman run -d --name box busybox sleep 100 > /dev/null; podman exec box echo inside; podman exec box sh -c 'exit 9'; echo $?; podman kill box; podman wait box; podman rm box; kill $(cat tmp/pause.pid)",
  "run, joined namespaces":
    "podman run -d --name box busybox sleep 100; podman run --rm --pid container:box --ipc container:box --network container:box busybox sh -c 'ps | grep -q \"[s]leep 100\" && echo seen'; podman rm -f -t 0 box",
  inspect:
    "podman run -d --name box busybox sleep 100; podman inspect box --format '{{.State.Running}} {{.State.Paused}} {{.Path}} {{.Args}} {{.HostConfig.PidMode}}'; podman rm -f -t 0 box",
  "run --env-host=false, PATH of the image": "podman run --rm busybox sh -c 'echo $PATH $HOME $TERM $container'",
  "run --entrypoint": 'podman run --rm --entrypoint \'["/bin/echo", "entry"]\' busybox more',
  "run --systemd always":
    "podman run --rm --systemd always busybox sh -c 'grep -cE \" /(run|run/lock|tmp) \" /proc/mounts'",
  "run --timeout": "podman run --rm --timeout 1 busybox sleep 100",
  "run --hooks-dir":
    'mkdir -p hooks; echo \'{"version":"1.0.0","hook":{"path":"/bin/sh","args":["sh","-c","cat > \'$site\'/hooked"]},"when":{"always":true},"stages":["prestart"]}\' > hooks/h.json; ' +
    'podman --hooks-dir $site/hooks run --rm busybox echo ran; grep -o \'"status":"[a-z]*"\' hooked; rm -r hooks hooked',
  "run --hooks-dir, failing":
    'mkdir -p hooks; echo \'{"version":"1.0.0","hook":{"path":"/bin/false"},"when":{"always":true},"stages":["prestart"]}\' > hooks/h.json; ' +
    "podman --hooks-dir $site/hooks run --rm busybox echo ran; rm -r hooks",
};

export const PODMAN_CASES: readonly EngineCase[] = Object.entries(LINES).map(([name, script]) => ({
  name: `podman/${name}`,
  script,
}));
