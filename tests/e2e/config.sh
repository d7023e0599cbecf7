#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A console that runs takes a changed configuration, and keeps the old one when the new one is wrong.
. tests/support/tap.sh
terminal=$(dirname "$fairway")/tests/tools/terminal

mkdir -p "$scratch/one/checkout" "$scratch/two/search"
printf 'name: checkout\nteam: payments\n' >"$scratch/one/checkout/service.yaml"
printf 'name: search\nteam: discovery\n' >"$scratch/two/search/service.yaml"
# catalog FOLDER: writes the configuration as an editor does, all or nothing.
catalog()
{
	printf 'context: acme\ncontexts: { acme: { catalog: { kind: files, path: "%s" } } }\n' "$1" >"$scratch/new.yaml"
	chmod 600 "$scratch/new.yaml"
	mv "$scratch/new.yaml" "$scratch/config.yaml"
}
mkfifo "$scratch/script"
catalog "$scratch/one"
timeout 60 "$terminal" 24x100 "$fairway" --config "$scratch/config.yaml" <"$scratch/script" >"$scratch/out" 2>"$scratch/err" &
console=$!
exec 3>"$scratch/script"
echo 'wait 10000 checkout' >&3
echo 'screen' >&3
until_done 20 grep -q checkout "$scratch/out"
catalog "$scratch/two"
echo 'wait 10000 search' >&3
echo 'gone 10000 checkout' >&3
echo 'screen' >&3
until_done 20 grep -q search "$scratch/out"
catalog 'no/absolute/path'
echo 'wait 10000 not taken: ' >&3
echo 'wait 10000 search' >&3
echo 'end 5000 TERM' >&3
exec 3>&-
wait "$console"
status=$?
name='a changed file is taken, a wrong one is told and left'
if [ "$status" -eq 0 ]; then pass "$name"; else fail "$name"; fi
plan
