#!/bin/sh
# Records a small job with the programs in target/release and shows the record.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$top/scripts/common.sh"
cd "$top"

bin=$target/release
for program in audit audit-supervisor; do
    [ -x "$bin/$program" ] || die "cannot find $bin/$program: run \`make demo\`"
done

# Shown as it can be typed from here.
shown=${bin#"$top/"}/audit

# Recording takes root until `audit` is installed; the job itself runs as who started this.
if [ "$(id -u)" = 0 ] || ! can_be_root; then
    sudo=''
    as_user=''
else
    sudo='sudo -n '
    as_user="--user $(id -un) "
fi

step() {
    printf '\n$ %s\n' "$sudo$shown $*" >&2
    # shellcheck disable=SC2086  # words, or nothing
    $sudo "$bin/audit" "$@"
}

# shellcheck disable=SC2086  # words, or nothing
if ! report=$($sudo "$bin/audit" doctor 2>&1); then
    printf '%s\n' "$report" >&2
    die "this machine cannot record yet; what is missing is named above
  then: make demo    or, what is built being there: sudo scripts/demo.sh"
fi

# shellcheck disable=SC2086  # words, or nothing
step run $as_user-- scripts/demo/job.sh
step view last

# shellcheck disable=SC2086  # words, or nothing
store=$($sudo "$bin/audit" status | sed -n 's/^Store: .* in //p')
cat >&2 <<END

The record is in $store/runs, like that of any other run.
Look further:
    $sudo$shown runs
    $sudo$shown query --type exec
    $sudo$shown query --type net
END
