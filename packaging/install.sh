#!/bin/sh
# Installs a release below /usr, or takes it back: sudo ./install.sh [--undo] [--no-setup]
#
# With an address it fetches one first and holds it against its checksum:
#   sudo ./install.sh --from https://HOST/DIR/ [--sha256 SUM]
# DIR has the tarball and SHA256SUMS. A checksum from the same place shows that the download is whole;
# that it is ours is shown by one that you have from elsewhere (--sha256).
set -eu

say() { printf 'install.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

from='' sum='' undo=no setup=yes root=${DESTDIR:-}
while [ $# -gt 0 ]; do
    case $1 in
    --from) from=${2:?an address} && shift ;;
    --sha256) sum=${2:?a checksum} && shift ;;
    --undo) undo=yes ;;
    --no-setup) setup=no ;;
    *) die "usage: install.sh [--from ADDRESS [--sha256 SUM]] [--no-setup] [--undo]" ;;
    esac
    shift
done
[ -n "$root" ] || [ "$(id -u)" = 0 ] || die "cannot install below /usr: only root can (sudo $0)"

fetch() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    curl -fsS --proto '=https,file' -o "$work/SHA256SUMS" "$from/SHA256SUMS"
    name=$(sed -n "s/^[0-9a-f]\{64\}  \(audit-run-[0-9.]*-linux-$(uname -m)\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS")
    [ -n "$name" ] || die "cannot install: $from has nothing for $(uname -m)"
    curl -fsS --proto '=https,file' -o "$work/$name" "$from/$name"
    if [ -n "$sum" ]; then
        echo "$sum  $name" >"$work/SHA256SUMS"
    fi
    (cd "$work" && grep -F "  $name" SHA256SUMS | sha256sum -c - >&2) ||
        die "cannot install: $name is not what its checksum says"
    tar -C "$work" -xzf "$work/$name"
    here=$work/${name%.tar.gz}
}

here=$(cd "$(dirname "$0")" && pwd)
if [ "$undo" = yes ]; then
    [ ! -x "$root/usr/bin/audit" ] || [ -n "$root" ] || "$root/usr/bin/audit" setup --undo
    files=$root/usr/lib/audit-run/files
    [ -f "$files" ] || die "cannot take it back: $files is missing"
    while read -r file; do rm -f "$root/$file"; done <"$files"
    rm -f "$files"
    rmdir "$root/usr/lib/audit-run" "$root/usr/share/doc/audit-run"
    exit 0
fi
[ -z "$from" ] || fetch
[ -d "$here/usr" ] || die "cannot install: $here has no usr/: unpack the whole tarball"
mkdir -p "$root/usr"
cp -R --no-preserve=ownership "$here/usr/." "$root/usr/"
(cd "$here" && find usr -type f) >"$root/usr/lib/audit-run/files"
if [ "$setup" = yes ] && [ -z "$root" ]; then
    "$root/usr/bin/audit" setup
fi
