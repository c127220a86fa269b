#!/bin/sh
# Installs a Debian package in a clean root, records there as an ordinary user without sudo, removes the
# package and shows what is left; installs it again and reads the run. Needs root and a machine that can
# record; changes nothing outside the directory ROOTS.
#
#   packaging/try-debian.sh [--cached] PACKAGE [ROOTS]
#
# The clean root is made by debootstrap once, in ROOTS/debian (a minute, by network; not with --cached),
# and copied for each trial. Exit status: 0 it works, 1 it does not, 77 it cannot be tried here (said why).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

suite=bookworm
cached=no
if [ "${1:-}" = --cached ]; then
    cached=yes
    shift
fi
[ $# -ge 1 ] || die "usage: try-debian.sh [--cached] PACKAGE [ROOTS]"
package=$1
roots=${2:-$target/roots}

cannot() {
    say "not run: $*"
    exit 77
}

make_base() {
    [ "$cached" = no ] || cannot "there is no clean root in $roots/debian (make package-test makes it)"
    has debootstrap || {
        can_be_root && has apt-get &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install debootstrap >&2
    } || cannot 'debootstrap is not installed'
    say "making a clean root in $roots/debian"
    mkdir -p "$roots"
    rm -rf "$roots/debian.new"
    debootstrap --variant=minbase "$suite" "$roots/debian.new" >"$roots/debootstrap.log" 2>&1 ||
        cannot "debootstrap failed: $(tail -n 1 "$roots/debootstrap.log")"
    mv "$roots/debian.new" "$roots/debian"
}

# What is in the root, but for what dpkg and passwd write of themselves, the files of ana (who records),
# and runs.
list() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./home/ana \
        -o -path ./var/lib/audit-run -o -path ./tmp/audit-run.deb \) -prune -o \
        \( -type f -printf '%p %m %u %g %s\n' -o ! -type d -printf '%p %m %u %g %l\n' \
        -o -printf '%p/ %m %u %g\n' \)) |
        grep -v -e '^\./etc/[a-z]*- ' -e '^\./var/lib/dpkg/' -e '^\./var/log/' -e '^\./var/cache/ldconfig/' |
        sort
    # The same accounts, byte by byte.
    (cd "$root/etc" && sha256sum passwd group shadow gshadow subuid subgid)
}

in_root() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# As ana, by a login that has the groups of now.
as_ana() {
    in_root setpriv --reuid ana --regid ana --init-groups /usr/bin/env HOME=/home/ana sh -c "cd && $1"
}

install_it() {
    in_root SUDO_USER=ana dpkg -i /tmp/audit-run.deb
}

trial() {
    root=$1
    mount --make-rprivate /
    # `/` of the root is a mount of its own, as of any machine.
    mount --bind "$root" "$root"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    list >"$work/before"
    install_it >"$work/install.log" 2>&1 || die "cannot install: $(cat "$work/install.log")"
    [ ! -e "$root/usr/bin/sudo" ] || die 'this root has sudo'

    as_ana 'audit run --strict --summary always -- sh -c "echo word >made; cat made"' >"$work/out" \
        2>"$work/err" || die "ana cannot record: $(cat "$work/out" "$work/err")"
    [ "$(cat "$work/out")" = word ] || die "the command said: $(cat "$work/out")"
    say "ana recorded: $(cat "$work/err")"
    [ "$(as_ana 'audit query --op create --path made --count by path' | wc -l)" -ge 1 ] ||
        die 'the file that was made is not in the record'
    as_ana 'audit verify' >"$work/verify" || die "not verified: $(cat "$work/verify")"
    grep -q 'recorded sealed' "$work/verify" || die "not sealed: $(cat "$work/verify")"
    place=/var/lib/audit-run/$(find "$root/var/lib/audit-run" -path '*/runs/*-sh-????' -printf '%P')
    run=${place##*/}
    ! as_ana "rm -r $place/segments" 2>/dev/null || die 'ana can remove the record'

    in_root dpkg -r audit-run >"$work/remove.log" 2>&1 || die "cannot remove: $(cat "$work/remove.log")"
    in_root dpkg -P audit-run >>"$work/remove.log" 2>&1 || die "cannot purge: $(cat "$work/remove.log")"
    list >"$work/after"
    diff "$work/before" "$work/after" >&2 || die 'removing it left a trace'
    left=$(find "$root/var/lib/audit-run" ! -user root | wc -l)
    [ "$left" = 0 ] || die "$left kept files belong to a number that has no user"
    [ -f "$root$place/segments/seal" ] || die 'the run is gone'
    [ -z "$(find /sys/fs/cgroup -name "*$run*" 2>/dev/null)" ] || die 'a cgroup is left'
    say "removed: nothing is left but the run $run"

    install_it >"$work/install.log" 2>&1 || die "cannot install again: $(cat "$work/install.log")"
    as_ana "audit verify $run" >"$work/verify" || die "not verified any more: $(cat "$work/verify")"
    as_ana 'audit run --strict -q -- true' || die 'ana cannot record any more'
    say 'installed again: the run verifies, and ana records'
}

if [ "${TRY_DEBIAN_WORK:-}" ]; then
    work=$TRY_DEBIAN_WORK
    trial "$work/root"
    exit 0
fi
[ "$(id -u)" = 0 ] || cannot 'only root can make a clean root'
[ -d "$roots/debian" ] || make_base
work=$(mktemp -d "$roots/try.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
cp -a "$roots/debian" "$work/root"
cp "$package" "$work/root/tmp/audit-run.deb"
# Whoever installs has accounts with copies of the files before, and a home.
chroot "$work/root" /usr/sbin/useradd --create-home ana
TRY_DEBIAN_WORK=$work unshare --mount --pid --fork --kill-child "$0" "$package"
