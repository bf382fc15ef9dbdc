#!/bin/sh
# Runs a scenario many times and counts the verdicts of each config: how often the judge is right on this machine, now.
#
# usage: tests/series.sh PROGRAM RUNS SCENARIO...
#
# Prints one line for each config and verdict with its count, then the exit codes with theirs. For the figures of
# docs/statistics.md: tests/series.sh PROGRAM 20 tests/scenarios/quiet.yaml
set -u
program=$1 runs=$2
shift 2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run=0
while [ "$run" -lt "$runs" ]; do
    run=$((run + 1))
    "$program" run --quiet --format jsonl "$@" >>"$log" 2>/dev/null
    echo "exit code $?" >>"$log"
    printf '\r%s of %s' "$run" "$runs" >&2
done
printf '\n' >&2
sed -n 's/.*"event":"case-finished".*"config":"\([^"]*\)","verdict":"\([^"]*\)".*/\1 \2/p; /^exit code/p' "$log" |
    sort | uniq -c
