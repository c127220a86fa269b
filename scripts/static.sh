#!/bin/sh
# Builds the recorder for a release, linked to no library of the machine, and prints where it is:
# static.sh [aarch64|x86_64], for this machine without an argument.
#
# musl's parts come with Rust's target, which rustup fetches; nothing else is installed. What is C in it
# (zstd, which asks a C library for malloc, free and memcpy only, and hashes in assembler) does with this
# machine's compiler and headers.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"

machine=${1:-$(uname -m)}
triple=$machine-unknown-linux-musl
has_target() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ]
}
if ! has_target && has rustup; then
    rustup target add "$triple" >&2 </dev/null || say "rustup failed"
fi
has_target || die "cannot link without a C library: Rust's target $triple is missing
  with rustup: rustup target add $triple"

# Not of this machine: by Debian's cross compiler.
compiler=${CC:-cc}
[ "$machine" = "$(uname -m)" ] || compiler=$machine-linux-gnu-gcc
export "CC_$(echo "$triple" | tr - _)=$compiler"
export "CARGO_TARGET_$(echo "$triple" | tr 'a-z-' 'A-Z_')_LINKER=$compiler"
cargo build --release --locked -p supervisor --target "$triple" --target-dir "$target/static" >&2
echo "$target/static/$triple/release/audit-supervisor"
