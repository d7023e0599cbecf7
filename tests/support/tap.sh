# SPDX-License-Identifier: Apache-2.0
# For shell tests that speak TAP: `. tests/support/tap.sh`. Each run of a command leaves $scratch/out, $scratch/err and
# $status. $fairway is the program; state and configuration lie in $scratch. Whoever sources it may define clean_up.
set -u
fairway=$(pwd)/${BUILD:-build}/fairway
scratch=$(mktemp -d)
export FAIRWAY_STATE_DIR="$scratch/state" XDG_CONFIG_HOME="$scratch/config" HOME="$scratch/home" LC_ALL=C.UTF-8
unset FAIRWAY_CONFIG FAIRWAY_CONTEXT NO_COLOR SSH_CONNECTION KUBECONFIG
mkdir -p "$scratch/home"
number=0
clean_up()
{
	:
}
leave()
{
	clean_up
	rm -rf "$scratch"
}
trap leave EXIT
trap 'exit 130' INT TERM

pass()
{
	number=$((number + 1))
	echo "ok $number - $1"
}
fail()
{
	number=$((number + 1))
	echo "not ok $number - $1"
	echo "# status $status"
	cut -c1-400 "$scratch/out" | sed 's/^/# out: /' | head -20
	cut -c1-400 "$scratch/err" | sed 's/^/# err: /' | head -20
}
# run WORD…: nothing is a terminal.
run()
{
	"$fairway" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
}
# says STATUS NAME WORD…: the command ends with STATUS.
says()
{
	wanted=$1 name=$2
	shift 2
	run "$@"
	if [ "$status" -eq "$wanted" ]; then pass "$name"; else fail "$name (wanted $wanted)"; fi
}
# holds NAME FILE RE: FILE (out, err) of the last run has a line that matches.
holds()
{
	if grep -qE -- "$3" "$scratch/$2"; then pass "$1"; else fail "$1"; fi
}
lacks()
{
	if grep -qE -- "$3" "$scratch/$2"; then fail "$1"; else pass "$1"; fi
}
# json NAME EXPRESSION: a Python expression over d, the JSON on standard output of the last run.
json()
{
	if python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$scratch/out" "$2" 2>>"$scratch/err"; then pass "$1"; else fail "$1"; fi
}
# until SECONDS COMMAND…: again and again until it succeeds.
until_done()
{
	seconds=$1
	shift
	end=$(($(date +%s) + seconds))
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.1
	done
}
plan()
{
	echo "1..$number"
}
