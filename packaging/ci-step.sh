#!/usr/bin/env bash
# A step of CI, recorded: for GitHub Actions (action.yml), GitLab, or a plain shell.
#
#   AUDIT_STEP_RUN='make test' packaging/ci-step.sh
#
# AUDIT_STEP_NAME, _FAIL_ON, _STRICT (true), _BASELINE (a file that `audit baseline save` made) say what
# else; AUDIT_HOME where the record goes. The status is the command's, unless one of these says otherwise.
set -uo pipefail

name=${AUDIT_STEP_NAME:-step}
export AUDIT_HOME=${AUDIT_HOME:-${RUNNER_TEMP:-${CI_PROJECT_DIR:-$PWD}}/audit-record}
as_root=()
run=(audit run --name "$name" --summary always)
if [ "$(id -u)" != 0 ] && ! audit doctor --quiet >/dev/null 2>&1; then
    # The command runs as who we are, and with our PATH.
    as_root=(sudo -E env "PATH=$PATH" "HOME=${HOME:-/}")
    run=("${as_root[@]}" "${run[@]}" --user "$(id -un)")
fi
[ -z "${AUDIT_STEP_FAIL_ON:-}" ] || run+=(--fail-on "$AUDIT_STEP_FAIL_ON")
[ "${AUDIT_STEP_STRICT:-false}" != true ] || run+=(--strict)

script=$(mktemp)
trap 'rm -f "$script"' EXIT
printf '%s\n' "${AUDIT_STEP_RUN:?the command}" >"$script"
chmod 644 "$script"
"${run[@]}" -- bash -eo pipefail "$script"
status=$?

# What comes now never changes that, but for the baseline.
[ ${#as_root[@]} = 0 ] || sudo chown -R "$(id -u)" "$AUDIT_HOME"
# Names of one second sort by chance: the newest is the one that was written to last.
dir=$(find "$AUDIT_HOME/runs" -mindepth 1 -maxdepth 1 -name "*-$name-????" -printf '%T@ %p\n' 2>/dev/null |
    sort -n | tail -n 1 | cut -d' ' -f2-)
if [ -z "$dir" ]; then
    exit $status
fi
sarif=$AUDIT_HOME/$name.sarif
audit report "$dir" -o "$sarif" || sarif=''
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    audit report "$dir" --format github
    {
        echo "run-id=$(basename "$dir")"
        echo "dir=$dir"
        echo "sarif=$sarif"
    } >>"${GITHUB_OUTPUT:-/dev/null}"
else
    audit report "$dir" -o "$AUDIT_HOME/$name.xml" && echo "JUnit: $AUDIT_HOME/$name.xml" >&2
fi
if [ -n "${AUDIT_STEP_BASELINE:-}" ]; then
    mkdir -p "$AUDIT_HOME/baselines" && cp "$AUDIT_STEP_BASELINE" "$AUDIT_HOME/baselines/$name.json"
    audit baseline check "$name" "$dir"
    checked=$?
    [ "$status" != 0 ] || status=$checked
fi
exit $status
