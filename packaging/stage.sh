#!/usr/bin/env bash
# Lays out what a release holds: stage.sh PROGRAM FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1
stage=$2
mkdir -p "$stage/completions" "$stage/man/man1" "$stage/schema"
install -m 755 "$program" "$stage/contain-test"
install -m 644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$stage/"
mkdir "$stage/scenarios"
install -m 644 scenarios/*.yaml "$stage/scenarios/"
install -m 644 reports/schema/*.json "$stage/schema/"
"$program" man --dir "$stage/man/man1"
"$program" completions bash >"$stage/completions/contain-test.bash"
"$program" completions zsh >"$stage/completions/_contain-test"
"$program" completions fish >"$stage/completions/contain-test.fish"
