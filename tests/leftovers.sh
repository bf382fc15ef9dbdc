#!/bin/sh
# Counts what runs of contain-test have left on this machine, by looking at the kernel's own lists. Shares no code with
# the tool. Prints one line per thing found; the last line is the count. Exit 0 when nothing is left, 1 otherwise.
#
# usage: tests/leftovers.sh
set -u
{
    # Processes: by command line, and by the user IDs that sandboxes have (0x70000000 and above).
    for status in /proc/[0-9]*/status; do
        # A zombie holds nothing but its ID until its parent, by now the machine's own init, gets round to it.
        grep -q '^State:[[:space:]]*Z' "$status" 2>/dev/null && continue
        pid=${status#/proc/}
        pid=${pid%/status}
        uid=$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "$status" 2>/dev/null)
        command=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)
        case $command in
        contain-test\ __*|/run/contain-test-*) echo "process $pid: $command" ;;
        *) [ "${uid:-0}" -ge 1879048192 ] && echo "process $pid: uid $uid" ;;
        esac
    done
    # Control groups, wherever hierarchies are mounted.
    sed -n 's/^[^ ]* \([^ ]*\) cgroup2\{0,1\} .*/\1/p' /proc/self/mounts | sort -u | while read -r root; do
        find "$root" -maxdepth 3 -type d -name 'contain-test-*' 2>/dev/null | sed 's/^/cgroup /'
    done
    # Mounts, loop devices, links, run directories.
    grep -E 'contain-test-' /proc/self/mounts | cut -d' ' -f2 | sed 's/^/mount /'
    for backing in /sys/block/loop*/loop/backing_file; do
        [ -r "$backing" ] && grep -l 'contain-test-' "$backing" | sed 's/^/loop /'
    done
    for link in /sys/class/net/ct-*; do
        [ -e "$link" ] && echo "link ${link##*/}"
    done
    for directory in /run/contain-test-* /run/.contain-test-* "${XDG_RUNTIME_DIR:-/nonexistent}"/contain-test-*; do
        [ -e "$directory" ] && echo "run directory $directory"
    done
    # Namespaces held by anything but processes: files that they are mounted on.
    grep -E ' nsfs ' /proc/self/mounts | grep -E 'contain-test' | cut -d' ' -f2 | sed 's/^/namespace /'
} | sort -u >"${TMPDIR:-/tmp}/leftovers.$$"
cat "${TMPDIR:-/tmp}/leftovers.$$"
count=$(wc -l <"${TMPDIR:-/tmp}/leftovers.$$")
rm -f "${TMPDIR:-/tmp}/leftovers.$$"
echo "$count left"
[ "$count" -eq 0 ]
