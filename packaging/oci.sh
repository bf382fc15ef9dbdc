#!/usr/bin/env bash
# Makes a container image with the program alone, as an OCI archive, without a daemon: oci.sh PROGRAM VERSION FILE.
# The layout is that of github.com/opencontainers/image-spec, version 1.1.
set -euo pipefail
program=$1
version=$2
file=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac
created=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
plain() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" "$@"; }
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
store() { # store FILE: moves it among the blobs and prints its descriptor's digest and size
    local sum
    sum=$(digest "$1")
    printf '"digest":"sha256:%s","size":%s' "$sum" "$(stat -c %s "$1")"
    mv "$1" "$work/image/blobs/sha256/$sum"
}

mkdir -p "$work/root/tmp" "$work/root/run" "$work/image/blobs/sha256"
chmod 1777 "$work/root/tmp"
install -m 755 "$program" "$work/root/contain-test"
plain -C "$work/root" -cf "$work/layer.tar" contain-test run tmp
diff_id=$(digest "$work/layer.tar")
gzip -9n "$work/layer.tar"
layer=$(store "$work/layer.tar.gz")

printf '{"created":"%s","architecture":"%s","os":"linux","config":{"Entrypoint":["/contain-test"],"Cmd":["--help"],"Labels":{"org.opencontainers.image.title":"contain-test","org.opencontainers.image.version":"%s","org.opencontainers.image.licenses":"MIT OR Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"%s","created_by":"packaging/oci.sh"}]}' \
    "$created" "$arch" "$version" "$diff_id" "$created" >"$work/config.json"
config=$(store "$work/config.json")

printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}]}' \
    "$config" "$layer" >"$work/manifest.json"
manifest=$(store "$work/manifest.json")

printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"platform":{"architecture":"%s","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"contain-test:%s"}}]}' \
    "$manifest" "$arch" "$version" >"$work/image/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
plain -C "$work/image" -cf "$file" oci-layout index.json blobs
