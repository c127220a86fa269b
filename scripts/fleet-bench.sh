#!/bin/sh
# Ten million made-up events of 1,000 runs as columns: how fast they are written, how large they are, how
# long the questions of docs/fleet.md take. Some minutes and half a gigabyte; AUDIT_BENCH_RUNS and
# AUDIT_BENCH_EVENTS for less. The engines are those of scripts/setup.sh --test.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
AUDIT_BENCH_DIR=$work cargo test --locked --release -p export --features parquet --lib -- --ignored --nocapture many_runs |
    grep 'events of'
printf '%s files, %s bytes of columns\n' "$(find "$work" -name '*.parquet' | wc -l)" \
    "$(find "$work" -name '*.parquet' -printf '%s\n' | awk '{ all += $1 } END { print all }')"
printf 'load before the questions: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
"$target/engines/bin/python3" xtests/scripts/fleet_times.py docs/fleet.md "$work"
