#!/bin/sh
# Spoils limits behind everybody's back in a throwaway guest with cgroup v2, again and again until it is killed.
#
# usage: sabotage.sh swap      opens swap wherever it is limited
#        sabotage.sh tenfold   makes small limits of memory, tasks and CPU time ten times as high
#
# It starts no process in its loop: under a fork bomb, or beside a full CPU, that would come too late.
set -eu
top=/sys/fs/cgroup
[ -e "$top/cgroup.controllers" ] || { echo "sabotage.sh: $top is no cgroup v2: boot the guest with v2" >&2; exit 1; }

# What is read with a time limit and never comes, so that no other program is needed to sleep.
mkfifo /run/sabotage
exec 3<>/run/sabotage

swap() {
    for file in "$top"/*/memory.swap.max "$top"/*/*/memory.swap.max; do
        read -r value <"$file" || continue
        [ "$value" = max ] || echo max >"$file"
    done
}

# Ten times each amount up to a bound, so that no file is raised twice, and the guard around a sandbox not at all.
raise() {
    name=$1 bound=$2
    for file in "$top"/*/"$name" "$top"/*/*/"$name"; do
        read -r value rest <"$file" || continue
        [ "$value" != max ] && [ "$value" != 0 ] && [ "$value" -le "$bound" ] || continue
        echo "$((value * 10))${rest:+ $rest}" >"$file"
    done
}

tenfold() {
    raise memory.max 134217728
    raise memory.high 134217728
    raise pids.max 100
    raise cpu.max 5000
}

case $1 in
swap | tenfold) ;;
*) echo "sabotage.sh: no such sabotage: $1" >&2; exit 2 ;;
esac
# Groups come and go, so files that are not there are no news.
set +e
while :; do
    "$1"
    read -r -t 0.02 _ <&3
done 2>/dev/null
