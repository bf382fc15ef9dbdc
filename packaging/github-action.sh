#!/usr/bin/env bash
# The steps of the GitHub Action (action.yml): github-action.sh install|run. Inputs come as INPUT_… in the environment, outputs go to
# $GITHUB_OUTPUT.
set -euo pipefail

error() {
    echo "::error title=contain-test::$*"
    exit 2
}

install_program() {
    local binary=${INPUT_BINARY:-}
    if [ -z "$binary" ]; then
        local folder
        folder=$RUNNER_TEMP/contain-test
        mkdir -p "$folder"
        # Without a tag, gh takes the newest release.
        gh release download ${INPUT_VERSION:+"v$INPUT_VERSION"} --repo contain-test/contain-test --clobber \
            --pattern "contain-test-*-$(uname -m)-linux.tar.gz" --pattern SHA256SUMS --dir "$folder"
        (cd "$folder" && sha256sum --ignore-missing --quiet -c SHA256SUMS) || error "the release that was fetched is not what its sums say"
        tar -C "$folder" --strip-components=1 -xzf "$folder"/contain-test-*-linux.tar.gz
        binary=$folder/contain-test
    fi
    [ -x "$binary" ] || error "there is no program at $binary"
    binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
    "$binary" --version
    echo "binary=$binary" >>"$GITHUB_OUTPUT"
}

run_scenarios() {
    local reports=${INPUT_REPORTS:-contain-test-report} code=0 attempt=0 retries=${INPUT_RETRIES:-1}
    local -a scenarios args root=()
    read -r -a scenarios <<<"$INPUT_SCENARIOS"
    read -r -a args <<<"${INPUT_ARGS:-}"
    mkdir -p "$reports"
    # Annotations and the summary of the step are written by the program itself, so it must see these through sudo.
    if [ "$(id -u)" -ne 0 ]; then
        root=(sudo "--preserve-env=GITHUB_ACTIONS,GITHUB_STEP_SUMMARY")
    fi
    while :; do
        code=0
        "${root[@]}" "$BINARY" run "${scenarios[@]}" "${args[@]}" \
            --export "json=$reports/record.json" --export "html=$reports/report.html" --export "junit=$reports/junit.xml" \
            --export "sarif=$reports/report.sarif" --export "markdown=$reports/report.md" || code=$?
        # Only what a busy machine left undecided is tried again; a leak never is.
        if [ "$code" -ne 4 ] || [ "$attempt" -ge "$retries" ]; then break; fi
        attempt=$((attempt + 1))
        echo "inconclusive: trying once more ($attempt of $retries)"
    done
    {
        echo "exit-code=$code"
        if [ -e "$reports/record.json" ]; then
            echo "summary=$("$BINARY" report "$reports/record.json" -q || true)"
            echo "html=$reports/report.html"
            echo "record=$reports/record.json"
        fi
    } >>"$GITHUB_OUTPUT"
}

case ${1:-} in
install) install_program ;;
run) run_scenarios ;;
*) error "github-action.sh install|run" ;;
esac
