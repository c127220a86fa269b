#!/bin/sh
# Compiles the BPF programs and puts the objects into bpf/prebuilt, for machines without clang.
set -eu
cd "$(dirname "$0")"
AUDIT_BPF_PREBUILD=1 cargo build --quiet -p bpf
ls -l prebuilt
