#!/bin/sh
# Runs scenarios many times and counts the verdicts of each case: how often the judge is right on this machine, now.
#
# usage: [RECORDS=DIRECTORY] [LOAD=N] tests/series.sh PROGRAM RUNS SCENARIO...
#
# Prints one line for each case and verdict with its count, then the exit codes with theirs. With RECORDS, the record of each run
# is kept there as 001.json, 002.json, …, for `cargo test --test plain series -- --ignored --nocapture`. docs/statistics.md has the
# figures, and the commands that repeat them. With LOAD, so many processes outside of everything burn CPU all the while.
set -u
program=$1 runs=$2
shift 2
log=$(mktemp)
loads=
trap 'rm -f "$log"; [ -z "$loads" ] || kill $loads' EXIT
while [ "$(echo $loads | wc -w)" -lt "${LOAD:-0}" ]; do
    sh -c 'while :; do :; done' &
    loads="$loads $!"
done
[ -z "${RECORDS:-}" ] || mkdir -p "$RECORDS"
run=0
while [ "$run" -lt "$runs" ]; do
    run=$((run + 1))
    if [ -n "${RECORDS:-}" ]; then
        "$program" run --quiet --format jsonl "$@" --export "json=$RECORDS/$(printf %03d "$run").json" >>"$log" 2>/dev/null
    else
        "$program" run --quiet --format jsonl "$@" >>"$log" 2>/dev/null
    fi
    echo "exit code $?" >>"$log"
    printf '\r%s of %s' "$run" "$runs" >&2
done
printf '\n' >&2
sed -n 's/.*"event":"case-finished".*"scenario":"\([^"]*\)","config":"\([^"]*\)","verdict":"\([^"]*\)".*/\1 \2 \3/p; /^exit code/p' "$log" |
    sort | uniq -c
