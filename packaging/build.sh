#!/usr/bin/env bash
# Builds what is released: tarball, Debian package, container image. See packaging/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-packaging/dist}
mkdir -p "$out"
out=$(cd "$out" && pwd)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

cargo build --release --bin contain-test
program=$(cargo build --release --bin contain-test --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
version=$("$program" --version | cut -d ' ' -f 2)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What all of them have in common, once.
packaging/stage.sh "$program" "$work/stage"

name=contain-test-$version-$(uname -m)
mkdir "$work/tar"
cp -a "$work/stage" "$work/tar/$name-linux"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    -C "$work/tar" -cf - "$name-linux" | gzip -9n >"$out/$name-linux.tar.gz"
packaging/deb.sh "$work/stage" "$version" "$out"
packaging/oci.sh "$program" "$version" "$out/$name-oci.tar"

cd "$out"
sha256sum "$name-linux.tar.gz" "contain-test_${version}_$(dpkg --print-architecture).deb" "$name-oci.tar" >SHA256SUMS
cat SHA256SUMS
