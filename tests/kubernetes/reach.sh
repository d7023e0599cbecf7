#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each of the rig's kubeconfigs: who the API server takes us for, and what is said when it does not.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
reach=${BUILD:-build}/tests/tools/reach
unset KUBECONFIG

# asks NAME FILE EXPRESSION PATH…: a shell pattern of all that was printed, on one line.
asks()
{
	title=$1 file=$2 pattern=$3
	shift 3
	timeout 60 "$reach" "$file" - "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	# shellcheck disable=SC2254
	case $(tr '\n' ' ' <"$scratch/out") in
	$pattern) pass "$title" ;;
	*) fail "$title" ;;
	esac
}
deployments=/apis/apps/v1/namespaces/payments/deployments
asks 'a client certificate' "$RIG_KUBECONFIG" '200 scope=default who=* {"kind":"NamespaceList"*' /api/v1/namespaces
asks 'a token' "$RIG_KUBECONFIG_ADMIN_TOKEN" '200 *"NamespaceList"*' /api/v1/namespaces
asks 'one who may see' "$RIG_KUBECONFIG_VIEWER" '200 *"DeploymentList"*' "$deployments"
asks 'one of a namespace: there' "$RIG_KUBECONFIG_DEV" '200 scope=payments *"DeploymentList"*' "$deployments"
asks 'but not everywhere' "$RIG_KUBECONFIG_DEV" 'error *403*' /apis/apps/v1/deployments
asks 'one without rights' "$RIG_KUBECONFIG_NOBODY" 'error *403*' "$deployments"
asks 'a token that is not known' "$RIG_KUBECONFIG_BAD_TOKEN" 'error *401*' /api/v1/namespaces
asks 'a certificate that expired' "$RIG_KUBECONFIG_EXPIRED" 'error *401*' /api/v1/namespaces
asks 'a credential plugin' "$RIG_KUBECONFIG_EXEC" '200 *"NamespaceList"*200 *' /api/v1/namespaces /version
asks 'one whose token is past' "$RIG_KUBECONFIG_EXEC_EXPIRED" 'error *401*' /api/v1/namespaces
asks 'one that fails' "$RIG_KUBECONFIG_EXEC_BROKEN" \
	'error refused: the credential plugin * of user * ended with status 1: *log in again*' /api/v1/namespaces

kubeconfig "$scratch/as" "$RIG_KUBE_URL" '' \
	"token: $RIG_KUBE_TOKEN, as: jane, as-groups: [system:masters, dev], as-user-extra: {acme.dev/Why: [on-call]}"
asks 'one who acts for another' "$scratch/as" '200 *"NamespaceList"*' /api/v1/namespaces
kubeconfig "$scratch/as-nobody" "$RIG_KUBE_URL" '' "token: $RIG_KUBE_TOKEN, as: jane"
asks 'with the rights of that one' "$scratch/as-nobody" 'error *403*' /api/v1/namespaces
kubeconfig "$scratch/insecure" "$RIG_KUBE_URL" 'insecure-skip-tls-verify: true'
asks 'an unverified server' "$scratch/insecure" '200 *"NamespaceList"*' /api/v1/namespaces
kubeconfig "$scratch/unknown-ca" "$RIG_KUBE_URL" 'tls-server-name: localhost'
asks 'a server of an unknown CA' "$scratch/unknown-ca" 'error unreachable: *certificate*' /api/v1/namespaces
kubeconfig "$scratch/name" "$RIG_KUBE_URL" "certificate-authority: $RIG_KUBE_CA, tls-server-name: kubernetes.default.svc"
asks 'by another name of its certificate' "$scratch/name" '200 *"NamespaceList"*' /api/v1/namespaces
kubeconfig "$scratch/wrong-name" "$RIG_KUBE_URL" "certificate-authority: $RIG_KUBE_CA, tls-server-name: other.example"
asks 'not by one that it has not' "$scratch/wrong-name" 'error unreachable: *' /api/v1/namespaces
plan
