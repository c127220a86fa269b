#!/bin/sh
# Makes what a release ships, in dist/: a tarball with an installer, a Debian package, and an RPM one
# where rpmbuild is installed; and SHA256SUMS of them. Programs are those of `make build`, the recorder
# that of scripts/static.sh where AUDIT_RECORDER says so, as `make package` does.
# AUDIT_MACHINE=aarch64 packs what scripts/cross.sh built (AUDIT_BUILT), for another machine than this one.
# AUDIT_PACKAGES says which of "tarball debian rpm" are wanted.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"

here=$top/packaging
dist=${1:-$top/dist}
built=${AUDIT_BUILT:-$target/release}
recorder=${AUDIT_RECORDER:-$built/audit-supervisor}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
# The same tree makes the same packages: times are those of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

for program in "$built/audit" "$built/audit-ship" "$recorder"; do
    [ -x "$program" ] || die "cannot find $program
  build it: make build"
done
machine=${AUDIT_MACHINE:-$(uname -m)}
# What the program says of itself is the same on each machine.
audit() {
    if [ "$machine" = "$(uname -m)" ]; then
        "$built/audit" "$@"
    else
        "qemu-$machine" -L "/usr/$machine-linux-gnu" "$built/audit" "$@"
    fi
}
case $machine in
x86_64) deb_machine=amd64 ;;
aarch64) deb_machine=arm64 ;;
*) deb_machine=$machine ;;
esac

mkdir -p "$dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What every form of package has, below $1.
stage() {
    install -d "$1/usr/bin" "$1/usr/lib/audit-run" "$1/usr/share/zsh/vendor-completions" \
        "$1/usr/share/doc/audit-run"
    install -m 755 "$built/audit" "$1/usr/bin/audit"
    install -m 755 "$recorder" "$1/usr/lib/audit-run/audit-supervisor"
    install -m 755 "$built/audit-ship" "$1/usr/lib/audit-run/audit-ship"
    audit generate share "$1/usr/share"
    mv "$1/usr/share/zsh/site-functions/_audit" "$1/usr/share/zsh/vendor-completions/_audit"
    rmdir "$1/usr/share/zsh/site-functions"
    gzip -9n "$1"/usr/share/man/man1/*.1
    install -m 644 "$top/README.md" "$top/CHANGELOG.md" "$top/LICENSE-MIT" "$top/LICENSE-APACHE" \
        "$1/usr/share/doc/audit-run"
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

tarball() {
    name=audit-run-$version-linux-$machine
    stage "$work/$name"
    install -m 755 "$here/install.sh" "$work/$name/install.sh"
    tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner \
        --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" | gzip -6n >"$dist/$name.tar.gz"
    say "$dist/$name.tar.gz"
}

debian() {
    root=$work/deb
    stage "$root"
    mv "$root/usr/share/doc/audit-run/LICENSE-MIT" "$root/usr/share/doc/audit-run/copyright"
    install -d "$root/DEBIAN"
    for script in postinst prerm postrm; do
        install -m 755 "$here/debian/$script" "$root/DEBIAN/$script"
    done
    sed -e "s/@VERSION@/$version/" -e "s/@MACHINE@/$deb_machine/" \
        -e "s/@SIZE@/$(du -sk "$root/usr" | cut -f1)/" "$here/debian/control" >"$root/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$root" "$dist/audit-run_${version}_$deb_machine.deb" >/dev/null
    say "$dist/audit-run_${version}_$deb_machine.deb"
}

redhat() {
    root=$work/rpm
    stage "$root"
    rpmbuild -bb --quiet --target "$machine-linux" --buildroot "$work/rpm-build" --define "_topdir $work/rpmtop" \
        --define "_rpmdir $work/rpms" --define "stage $root" --define "ours $version" \
        --define 'use_source_date_epoch_as_buildtime 1' --define '_build_id_links none' \
        "$here/audit-run.spec" </dev/null
    find "$work/rpms" -name '*.rpm' -exec cp {} "$dist" \;
    say "$dist/audit-run-$version-1.$machine.rpm"
}

for form in ${AUDIT_PACKAGES:-tarball debian rpm}; do
    case $form in
    tarball) tarball ;;
    debian) if has dpkg-deb; then debian; else say "no Debian package: dpkg-deb is not installed"; fi ;;
    rpm) if has rpmbuild; then redhat; else say "no RPM package: rpmbuild is not installed"; fi ;;
    *) die "there is no package called '$form'" ;;
    esac
done
(cd "$dist" && find . -maxdepth 1 \( -name '*.tar.gz' -o -name '*.deb' -o -name '*.rpm' \) -printf '%f\n' |
    sort | xargs sha256sum >SHA256SUMS)
