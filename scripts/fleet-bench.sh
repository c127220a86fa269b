#!/bin/sh
# Ten million synthetic events of 1,000 runs, stored as the recorder stores them: how fast `audit export`
# makes columns of them, how large these are, how long the questions of docs/fleet.md take. Some minutes and
# three gigabytes; AUDIT_BENCH_RUNS and AUDIT_BENCH_EVENTS (of a run) for less. The engines are those of
# scripts/setup.sh --test.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --locked --release -p cli --features parquet
AUDIT_BENCH_HOME=$work/home cargo test --locked -p cli --lib -- --ignored stored_fleet
printf 'load at the start: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
"$target/engines/bin/python3" xtests/scripts/fleet_times.py docs/fleet.md "$target/release/audit" "$work"
