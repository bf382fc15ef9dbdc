#!/usr/bin/env bash
# Takes apart what build.sh made, and runs the program out of each: test.sh [FOLDER]. It starts no sandbox and no attack.
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$(cd "${1:-packaging/dist}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "packaging: $*" >&2
    exit 1
}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

(cd "$dist" && sha256sum --quiet -c SHA256SUMS) || fail "a file is not what was built"

echo "tarball"
mkdir "$work/tar"
tar -C "$work/tar" -xzf "$dist"/contain-test-"$version"-*-linux.tar.gz
inside=("$work"/tar/*)
[ ${#inside[@]} -eq 1 ] || fail "the tarball has more than one folder"
top=${inside[0]}
[ "$("$top/contain-test" --version)" = "contain-test $version" ] || fail "the tarball's program has another version"
"$top/contain-test" check "$top/scenarios" >/dev/null
for file in README.md LICENSE-MIT LICENSE-APACHE man/man1/contain-test.1 man/man1/contain-test-run.1 schema/record-v1.json; do
    [ -s "$top/$file" ] || fail "the tarball lacks $file"
done
bash -n "$top/completions/contain-test.bash" || fail "the completions of bash are no script"
# A static program has no interpreter to be loaded by.
if readelf -l "$top/contain-test" 2>/dev/null | grep -q INTERP; then fail "the program is not static"; fi

echo "completions"
# What bash offers after a word must be what the program takes there.
script=$top/completions/contain-test.bash
function=$(sed -n 's/.*complete -F \([^ ]*\) .*/\1/p' "$script" | head -n 1)
offered=$(bash -c '. "$1"; COMP_WORDS=(contain-test com); COMP_CWORD=1; "$2" contain-test com contain-test; echo "${COMPREPLY[*]}"' _ "$script" "$function")
[[ $offered == *compare* && $offered == *completions* ]] || fail "bash does not complete: $offered"

echo "Debian package"
deb=$dist/contain-test_${version}_$(dpkg --print-architecture).deb
[ "$(dpkg-deb -f "$deb" Package Version | tr '\n' ' ')" = "Package: contain-test Version: $version " ] || fail "the package says otherwise"
[ -z "$(dpkg-deb -f "$deb" Depends)" ] || fail "a static program depends on nothing"
dpkg-deb -x "$deb" "$work/deb"
[ "$("$work/deb/usr/bin/contain-test" --version)" = "contain-test $version" ] || fail "the package's program has another version"
"$work/deb/usr/bin/contain-test" check "$work/deb/usr/share/doc/contain-test/examples" >/dev/null
zcat "$work/deb/usr/share/man/man1/contain-test.1.gz" | grep -q '^\.TH' || fail "the package's manual page is none"
if [ "$(id -u)" -eq 0 ]; then
    # As dpkg would do it, into a root of its own.
    mkdir -p "$work/installed/var/lib/dpkg/info" "$work/installed/var/lib/dpkg/updates"
    touch "$work/installed/var/lib/dpkg/status"
    dpkg --root="$work/installed" --force-not-root --force-script-chrootless --log=/dev/null -i "$deb" >/dev/null 2>&1 || fail "dpkg does not install it"
    chroot "$work/installed" /usr/bin/contain-test --version >/dev/null || fail "it does not run where it was installed"
fi

echo "container image"
mkdir "$work/image" "$work/root"
tar -C "$work/image" -xf "$dist"/contain-test-"$version"-*-oci.tar
for blob in "$work"/image/blobs/sha256/*; do
    [ "$(sha256sum "$blob" | cut -d ' ' -f 1)" = "$(basename "$blob")" ] || fail "a blob is not what its name says"
done
blob_of() { # blob_of FILE MEDIATYPE: the blob of the first descriptor of that type
    sed -n "s|.*\"mediaType\":\"$2\",\"digest\":\"sha256:\([0-9a-f]*\)\".*|\1|p" "$1"
}
manifest=$work/image/blobs/sha256/$(blob_of "$work/image/index.json" 'application/vnd.oci.image.manifest.v1+json')
config=$work/image/blobs/sha256/$(blob_of "$manifest" 'application/vnd.oci.image.config.v1+json')
layer=$work/image/blobs/sha256/$(blob_of "$manifest" 'application/vnd.oci.image.layer.v1.tar+gzip')
diff_id=$(zcat "$layer" | sha256sum | cut -d ' ' -f 1)
grep -q "\"diff_ids\":\[\"sha256:$diff_id\"\]" "$config" || fail "the image's configuration names another layer"
grep -q '"Entrypoint":\["/contain-test"\]' "$config" || fail "the image does not start the program"
tar -C "$work/root" -xzf "$layer"
[ "$(find "$work/root" -type f | wc -l)" -eq 1 ] || fail "the image holds more than the program"
# With nothing but the image in its root.
if [ "$(id -u)" -eq 0 ]; then
    in_image() { chroot "$work/root" "$@"; }
elif command -v bwrap >/dev/null; then
    in_image() { bwrap --ro-bind "$work/root" / --dev /dev --unshare-all "$@"; }
else
    [ "${CONTAIN_TEST_MUST_RUN:-}" != 1 ] || fail "neither root nor bwrap to run the image with"
    echo "skipped: neither root nor bwrap to run the image with"
    exit 0
fi
[ "$(in_image /contain-test --version)" = "contain-test $version" ] || fail "the image's program has another version"
in_image /contain-test check pids cpu >/dev/null || fail "the image's program does not read its own scenarios"
echo "3 packages are sound"
