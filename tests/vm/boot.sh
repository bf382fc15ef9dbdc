#!/bin/sh
# Runs contain-test as the only program of a throwaway virtual machine, and exits with its exit code.
#
#   tests/vm/boot.sh KERNEL BINARY v1|v2|hybrid ARGUMENT...
#   tests/vm/boot.sh vmlinuz target/x86_64-unknown-linux-gnu/release/contain-test v2 run /scenarios/pids.yaml
#
# KERNEL is a bzImage with devtmpfs, tmpfs and a serial console built in; BINARY is the static binary, which becomes
# /init. The guest holds scenarios/*.yaml and tests/vm/*.yaml of this repository in /scenarios. Arguments cannot hold
# commas or blanks: they travel as a parameter of the kernel.
#
# Environment:
#   CONTAIN_TEST_VM_SECONDS   the machine is stopped after so many seconds (180)
#   CONTAIN_TEST_VM_KILL_MS   kill the run with SIGKILL after so many milliseconds, then run `clean` in the guest
#   CONTAIN_TEST_VM_APPEND    more parameters for the kernel
#
# Exit code: the program's own; 6 when something was left in the guest; 124 when the time was up; 125 when the guest
# ended without a word, or something is missing here.
#
# Debian packages: qemu-system-x86, cpio. A kernel for it, without installing one:
#   name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
#   apt-get download "$name" && dpkg-deb -x "$name"_*.deb kernel && ls kernel/boot/vmlinuz-*
set -eu

fail() {
    echo "boot.sh: $1" >&2
    exit 125
}

[ $# -ge 4 ] || fail "usage: boot.sh KERNEL BINARY v1|v2|hybrid ARGUMENT..."
kernel=$1 binary=$2 mode=$3
shift 3
for tool in qemu-system-x86_64 cpio timeout; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install qemu-system-x86 cpio coreutils"
done
[ -r "$kernel" ] || fail "cannot read the kernel $kernel"
[ -x "$binary" ] || fail "cannot execute $binary: cargo build --release"
case $mode in v1 | v2 | hybrid) ;; *) fail "cgroup mode $mode: expected v1, v2 or hybrid" ;; esac
arguments=
for argument in "$@"; do
    case $argument in *[,\ ]*) fail "an argument cannot hold commas or blanks: $argument" ;; esac
    arguments=$arguments${arguments:+,}$argument
done

repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/root/scenarios"
cp "$binary" "$work/root/init"
cp "$repository"/scenarios/*.yaml "$repository"/tests/vm/*.yaml "$work/root/scenarios"
(cd "$work/root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"

append="console=ttyS0 quiet loglevel=3 panic=-1 contain_test.cgroup=$mode contain_test.run=$arguments"
[ -z "${CONTAIN_TEST_VM_KILL_MS:-}" ] || append="$append contain_test.kill_after_ms=$CONTAIN_TEST_VM_KILL_MS"
[ -z "${CONTAIN_TEST_VM_APPEND:-}" ] || append="$append $CONTAIN_TEST_VM_APPEND"

# The pipe below hides the exit code of timeout, so it goes through a file.
{
    timeout --kill-after=5 "${CONTAIN_TEST_VM_SECONDS:-180}" \
        qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 2048 -nodefaults -display none -no-reboot \
        -serial stdio -kernel "$kernel" -initrd "$work/initramfs" -append "$append" </dev/null \
        && echo 0 >"$work/code" || echo $? >"$work/code"
} | tr -d '\r' | tee "$work/console"

[ "$(cat "$work/code")" != 124 ] || exit 124
code=$(sed -n 's/^contain-test: exit \([0-9][0-9]*\)$/\1/p' "$work/console" | tail -n 1)
[ -n "$code" ] || fail "the guest ended without an exit code"
exit "$code"
