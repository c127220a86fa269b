#!/bin/sh
# Runs one real job twice in the same, fresh place, once recorded by audit and once by strace -f, and
# compares what each says was executed, read, written, created, deleted and renamed. Prints both
# lists' differences; exits with 0 when they agree.
#
#   compare-strace.sh DIR      works in DIR, which must not exist
#   AUDIT, COMPARE             the programs to use; from PATH otherwise
#
# The job: `git clone` of a local repository, then `make -j2` of the C project in it.
# What is made equal before the comparison, and why, is in src/bin/compare.rs.
set -eu

dir=$1
audit=${AUDIT:-audit}
compare=${COMPARE:-compare}
here=$(cd "$(dirname "$0")/.." && pwd)

mkdir "$dir"
dir=$(cd "$dir" && pwd)
say() {
    printf '%s\n' "$*" >&2
}

# A home without anybody's settings, a place for temporary files, a repository to clone.
export HOME="$dir/home" TMPDIR="$dir/fresh/tmp" LC_ALL=C GIT_CONFIG_NOSYSTEM=1
mkdir "$HOME" "$dir/origin"
git config --global user.name tester
git config --global user.email tester@example.org
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global maintenance.auto false
cp -R "$here/fixtures/cproject/." "$dir/origin"
(cd "$dir/origin" && git init -q && git add . && git commit -q -m start)

cat >"$dir/job" <<'END'
#!/bin/sh
set -eu
git clone -q "$1/origin" project
cd project
make -j2 check
END
chmod +x "$dir/job"

# What a job reads is what it reads the second time: caches are filled, nothing is left to be made.
once() {
    rm -rf "$dir/fresh"
    mkdir "$dir/fresh" "$TMPDIR"
    (cd "$dir/fresh" && "$@" "$dir/job" "$dir" </dev/null >"$dir/output" 2>&1) || {
        cat "$dir/output" >&2
        say "the job failed under: $*"
        exit 2
    }
}

once env
once "$audit" run --name compare --
mkdir "$dir/strace"
calls=execve,execveat,open,openat,openat2,creat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat
calls=$calls,rename,renameat,renameat2,link,linkat,symlink,symlinkat,chdir,fchdir
calls=$calls,clone,clone3,fork,vfork
once strace -ff -ttt -y -s 4096 -e "trace=$calls" -e signal=none -o "$dir/strace/log"

run=$(ls -d "${AUDIT_HOME:?names the store}"/runs/*-compare-* | tail -n 1)
"$compare" "$run" "$dir/strace" "$dir/fresh" "$dir/fresh"
