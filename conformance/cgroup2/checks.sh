#!/bin/bash
# Run by main.ts, as root, on a machine with cgroup v2 alone and systemd: checks.sh TSRUN
# Prints a line for each check: "ok NAME", or "not ok NAME: wanted …, got …".
set -u
tsrun=$1
root=/sys/fs/cgroup
site=$(mktemp -d /tmp/cgroup2-XXXXXX)
cd "$site" || exit 1
mkdir -p rootfs/{bin,dev,proc,sys}
cp /bin/busybox rootfs/bin/
for applet in sh cat sleep mkdir ls true; do ln -s busybox "rootfs/bin/$applet"; done
"$tsrun" spec && mv config.json base.json

check() { # NAME WANTED GOT
  if [[ $3 == "$2" ]]; then echo "ok $1"; else echo "not ok $1: wanted ${2@Q}, got ${3@Q}"; fi
}
matches() { # NAME PATTERN GOT
  if [[ $3 =~ $2 ]]; then echo "ok $1"; else echo "not ok $1: wanted /$2/, got ${3@Q}"; fi
}
config() { # JQ...: what is changed of a config that sleeps
  local filter='.process.terminal = false | .process.args = ["sleep", "1000"]' part
  for part; do filter+=" | $part"; done
  jq "$filter" base.json >config.json
}
path() { echo ".linux.cgroupsPath = \"$1\""; }
run() { "$tsrun" "$@" </dev/null 2>&1; }
start() { "$tsrun" "$@" run --detach c </dev/null >out 2>&1 || cat out; }
pid() { "$tsrun" state c | jq .pid; }
cgroup() { sed 's/^0:://' "/proc/$(pid)/cgroup"; }
show() { systemctl show "$1" --property "$2" --value; }
remove() { "$tsrun" delete --force c; }

writable='(.mounts[] | select(.type == "cgroup") | .options) |= map(select(. != "ro"))'
ids='[{containerID: 0, hostID: 100000, size: 65536}]'
mapped=".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $ids | .linux.gidMappings = $ids"
limits='.linux.resources = {memory: {limit: 67108864, swap: 134217728, reservation: 33554432}, pids: {limit: 50},
  cpu: {shares: 512, quota: 33333, period: 100000, cpus: "0"}, hugepageLimits: [{pageSize: "2MB", limit: 4194304}],
  devices: [{allow: false, access: "rwm"}]}'
unit=cgroup2-c.scope
slice=machine-cgroup2.slice
scope="$slice:cgroup2:c"
directory=$root/machine.slice/$slice/$unit

# The two drivers: the same files, whoever makes the directory.
for driver in "" --systemd-cgroup; do
  if [[ -z $driver ]]; then name=cgroupfs where=/cgroup2/c at=$root/cgroup2/c
  else name=systemd where=$scope at=$directory; fi
  config "$(path "$where")" "$limits"
  start $driver
  check "$name: is where its path says" "${at#"$root"}" "$(cgroup)"
  check "$name: writes every limit" "67108864 67108864 33554432 50 59 33333 100000 0 4194304" \
    "$(cd "$at" && echo $(cat memory.{max,swap.max,low} pids.max cpu.{weight,max} cpuset.cpus hugetlb.2MB.max))"
  check "$name: exec is in it" "0::/" "$(run exec c cat /proc/self/cgroup)"
  matches "$name: a device that no rule allows is shut" "not permitted" \
    "$(run exec c sh -c 'busybox mknod /dev/x c 10 237; cat /dev/x')"
  run pause c
  check "$name: pause" "frozen 1" "$(grep frozen "$at/cgroup.events")"
  run resume c
  check "$name: update" "" "$(run update --memory 100m --memory-swap 200m --cpu-quota 55555 --pids-limit 70 c)"
  check "$name: updated files" "104857600 104857600 70 55555 100000" \
    "$(cd "$at" && echo $(cat memory.{max,swap.max} pids.max cpu.max))"
  matches "$name: checkBeforeUpdate" "rejecting memory limit 4096 < usage [0-9]+" \
    "$(echo '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' | "$tsrun" update --resources - c 2>&1)"
  check "$name: events" stats "$("$tsrun" events --stats c | jq -r .type)"
  run kill c KILL
  for _ in {1..50}; do [[ $("$tsrun" state c | jq -r .status) != running ]] && break; sleep 0.1; done
  check "$name: delete" "" "$(run delete c)"
  check "$name: nothing is left" "" "$(find $root -name "${at##*/}"; systemctl list-units --all --no-legend 'cgroup2-*')"
  for tasks in 0 1; do
    config "$(path "$where")" ".linux.resources.pids.limit = $tasks"
    start $driver
    check "$name: room for $tasks tasks" "$tasks" "$(cat "$at/pids.max")"
    remove
  done
  config "$(path "$where")" "$mapped" "$writable"
  chown -R 100000:100000 rootfs; chmod 755 .
  start $driver
  check "$name: the cgroup is its owner's" "100000 100000 100000 0" "$(stat -c %u "$at" "$at"/cgroup.{procs,subtree_control} "$at/memory.max" | tr '\n' ' ' | xargs)"
  check "$name: who makes cgroups in it" "/sys/fs/cgroup/sub" "$(run exec c sh -c 'mkdir /sys/fs/cgroup/sub && ls -d /sys/fs/cgroup/sub')"
  remove
  chown -R 0:0 rootfs
done

# systemd: what the unit is.
config "$(path "$scope")" "$limits" '.annotations = {"org.systemd.property.TimeoutStopSec": "5"}'
start --systemd-cgroup
for pair in MemoryMax=67108864 MemorySwapMax=67108864 MemoryLow=33554432 TasksMax=50 CPUWeight=59 AllowedCPUs=0 \
  CPUQuotaPerSecUSec=340ms DevicePolicy=strict Delegate=yes Slice=$slice DefaultDependencies=no TimeoutStopUSec=5s; do
  check "unit: ${pair%%=*}" "${pair#*=}" "$(show $unit "${pair%%=*}")"
done
run update --memory 100m --pids-limit 70 --cpu-share 1024 c
check "unit: update" "104857600 70 100" "$(echo $(for p in MemoryMax TasksMax CPUWeight; do show $unit $p; done))"
systemctl daemon-reload
check "unit: a reload takes no limit back" "104857600 70" "$(cd $directory && echo $(cat memory.max pids.max))"
remove
config "$(path "$scope")" "$limits"
# criu takes no stream that is a file of the host.
"$tsrun" --systemd-cgroup run --detach c </dev/null >/dev/null 2>&1
check "unit: checkpoint" "" "$(run checkpoint --image-path images c)"
remove
"$tsrun" --systemd-cgroup restore --detach --image-path images c </dev/null >/dev/null 2>out
check "unit: restore" "" "$(cat out)"
check "unit: restored in its cgroup" "${directory#"$root"} 67108864" "$(cgroup) $(show $unit MemoryMax)"
remove
config "$(path "$scope")"
mv /run/dbus/system_bus_socket /run/dbus/away
start --systemd-cgroup
check "unit: without a bus" "${directory#"$root"}" "$(cgroup)"
remove
mv /run/dbus/away /run/dbus/system_bus_socket
systemd-run --quiet --scope --unit $unit --slice other sleep 1000 &
until [[ $(systemctl is-active $unit) == active ]]; do sleep 0.1; done
matches "unit: one that is there is refused" "already loaded" "$(run --systemd-cgroup run c)"
check "unit: and left alone" active "$(systemctl is-active $unit)"
systemctl stop $unit
wait
matches "unit: a bad annotation" "BindsTo.*not among the properties" \
  "$(config "$(path "$scope")" '.annotations = {"org.systemd.property.BindsTo": "[\"x.service\"]"}'; run --systemd-cgroup run c)"
matches "unit: what systemd refuses" "Invalid CollectMode" \
  "$(config "$(path "$scope")" '.annotations = {"org.systemd.property.CollectMode": "\"x\""}'; run --systemd-cgroup run c)"
check "unit: nothing is left" "" "$(find $root -name "$unit"; systemctl list-units --all --no-legend 'cgroup2-*'; "$tsrun" list --quiet)"

# cgroupfs: paths, and what is there already.
own=$(sed 's/^0:://' /proc/self/cgroup)
for pair in "/abs/c=/abs/c" "rel/c=${own%/*}/rel/c" "=${own%/*}/c"; do
  config "$(path "${pair%%=*}")"
  start
  check "path: ${pair%%=*}" "${pair#*=}" "$(cgroup)"
  remove
done
mkdir $root/frozen
echo 1 >$root/frozen/cgroup.freeze
for where in /frozen /frozen/c; do
  config "$(path $where)"
  matches "frozen: $where" "cgroup unexpectedly frozen" "$(run run c)"
done
rmdir $root/frozen
sleep 1000 & other=$!
mkdir $root/used && echo $other >$root/used/cgroup.procs
config "$(path /used)"
matches "used: refused" "container's cgroup is not empty" "$(run run c)"
check "used: and left alone" "$other" "$(cat $root/used/cgroup.procs)"
kill $other
wait
rmdir $root/used

# An ordinary user, with a systemd of his own.
name=cgroup2-user
useradd --create-home $name
loginctl enable-linger $name
runtime_directory=/run/user/$(id -u $name)
until [[ -S $runtime_directory/systemd/private ]]; do sleep 0.1; done
chmod 755 . && cp -r rootfs /home/$name/
as() { (cd /home/$name && runuser -u $name -- env XDG_RUNTIME_DIR="$runtime_directory" "$tsrun" "$@" </dev/null); }
as spec --rootless
set_user() { jq ".process.terminal = false | .process.args = [\"sleep\", \"1000\"] | $1" /home/$name/config.json >user.json && cp user.json /home/$name/config.json; }
set_user '.linux.resources = {pids: {limit: 20}, memory: {limit: 67108864}}'
as --systemd-cgroup run --detach c >out 2>&1 || cat out
at=$root/user.slice/user-$(id -u $name).slice/user@$(id -u $name).service/user.slice/tsrun-c.scope
check "user: limits" "67108864 20" "$(echo $(cat "$at"/{memory,pids}.max))"
check "user: exec from another session" "0::/" "$(as exec c cat /proc/self/cgroup 2>&1)"
check "user: update" "104857600" "$(as update --memory 100m c 2>&1; cat "$at/memory.max")"
check "user: delete" "" "$(as delete --force c 2>&1; find $root -name tsrun-c.scope)"
matches "user: a controller that is not delegated" 'io controller is not delegated.*Delegate=' \
  "$(set_user '.linux.resources = {blockIO: {weight: 100}}'; as --systemd-cgroup run c 2>&1)"
matches "user: limits without systemd" 'cannot apply linux.resources.pids.limit' \
  "$(set_user '.linux.resources = {pids: {limit: 20}}'; as run c 2>&1)"
set_user 'del(.linux.resources)'
as run --detach c >out 2>&1 || cat out
check "user: no limits, no cgroup" running "$(as state c | jq -r .status)"
as delete --force c

# exec --cgroup
config "$(path /c)" "$writable"
start
matches "exec --cgroup: not above" ' \.\. is not a sub cgroup path' "$(run exec --cgroup .. c true)"
matches "exec --cgroup: not one that is not there" 'adding pid .*/nope/cgroup.procs: no such file' "$(run exec --cgroup nope c true)"
run exec c sh -c 'mkdir /sys/fs/cgroup/init && echo 1 >/sys/fs/cgroup/init/cgroup.procs'
check "exec: the container's" "0::/" "$(run exec c cat /proc/self/cgroup)"
check "exec --cgroup: one below" "0::/init" "$(run exec --cgroup init c cat /proc/self/cgroup)"
run exec c sh -c 'echo $$ >/sys/fs/cgroup/init/cgroup.procs; echo +memory >/sys/fs/cgroup/cgroup.subtree_control'
check "exec: where init is, when it passes controllers on" "0::/init" "$(run exec c cat /proc/self/cgroup)"
matches "exec --cgroup: not that one then" "cgroup.procs: device or resource busy" "$(run exec --cgroup / c true)"
remove

cd / && rm -r "$site"
echo done
