#!/bin/sh
# Builds the programs for arm64 on a machine that is not, and prints the folder they are in. The recorder is linked to
# no library, as in a release (scripts/static.sh).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"

has aarch64-linux-gnu-gcc || die 'cannot build for arm64: no cross compiler
  Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
triple=aarch64-unknown-linux-gnu
if ! [ -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ] && has rustup; then
    rustup target add $triple >&2 </dev/null || say 'rustup failed'
fi
[ -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ] ||
    die "cannot build for arm64: Rust's target $triple is missing
  with rustup: rustup target add $triple"

export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
cargo build --release --locked -p cli -p ship --features cli/parquet --target $triple --target-dir "$target" >&2
recorder=$(scripts/static.sh aarch64)
cp "$recorder" "$target/$triple/release/audit-supervisor"
echo "$target/$triple/release"
