#!/bin/sh
# Compiles the BPF programs for x86-64 and arm64, each twice and from two places: the bytes must be the same.
# The flags are those of build.rs. Exit status: 0 the same, 1 not, 77 it cannot be tried here (said why).
set -eu
here=$(cd "$(dirname "$0")" && pwd)

clang=${AUDIT_BPF_CLANG:-clang}
for tool in "$clang" llvm-strip; do
    command -v "$tool" >/dev/null || {
        echo "again.sh: not run: $tool is not installed" >&2
        exit 77
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/elsewhere"
cp -R "$here/progs" "$work/elsewhere/progs"

# compile PLACE PROGRAM MACHINE OBJECT
compile() {
    (cd "$1" && "$clang" -g -O2 -target bpf -mcpu=v3 -fno-strict-aliasing -Wall -Wno-unused-function "-D__TARGET_ARCH_$3" \
        -idirafter "/usr/include/$(uname -m)-linux-gnu" "-ffile-prefix-map=$1=." \
        -c "progs/$2.bpf.c" -o "$4")
    llvm-strip -g "$4"
}

for source in "$here"/progs/*.bpf.c; do
    program=$(basename "$source" .bpf.c)
    for machine in x86 arm64; do
        compile "$here" "$program" $machine "$work/one.o"
        compile "$work/elsewhere" "$program" $machine "$work/two.o"
        cmp "$work/one.o" "$work/two.o" || exit 1
        echo "$program for $machine: $(wc -c <"$work/one.o") bytes, twice the same"
    done
done
