#!/usr/bin/env bash
# What action.yml runs: a scan of the cluster that the kubeconfig means, with a report in every form that a pipeline
# can use. All it is told comes in SCAN_* variables, so that no input is ever read as shell; the exit code is the scan's.
set -euo pipefail

reports=${SCAN_REPORTS:-refused-reports}
mkdir -p "$reports"

words=(scan --output github)
if [[ -n ${SCAN_NAMESPACE:-} ]]; then words+=(--namespace "$SCAN_NAMESPACE"); else words+=(--all-namespaces); fi
if [[ -n ${SCAN_SELECTOR:-} ]]; then words+=(--selector "$SCAN_SELECTOR"); fi
if [[ -n ${SCAN_WAIT:-} ]]; then words+=(--wait "$SCAN_WAIT"); fi
if [[ -n ${SCAN_PROBE:-} ]]; then words+=(--probe "$SCAN_PROBE"); fi
if [[ -n ${SCAN_FAIL_ON:-} ]]; then words+=(--fail-on "$SCAN_FAIL_ON"); fi
if [[ -n ${SCAN_IGNORE:-} ]]; then words+=(--ignore "$SCAN_IGNORE"); fi
for report in json=refused.json junit=refused.xml sarif=refused.sarif markdown=refused.md html=refused.html; do
    words+=(--report "${report%%=*}=$reports/${report#*=}")
done
# One word a line: a word may then hold spaces, and none is split or globbed.
while IFS= read -r word; do
    if [[ -n $word ]]; then words+=("$word"); fi
done <<<"${SCAN_ARGUMENTS:-}"

code=0
"${SCAN_PROGRAM:-kubectl-refused}" "${words[@]}" || code=$?
if [[ -n ${GITHUB_OUTPUT:-} ]]; then printf 'exit-code=%s\nreports=%s\n' "$code" "$reports" >>"$GITHUB_OUTPUT"; fi
exit "$code"
