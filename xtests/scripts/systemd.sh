#!/bin/sh
# Boots this machine's systemd as process 1 of namespaces of its own, with the units in DIR/units and
# nothing else to start. Only DIR and /tmp can be written to; what is in /run and /sys/fs/cgroup is its own.
#
#   systemd.sh DIR CGROUP          CGROUP: an empty cgroup (v2) for all of it
set -eu

if [ "${2:-}" ]; then
    echo $$ >"$2/cgroup.procs"
    exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc "$0" "$1"
fi
dir=$1
mount --make-rprivate /
# systemd-analyze makes a directory in /tmp, wherever TMPDIR is.
mount --bind /tmp /tmp
mount --bind "$dir" "$dir"
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/systemd/system
mount --bind "$dir/units" /etc/systemd/system
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /run/var /run/dev
mount --bind /run/var /var/lib/systemd
# systemd takes this file for a new machine's when it is empty, and writes to it.
echo 0123456789abcdef0123456789abcdef >/run/machine-id
mount --bind /run/machine-id /etc/machine-id
exec env -i container=xtests PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=xtests.target --log-target=null </dev/null
