#!/bin/sh
# Builds the programs and their tests once, and runs the tests; arguments go to cargo-nextest.
#
# Where this machine cannot record, the tests of the group `kernel` (.config/nextest.toml) are left
# out and named at the end. In CI that is a failure, unless AUDIT_TEST_NO_KERNEL=1 says it is meant.
# Roads that a test found closed here (xtests::not_run) are listed at the end, with the reason.
#   --long                   the long forms: AUDIT_TEST_LONG=1, and more time for each test
#   AUDIT_TEST_NO_KERNEL=1   leave out what needs a kernel to record on, whatever the machine can do
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"

profile=default
[ -z "${CI:-}" ] || profile=ci
if [ "${1:-}" = --long ]; then
    shift
    profile=long
    AUDIT_TEST_LONG=1
    export AUDIT_TEST_LONG
fi

# As releases are built; alike in every call, so that nothing is built twice.
features='--features cli/parquet,ship/nats'

# The suites run the programs that lie side by side here; nextest alone would not build them.
# shellcheck disable=SC2086  # two words
cargo build --workspace --locked $features --bins --tests

# Sets `without` to why this machine runs no test of the group `kernel`, or to nothing.
can_record() {
    without=''
    if [ "${AUDIT_TEST_NO_KERNEL:-}" = 1 ]; then
        without='AUDIT_TEST_NO_KERNEL=1 is set'
        return
    fi
    status=0
    report=$("$target/debug/audit" doctor 2>&1 </dev/null) || status=$?
    case $status in
    0) ;;
    1)
        without='this machine cannot record, as "audit doctor" says'
        say "$without:"
        printf '%s\n' "$report" >&2
        [ -z "${CI:-}" ] || die "in CI every test runs; to do without: AUDIT_TEST_NO_KERNEL=1"
        ;;
    *)
        printf '%s\n' "$report" >&2
        die "\`audit doctor\` failed with status $status"
        ;;
    esac
}

# What xtests::not_run writes, beside the programs.
roads=$target/debug/not-run.txt

tell_roads() {
    [ -s "$roads" ] || return 0
    say 'roads that were not run here:'
    sort -u "$roads" | sed 's/^/    /' >&2
}

# Inputs that are kept for the fuzz targets: with the whole suite, as it has a workspace of its own.
if [ "$#" -eq 0 ]; then
    cargo test --quiet --manifest-path fuzz/Cargo.toml --target-dir "$target"
    # Another engine for Sigma, out of the workspace for what it brings with it.
    cargo test --quiet --locked --manifest-path rules/oracle/Cargo.toml --target-dir "$target"
fi

can_record
rm -f "$roads"
status=0
if [ -z "$without" ]; then
    # shellcheck disable=SC2086  # two words
    cargo nextest run --workspace --locked $features --profile "$profile" "$@" || status=$?
    tell_roads
    exit "$status"
fi

# shellcheck disable=SC2086  # two words
cargo nextest run --workspace --locked $features --profile "$profile" -E 'not group(kernel)' "$@" || status=$?
# shellcheck disable=SC2086  # two words
left_out=$(cargo nextest list --workspace --locked $features --message-format oneline -E 'group(kernel)')
if [ -n "$left_out" ]; then
    say "$(printf '%s\n' "$left_out" | wc -l) tests did not run, because $without:"
    printf '%s\n' "$left_out" | sed 's/^/    /' >&2
fi
exit "$status"
