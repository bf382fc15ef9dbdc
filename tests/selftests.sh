#!/bin/sh
# Runs the kernel's own selftests of control groups beside this tool, in throwaway guests of the kernel that they belong to, and prints what either
# says of each limit, in sound guests and in sabotaged ones. docs/selftests.md says how to read the table.
#
# usage: tests/selftests.sh
#   CONTAIN_TEST_VM_KERNEL         a Debian package of a kernel, instead of linux-image-cloud-amd64
#   CONTAIN_TEST_SELFTESTS_SET_UP  one set-up alone, by its name in the table, such as "sound"
#   CONTAIN_TEST_VM                the built test binary, instead of one that cargo builds
#
# Needs no root. The kernel's sources come from Debian's package linux-source-*, of the same version as the kernel; they and what is built of them stay in
# ${XDG_CACHE_HOME:-~/.cache}/contain-test, and nothing of them comes into this tree. Nothing of the selftests runs on the host.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'selftests.sh: %s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || [ -x "/sbin/$1" ] || fail "$1 is not here: sudo apt-get install $2"
}
need apt-get "apt (the sources come from Debian)"
need dpkg-deb dpkg
need xz xz-utils
need gcc gcc
need qemu-system-x86_64 qemu-system-x86
need mkfs.ext4 e2fsprogs
need tc iproute2
busybox=${CONTAIN_TEST_BUSYBOX:-/bin/busybox}
[ -x "$busybox" ] || fail "$busybox is not here: sudo apt-get install busybox-static"
! ldd "$busybox" >/dev/null 2>&1 || fail "$busybox is not static: sudo apt-get install busybox-static"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/contain-test
mkdir -p "$cache"

# Into the cache and by whoever calls this; apt's own user may not write there, which is all that it would warn of.
download() {
    (cd "$cache" && apt-get download -qq "$1") || fail "apt has no $1: sudo apt-get update"
}

kernel=${CONTAIN_TEST_VM_KERNEL:-}
if [ -z "$kernel" ]; then
    name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
    [ -n "$name" ] || fail "apt knows no linux-image-cloud-amd64: sudo apt-get update"
    # Its version is in its file's name; the newest is the one that apt would take.
    [ -n "$(find "$cache" -name "${name}_*.deb")" ] || download "$name"
    kernel=$(find "$cache" -name "${name}_*.deb" | sort -V | tail -n 1)
fi
case $kernel in
*.deb) ;;
*) fail "$kernel is no Debian package: its version tells which selftests belong to it" ;;
esac
version=$(dpkg-deb -f "$kernel" Version)
series=$(printf '%s\n' "$version" | sed 's/^\([0-9]*\.[0-9]*\).*/\1/')

built=$cache/selftests-$version
tests="test_core test_cpu test_freezer test_kill test_kmem test_memcontrol"
if [ ! -e "$built/complete" ]; then
    folder=$(mktemp -d "$cache/building.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    source=$(find "$cache" -name "linux-source-${series}_${version}_*.deb" | head -n 1)
    if [ -z "$source" ]; then
        download "linux-source-$series=$version"
        source=$(find "$cache" -name "linux-source-${series}_*.deb" | sort -V | tail -n 1)
    fi
    dpkg-deb --fsys-tarfile "$source" | tar -C "$folder" -xf - "./usr/src/linux-source-$series.tar.xz"
    at=linux-source-$series/tools/testing/selftests
    tar -C "$folder" -xf "$folder/usr/src/linux-source-$series.tar.xz" "$at/cgroup" "$at/clone3" "$at/pidfd" "$at/kselftest.h"
    mkdir "$folder/built"
    for test in $tests; do
        # Static, because a guest has no libraries. Not optimized, as by the kernel's Makefile: else the compiler takes away memory that is
        # allocated, touched and never read, and the tests of limits with it.
        gcc -static -Wall -pthread -o "$folder/built/$test" "$folder/$at/cgroup/$test.c" "$folder/$at/cgroup/cgroup_util.c" 2>"$folder/log" ||
            { cat "$folder/log" >&2; fail "cannot build $test: sudo apt-get install gcc libc6-dev linux-libc-dev"; }
    done
    touch "$folder/built/complete"
    rm -rf "$built"
    mv "$folder/built" "$built"
    rm -rf "$folder"
    trap - EXIT
fi

guests=${CONTAIN_TEST_VM:-}
if [ -z "$guests" ]; then
    guests=$(cargo test --release --no-run --test vm --message-format=json 2>/dev/null |
        grep '"name":"vm"' | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1) || true
    [ -n "$guests" ] || fail "the tests do not build: cargo test --release --no-run --test vm says why"
fi
printf 'selftests of linux-source-%s %s\n' "$series" "$version"
CONTAIN_TEST_VM_KERNEL=$kernel CONTAIN_TEST_BUSYBOX=$busybox CONTAIN_TEST_SELFTESTS=$built CONTAIN_TEST_MUST_RUN=1 \
    "$guests" --exact the_kernels_own_selftests_agree_with_ours --nocapture
