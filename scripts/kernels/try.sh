#!/bin/sh
# Boots Debian's kernels in an emulated machine, records there and looks at what the record has: shows that the
# programs are let through by the verifier of another kernel, and that arm64 works. Needs Debian's apt, qemu and the
# network; a minute each on an idle machine. Changes nothing outside target/kernels.
#
#   scripts/kernels/try.sh [amd64|arm64] [KERNEL…]
#
# KERNEL is a package and where it is from: linux-image-cloud-amd64/bookworm (6.1) without one. Programs are those in
# AUDIT_BUILT, else of `make build`, for arm64 of `scripts/cross.sh`.
# Exit status: 0 all works, 1 something does not, 77 it cannot be tried here (said why).
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

arch=${1:-amd64}
[ $# -eq 0 ] || shift
case $arch in
amd64) qemu='qemu-system-x86_64 -cpu max' console=ttyS0 built=$target/release package=qemu-system-x86 ;;
arm64)
    qemu='qemu-system-aarch64 -machine virt -cpu max' console=ttyAMA0 package=qemu-system-arm
    built=$target/aarch64-unknown-linux-gnu/release
    ;;
*) die "usage: try.sh [amd64|arm64] [KERNEL…]" ;;
esac
built=${AUDIT_BUILT:-$built}
[ $# -gt 0 ] || set -- "linux-image-cloud-$arch/bookworm"
place=$target/kernels
mkdir -p "$place/$arch"

cannot() {
    say "not run: $*"
    exit 77
}

for tool in apt-get dpkg-deb cpio "${qemu%% *}"; do
    has "$tool" || cannot "$tool is not installed (apt-get install cpio $package)"
done
for program in audit audit-supervisor; do
    [ -x "$built/$program" ] || cannot "there is no $built/$program (make build; for arm64 scripts/cross.sh)"
done

# apt with lists and architecture of its own: this machine's settings stay as they are.
ours() {
    "$1" -o Dir::State="$place/$arch/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$place/$arch/apt" \
        -o Dir::Etc::sourcelist="$place/$arch/sources" -o Dir::Etc::sourceparts=/dev/null \
        -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root -q "$2" ${3:+"$3"}
}

fetch() {
    [ -f "$place/$arch/$1.deb" ] && return
    (cd "$place/$arch" && mkdir -p new && cd new && rm -f ./*.deb && ours apt-get download "$1" >../log 2>&1) ||
        cannot "cannot fetch $1: $(tail -n 1 "$place/$arch/log")"
    mv "$place/$arch/new"/*.deb "$place/$arch/$1.deb"
}

# The kernel's own package behind a name that always means the newest.
behind() {
    ours apt-cache show "$1" | sed -n 's/^Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1
}

lists() {
    mirror=http://deb.debian.org/debian
    for suite in bookworm bookworm-backports; do echo "deb $mirror $suite main"; done >"$place/$arch/sources"
    mkdir -p "$place/$arch/apt/lists/partial" "$place/$arch/apt/archives/partial"
    ours apt-get update >"$place/$arch/log" 2>&1 || cannot "no lists of packages: $(tail -n 1 "$place/$arch/log")"
}

# The libraries that the programs are linked to, of this machine or of the cross compiler.
libraries() {
    if [ "$arch" = arm64 ]; then
        mkdir -p "$1/lib"
        for file in ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libgcc_s.so.1 libdl.so.2 libpthread.so.0; do
            cp -L "/usr/aarch64-linux-gnu/lib/$file" "$1/lib/"
        done
    else
        ldd "$built/audit" "$built/audit-supervisor" | awk '/=> \//{print $3} /^[^=]*ld-linux/{print $1}' | sort -u |
            while read -r file; do install -D "$file" "$1$file"; done
    fi
}

# Makes $place/$arch/initrd: the programs, busybox and a first program.
machine() {
    root=$place/$arch/root
    rm -rf "$root"
    mkdir -p "$root"/bin "$root"/usr/bin "$root"/usr/lib/audit-run "$root"/etc "$root"/proc "$root"/sys \
        "$root"/dev "$root"/tmp "$root"/srv
    dpkg-deb -x "$place/$arch/busybox-static.deb" "$place/$arch/busybox"
    cp "$place/$arch/busybox/bin/busybox" "$root/bin/"
    for tool in sh mount cat cp mkdir rm uname ip httpd wget switch_root poweroff; do
        ln -s busybox "$root/bin/$tool"
    done
    libraries "$root"
    cp "$built/audit" "$root/usr/bin/"
    cp "$built/audit-supervisor" "$root/usr/lib/audit-run/"
    printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534::/:/bin/sh' >"$root/etc/passwd"
    printf '%s\n' root:x:0: nobody:x:65534: >"$root/etc/group"
    echo hello >"$root/etc/motd"
    echo page >"$root/srv/index.html"
    install -m 755 "$top/scripts/kernels/init" "$root/init"
    (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$place/$arch/initrd"
}

# Boots kernel $1; its console goes to $2. Ten minutes: an emulated verifier is slow on a busy machine.
boot() {
    # shellcheck disable=SC2086  # a program and its options
    timeout 600 $qemu -m 2048 -nographic -no-reboot -kernel "$1" -initrd "$place/$arch/initrd" \
        -append "console=$console quiet panic=-1" </dev/null >"$2" 2>&1 || true
    tr -d '\r' <"$2" >"$2.txt"
}

# Holds what was printed against what was done.
judge() {
    bad=0
    expect() {
        grep -q -e "$1" "$2" || { say "missing: $1" && bad=1; }
    }
    expect '^== end' "$1"
    expect '^== status 7' "$1"
    expect '^== verified 0' "$1"
    expect '^ok *processes ' "$1"
    expect '^ok *system calls ' "$1"
    expect '^ok *names ' "$1"
    expect '^ok *files ' "$1"
    # Before 6.3 two things cannot be told, and it says so.
    expect '^ok *network \|^warn *network *this kernel is too old' "$1"
    expect 'write  *busybox.*/root/out' "$1"
    expect 'write  *busybox.*/root/page' "$1"
    expect 'delete  *busybox.*/root/out' "$1"
    expect '^== full 12[56]' "$1"
    expect '^== full verified 0' "$1"
    expect 'connect .*127\.0\.0\.1:8080' "$1"
    # Doctor tries one program after the other; a run has them all.
    ! grep 'cannot load' "$1" || bad=1
    return $bad
}

lists
fetch busybox-static
machine
status=0
for kernel in "$@"; do
    exact=$(behind "$kernel")
    exact=${exact:-$kernel}
    fetch "$exact"
    dpkg-deb -x "$place/$arch/$exact.deb" "$place/$arch/$exact"
    console_of=$place/$arch/$exact.console
    boot "$place/$arch/$exact/boot/vmlinuz-"* "$console_of"
    if judge "$console_of.txt"; then
        echo "$exact: works"
        grep -e '^warn' -A 1 "$console_of.txt" | sed 's/^/    /' || true
    else
        echo "$exact: does not work, see $console_of.txt"
        status=1
    fi
done
exit $status
