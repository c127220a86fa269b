#!/bin/sh
# The job that `make demo` records: compiles a program, runs it, removes what it made.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/audit-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT

cc -O1 -o "$work/echo" "$here/echo.c"
"$work/echo" 'hello from the job' >"$work/answer"
cat "$work/answer"
rm "$work/answer"
