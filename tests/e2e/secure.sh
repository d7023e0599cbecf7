#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A token of the configuration is nowhere but on the wire; and with the rights of others (set-user-ID) the program does nothing
# at all, in no role.
. tests/support/tap.sh

secret=tok-3n-of-the-e2e-test
cat >"$scratch/config.yaml" <<EOF
context: acme
contexts:
  acme:
    platform: { kind: platform, url: "https://127.0.0.1:9", token: { env: FAIRWAY_E2E_TOKEN } }
EOF
chmod 600 "$scratch/config.yaml"
export FAIRWAY_E2E_TOKEN="$secret" FAIRWAY_CONFIG="$scratch/config.yaml"
says 0 'the configuration is shown' config show
holds 'it tells where a token comes from' out FAIRWAY_E2E_TOKEN
lacks 'but not what it is' out "$secret"
says 5 'a source that is away' status
lacks 'its error holds no token' err "$secret"
says 5 'information of a source that is away' info
lacks 'nor does its information' out "$secret"
unset FAIRWAY_E2E_TOKEN FAIRWAY_CONFIG

# sets_id: whether set-user-ID works in the scratch folder. A sanitizer's own options end there.
sets_id()
{
	[ "$(id -u)" = 0 ] && [ -z "${SAN:-}" ] && cp "$(command -v id)" "$scratch/id" && chown nobody "$scratch/id" &&
		chmod 4755 "$scratch/id" && chmod 755 "$scratch" && [ "$("$scratch/id" -un)" = nobody ]
}
if sets_id; then
	cp "$fairway" "$scratch/setid" && chown nobody "$scratch/setid" && chmod 4755 "$scratch/setid"
	fairway=$scratch/setid
	for role in version --help status '--keeper /tmp/none' '--daemon /tmp/none' '--shim x' '--relay x' demo; do
		# shellcheck disable=SC2086 # words on purpose
		says 2 "set-user-ID is refused: $role" $role
		holds "and says so: $role" err 'rights of others'
	done
else
	pass 'set-user-ID is refused # SKIP needs root, a file system with set-user-ID, and no sanitizer'
fi
plan
