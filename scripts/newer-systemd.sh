#!/bin/sh
# Runs the suite `systemd` with the systemd of Debian's backports as process 1, in a mount namespace of its own: shows
# Type=notify-reload where the machine's systemd is older than 253. Needs root, Debian 12, and the network.
# Changes nothing outside target/newer-systemd. Exit status: as the suite's, 77 it cannot be tried here (said why).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

place=$target/newer-systemd
suite=bookworm-backports
cannot() {
    say "not run: $*"
    exit 77
}

ours() {
    apt-get -q -o Dir::State::lists="$place/lists" -o Dir::Cache="$place/cache" -o Dir::Etc::sourcelist="$place/sources" \
        -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root "$@"
}

fetch() {
    mkdir -p "$place/lists/partial" "$place/cache/archives/partial" "$place/new"
    echo "deb http://deb.debian.org/debian $suite main" >"$place/sources"
    ours update >"$place/log" 2>&1 || cannot "no lists of packages: $(tail -n 1 "$place/log")"
    (cd "$place/new" && rm -f ./*.deb &&
        ours download systemd/$suite libsystemd-shared/$suite libsystemd0/$suite >>"$place/log" 2>&1) ||
        cannot "cannot fetch systemd: $(tail -n 1 "$place/log")"
    for package in "$place"/new/*.deb; do dpkg-deb -x "$package" "$place/new/root"; done
    # The packages have /lib and /bin beside /usr, which the machine has in it.
    cp -a "$place/new/root/lib/." "$place/new/root/usr/lib/"
    cp -a "$place/new/root/bin/." "$place/new/root/usr/bin/"
    rm -rf "$place/root"
    mv "$place/new/root" "$place/root"
}

# In the mount namespace: its files in place of the machine's. An overlay would do, and records say of an overlay that
# names are not told of it.
over() {
    mount --make-rprivate /
    libraries=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
    mount --bind "$place/root/usr/lib/systemd" /usr/lib/systemd
    mount --bind "$place/root/$libraries/systemd" "/$libraries/systemd"
    mount --bind "$(readlink -f "$place/root/$libraries/libsystemd.so.0")" "$(readlink -f "/$libraries/libsystemd.so.0")"
    for program in systemctl systemd-analyze systemd-notify; do
        mount --bind "$place/root/usr/bin/$program" "/usr/bin/$program"
    done
    systemctl --version | head -n 1
}

if [ "${1:-}" = --within ]; then
    over
    exec cargo nextest run -p xtests --test systemd
fi
[ "$(id -u)" = 0 ] || cannot "it needs root"
for tool in apt-get dpkg-deb unshare; do has "$tool" || cannot "$tool is not installed"; done
[ -d "$place/root" ] || fetch
cd "$top"
cargo build --locked -p cli -p supervisor -p ship -p xtests --bins --features cli/parquet,ship/nats
exec unshare -m "$0" --within
