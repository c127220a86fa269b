# shellcheck shell=sh
# Small words that the scripts share; sourced, with $top set to the root of the repository.

# Diagnostics, like those of audit itself, go to stderr.
say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# True if version $1 is $2 or later; both are numbers with dots.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]
}

# True if commands can be run as root without a question.
can_be_root() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# rustup's folder is in PATH only for shells that read its profile; cron and CI often do not.
cargo_bin=${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
if ! has cargo && [ -x "$cargo_bin/cargo" ]; then
    PATH=$cargo_bin:$PATH
    export PATH
fi

# Where cargo puts what it builds.
# shellcheck disable=SC2034  # used by those who source this
target=${CARGO_TARGET_DIR:-$top/target}
