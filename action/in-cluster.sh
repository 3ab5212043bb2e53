#!/usr/bin/env bash
# Run manifests/job.yaml in a cluster that has the image, and check that the scan inside ends as expected.
#
#   action/in-cluster.sh IMAGE NAMESPACE KUBECTL EXIT-CODE
#
# KUBECTL is the words that reach the cluster. Exits with 0 if the scan exited with EXIT-CODE; its report is printed.
set -euo pipefail

if [[ $# -ne 4 ]]; then
    echo "usage: action/in-cluster.sh IMAGE NAMESPACE KUBECTL EXIT-CODE" >&2
    exit 2
fi
image=$1 namespace=$2 expected=$4
read -r -a kubectl <<<"$3"
here=$(cd "$(dirname "$0")/.." && pwd)

"${kubectl[@]}" apply -f "$here/manifests/rbac.yaml"
sed -e "s|IMAGE|$image|" -e "s|shop|$namespace|" "$here/manifests/job.yaml" | "${kubectl[@]}" apply -f -

code=
for _ in $(seq 1 150); do
    code=$("${kubectl[@]}" get pods -n "$namespace" -l batch.kubernetes.io/job-name=refused \
        -o 'jsonpath={.items[0].status.containerStatuses[0].state.terminated.exitCode}' 2>/dev/null || true)
    if [[ -n $code ]]; then break; fi
    sleep 1
done
"${kubectl[@]}" logs -n "$namespace" job/refused || true
"${kubectl[@]}" delete -n "$namespace" job/refused --wait=false
if [[ $code != "$expected" ]]; then
    echo "the scan in the cluster ended with exit code ${code:-none within 150 s}, not $expected" >&2
    exit 1
fi
