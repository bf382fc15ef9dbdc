#!/usr/bin/env bash
# Makes the Debian package from what stage.sh laid out: deb.sh STAGE VERSION FOLDER. dpkg-deb takes the times from SOURCE_DATE_EPOCH.
set -euo pipefail
stage=$1
version=$2
out=$3
arch=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

put() { # put MODE TARGET FILE…: installs files into a folder of the package
    local mode=$1 target=$2
    shift 2
    install -d -m 755 "$root/$target"
    install -m "$mode" "$@" "$root/$target/"
}

put 755 usr/bin "$stage/contain-test"
put 644 usr/share/man/man1 "$stage"/man/man1/*.1
gzip -9n "$root"/usr/share/man/man1/*.1
put 644 usr/share/zsh/vendor-completions "$stage/completions/_contain-test"
put 644 usr/share/fish/vendor_completions.d "$stage/completions/contain-test.fish"
install -d -m 755 "$root/usr/share/bash-completion/completions"
install -m 644 "$stage/completions/contain-test.bash" "$root/usr/share/bash-completion/completions/contain-test"
put 644 usr/share/doc/contain-test "$stage/README.md" "$stage/CHANGELOG.md"
mv "$root/usr/share/doc/contain-test/CHANGELOG.md" "$root/usr/share/doc/contain-test/changelog"
gzip -9n "$root/usr/share/doc/contain-test/changelog"
put 644 usr/share/doc/contain-test/examples "$stage"/scenarios/*.yaml
put 644 usr/share/doc/contain-test/schema "$stage"/schema/*.json
{
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: contain-test\nSource: https://github.com/contain-test/contain-test\n\n'
    printf 'Files: *\nCopyright: the authors of contain-test\nLicense: Expat or Apache-2.0\n\n'
    printf 'License: Expat\n'
    sed 's/^$/./; s/^/ /' "$stage/LICENSE-MIT"
    printf '\nLicense: Apache-2.0\n On Debian systems, the text is in /usr/share/common-licenses/Apache-2.0.\n'
} >"$root/usr/share/doc/contain-test/copyright"

install -d -m 755 "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<EOF
Package: contain-test
Version: $version
Architecture: $arch
Maintainer: The authors of contain-test <contain-test@users.noreply.github.com>
Installed-Size: $(du -ks --exclude=DEBIAN "$root" | cut -f 1)
Section: admin
Priority: optional
Homepage: https://github.com/contain-test/contain-test
Description: tests whether a sandbox contains what runs in it
 contain-test lets an attacker in one sandbox drain a resource, measures what a
 victim in another one feels, and proves with the kernel's own counters whether
 the limit held. Attacks run within a bounded control group and are removed
 again, whatever happens.
EOF
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/contain-test_${version}_$arch.deb" >/dev/null
