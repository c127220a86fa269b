#!/usr/bin/env bash
# Times a few jobs alone and recorded, in turns, and prints the fastest and the middle of N rounds.
#
#   cargo build --release --workspace --bins && sudo xtests/scripts/bench.sh target/release [ROUNDS]
#
# Another recorder or a busy machine changes the figures: it prints the load and the BPF programs that
# others have loaded.
set -euo pipefail

bin=${1:?usage: bench.sh DIRECTORY-OF-THE-PROGRAMS [ROUNDS]}
rounds=${2:-7}
work=$(mktemp -d)
shm=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$work" "$shm"' EXIT
export AUDIT_HOME=$work/home

ms() { # one job: milliseconds
	local from to
	from=$(date +%s%N)
	"$@" >/dev/null 2>&1
	to=$(date +%s%N)
	echo $(((to - from) / 1000000))
}

line() { # name, then the job
	local name=$1 alone=() recorded=()
	shift
	for _ in $(seq "$rounds"); do
		rm -rf "$work/d" "$shm/d" && mkdir "$work/d" "$shm/d"
		alone+=("$(ms "$@")")
		rm -rf "$work/d" "$shm/d" "$AUDIT_HOME" && mkdir "$work/d" "$shm/d"
		recorded+=("$(ms "$bin/audit" run -q -- "$@")")
	done
	middle() { printf '%s\n' "$@" | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
	least() { printf '%s\n' "$@" | sort -n | head -n 1; }
	printf '| %s | %s | %s | %s | %s |\n' "$name" "$(least "${alone[@]}")" "$(middle "${alone[@]}")" \
		"$(least "${recorded[@]}")" "$(middle "${recorded[@]}")"
}

echo "$(uname -sr), $(nproc) CPUs, load $(cut -d' ' -f1-3 /proc/loadavg), $(date -u +%F), $rounds rounds"
echo
echo '| job, milliseconds | alone, least | alone, middle | recorded, least | recorded, middle |'
echo '|---|---|---|---|---|'
line 'nothing (`true`)' true
line '2,000 programs, one after the other' "$bin/spawner" 2000 /bin/true
line '20,000 files created on disk' "$bin/creator" "$work/d" 20000
line '20,000 files created on tmpfs' "$bin/creator" "$shm/d" 20000
line '1,000 files created, opened 100 times each' sh -c "$bin/creator $work/d 1000 && $bin/opener $work/d 1000 100"
line '10,000 TCP connections on loopback' "$bin/connector" 127.0.0.1:0 10000 100 200
