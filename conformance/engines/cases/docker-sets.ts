import type { EngineCase } from "../engine.ts";

/** A page that a container serves under its own name. */
const WEB = "sh -c 'mkdir /w; hostname > /w/index.html; exec httpd -f -p 80 -h /w'";

/**
 * What dockerd does with containers over time, and with several of them: it sees to their health, starts them again, joins
 * them by networks and keeps services of them. `comes_to WANTED COMMAND…` waits until the command prints that.
 */
const LINES: Readonly<Record<string, string>> = {
  "run -it":
    "mkdir -p t; mkfifo keys; script -qec \"docker run --rm -it -v $site/t:/t busybox sh -c 'stty -echo; touch /t/ready; read x; echo got \\$x; tty'\" /dev/null <>keys >typed & until [ -e t/ready ]; do sleep 0.05; done; echo hello > keys; wait; cat typed",
  healthcheck:
    "docker run -d --init --name box --health-cmd 'test -e /ok' --health-interval 100ms --health-retries 2 busybox sleep 100 > /dev/null; health() { docker inspect box --format '{{.State.Health.Status}}'; }; comes_to unhealthy health; docker exec box touch /ok; comes_to healthy health; docker rm -f box",
  "restart always":
    "docker run -d --init --name box --restart always busybox sleep 100 > /dev/null; kill -9 $(docker inspect box --format '{{.State.Pid}}'); counts() { docker inspect box --format '{{.RestartCount}} {{.State.Status}}'; }; comes_to '1 running' counts; docker update --restart no box; docker stop box; counts; docker rm box",
  "restart on-failure, success":
    "docker run -d --name box --restart on-failure:3 busybox true > /dev/null; docker wait box; docker inspect box --format '{{.RestartCount}} {{.State.Status}}'; docker rm box",
  "restart, rename, start -a":
    "docker run -d --init --name other busybox sleep 100 > /dev/null; docker restart other; docker inspect other --format '{{.State.Running}} {{.RestartCount}}'; docker rm -f other; docker create --name box busybox sh -c 'echo created; exit 3' > /dev/null; docker start -a box; echo $?; docker rename box other; docker logs other; docker rm other",
  events:
    "begin=$(date +%s.%N); docker run -d --name box busybox sleep 100 > /dev/null; docker exec box true; docker pause box; docker unpause box; docker kill box; docker wait box; docker rm box; docker events --since $begin --until $(date +%s.%N) --filter container=box --format '{{.Action}} {{index .Actor.Attributes \"exitCode\"}}'",
  "commit, diff, export, history":
    "docker run --name box busybox sh -c 'echo kept > /kept'; docker diff box; docker commit -m told -c 'CMD [\"cat\", \"/kept\"]' box kept > /dev/null; docker run --rm kept; docker export box | tar -t | grep kept; docker history kept --format '{{.Comment}}' | head -n 1; docker cp box:/kept - | tar -t; docker rm box; docker rmi kept > /dev/null",
  volumes:
    "docker volume create data; docker run --rm -v data:/d busybox sh -c 'echo x > /d/f'; docker run --rm -v data:/d:ro busybox sh -c 'cat /d/f; echo y > /d/f 2> /dev/null; echo $?'; docker create --name box -v data:/d busybox true > /dev/null; docker run --rm --volumes-from box busybox cat /d/f; docker rm box; docker volume rm data",
  "a set of containers": `docker network create --subnet 10.79.1.0/24 set > /dev/null; docker run -d --init --name one --hostname one --network set --network-alias first -p 8079:80 busybox ${WEB} > /dev/null; docker run -d --init --name two --network set busybox sleep 100 > /dev/null; comes_to one docker exec two busybox wget -qO- http://one/; docker exec two busybox wget -qO- http://first/; nsenter --net=$network busybox wget -qO- http://127.0.0.1:8079/; docker port one; docker network inspect set --format '{{len .Containers}}'; docker network disconnect set two; docker exec two ip -o link | wc -l; docker rm -f one two; docker network rm set`,
  "swarm init":
    "docker swarm init --listen-addr 127.0.0.1 --advertise-addr 127.0.0.1 --default-addr-pool 10.78.0.0/16 > /dev/null; echo $?; docker node ls --format '{{.Status}} {{.ManagerStatus}}'",
  "swarm, service create":
    "echo told | docker secret create told - > /dev/null; docker service create --detach --init --name box --network host --replicas 2 --secret told --restart-delay 0s --no-resolve-image busybox sleep 1000 > /dev/null; replicas() { docker service ls --format '{{.Name}} {{.Replicas}}'; }; comes_to 'box 2/2' replicas; docker exec $(docker ps -q | head -n 1) cat /run/secrets/told",
  "swarm, service scale":
    "docker service scale --detach box=3; running() { docker ps -q | wc -l; }; comes_to 3 running",
  "swarm, a task that is killed":
    "docker kill $(docker ps -q | head -n 1) > /dev/null; states() { docker service ps box --format '{{.DesiredState}} {{.CurrentState}}' | awk '{ print $1, $2 }' | sort; }; comes_to \"$(printf 'Running Running\\n%.0s' 1 2 3; echo Shutdown Failed)\" states",
  "swarm, service rm, leave":
    "docker service rm box; docker swarm leave --force; none() { docker ps -aq | wc -l; }; comes_to 0 none; docker node ls",
};

export const DOCKER_SETS: readonly EngineCase[] = Object.entries(LINES).map(([name, script]) => ({
  name: `docker/${name}`,
  script,
}));
