#!/bin/sh
# Counts what runs of contain-test have left on this machine, by looking at the kernel's own lists. Shares no code with
# the tool. Prints one line per thing found; the last line is the count. Exit 0 when nothing is left, 1 otherwise.
#
# usage: tests/leftovers.sh
set -u
{
    # Processes: by command line, and by the user IDs that sandboxes have (0x70000000 and above). Zombies
    # hold nothing but their ID until their parent gets round to them.
    cat /proc/[0-9]*/status 2>/dev/null |
        awk '/^State:/ {state = $2} /^Pid:/ {pid = $2}
             /^Uid:/ && $2 >= 1879048192 && state != "Z" {print "process " pid ": uid " $2}'
    # The pattern does not match the words that it is written with.
    grep -aPl '^([^\x00]*/)?contain-test\x00__|^[^\x00]*[/]run/contain-test-' /proc/[0-9]*/cmdline 2>/dev/null |
        while read -r command; do
            pid=${command#/proc/}
            pid=${pid%/cmdline}
            grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null && continue
            echo "process $pid: $(cat "$command" 2>/dev/null | tr '\0' ' ' | cut -c1-100)"
        done
    # Control groups, wherever hierarchies are mounted.
    sed -n 's/^[^ ]* \([^ ]*\) cgroup2\{0,1\} .*/\1/p' /proc/self/mounts | sort -u | while read -r root; do
        find "$root" -maxdepth 3 -type d -name 'contain-test-*' 2>/dev/null | sed 's/^/cgroup /'
    done
    # Mounts, loop devices, links, run directories with their ledgers.
    grep -E 'contain-test-' /proc/self/mounts | cut -d' ' -f2 | sed 's/^/mount /'
    for backing in /sys/block/loop*/loop/backing_file; do
        [ -r "$backing" ] && grep -l 'contain-test-' "$backing" | sed 's/^/loop /'
    done
    for link in /sys/class/net/ct-*; do
        [ -e "$link" ] && echo "link ${link##*/}"
    done
    for directory in /run/contain-test-* /run/.contain-test-* /var/tmp/contain-test-* /disk/contain-test-* "${XDG_RUNTIME_DIR:-/nonexistent}"/contain-test-*; do
        [ -e "$directory" ] && echo "run directory $directory"
    done
    # What a look around has planted: files, message queues, and System V objects, whose keys begin with 0x6374.
    for planted in /dev/shm/contain-test-* /tmp/contain-test-*-host /tmp/contain-test-*-neighbour /dev/mqueue/contain-test-*; do
        [ -e "$planted" ] && echo "planted $planted"
    done
    for kind in shm sem msg; do
        awk -v kind="$kind" '$1 >= 1668546560 && $1 <= 1668612095 {print "planted " kind " with key " $1}' "/proc/sysvipc/$kind" 2>/dev/null
    done
    # Namespaces held by anything but processes: files that they are mounted on.
    grep -E ' nsfs ' /proc/self/mounts | grep -E 'contain-test' | cut -d' ' -f2 | sed 's/^/namespace /'
} | sort -u >"${TMPDIR:-/tmp}/leftovers.$$"
cat "${TMPDIR:-/tmp}/leftovers.$$"
count=$(wc -l <"${TMPDIR:-/tmp}/leftovers.$$")
rm -f "${TMPDIR:-/tmp}/leftovers.$$"
echo "$count left"
[ "$count" -eq 0 ]
