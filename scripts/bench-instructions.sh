#!/bin/sh
# Counts instructions of the benchmarks' operations under callgrind: the same on a busy machine as on an idle one.
#
# Each benchmark is run once and once more with nothing selected; the difference, by the number in its name,
# is what one operation takes. Wants valgrind.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"
has valgrind || die "valgrind is missing (apt-get install valgrind)"

# Exact: one name is the beginning of another. A child that looks for a program of criterion's says its own number first.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" --test --exact "$2" 2>&1 >/dev/null |
        sed -n 's/.*Collected : //p' | tail -n 1
}

cargo bench --locked --no-run -p event -p fsmon -p rules -p storage -p cli --benches 2>&1 |
    sed -n 's/^ *Executable benches[^(]*(\(.*\))$/\1/p' |
    while read -r program; do
        base=$(count "$program" "no such benchmark")
        "$program" --list --bench 2>/dev/null | sed -n 's/: benchmark$//p' | while read -r name; do
            all=$(count "$program" "$name")
            times=$(echo "$name" | tr -d , | sed -n 's/[^0-9]*\([0-9]*\).*/\1/p')
            echo "| $name | $(((all - base) / 1000)) thousand | $(((all - base) / times)) |"
        done
    done
