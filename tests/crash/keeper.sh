#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The keeper: restarts the daemon, knows how instances ended whose daemon was dead, is replaced by the daemon when it is
# killed, and leaves instances alone when it ends.
set -u
tools=${BUILD:-build}/tests/tools
top=$(mktemp -d "${TMPDIR:-/tmp}/fairway-keeper-XXXXXX")
state=$top/state log=$top/state/daemon.log
export SLOT_DAEMON_SLOTS=a SLOT_DAEMON_ARGS="sh $top/service"
cat >"$top/service" <<'END'
trap 'exit 42' TERM
echo up
while :; do sleep 0.05; done
END
n=0

clean() {
	: >"$state/stop"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		kill -0 "$(last keeper)" 2>/dev/null || break
		sleep 0.1
	done
	[ -s "$state/slots/a/lock" ] && kill -KILL "$(instance)" 2>/dev/null
	rm -rf "$top"
}
trap clean EXIT

ok() { # TEXT COMMAND…: asked for up to 5 s
	text=$1
	shift
	n=$((n + 1))
	for i in $(seq 100); do
		if "$@"; then
			echo "ok $n - $text"
			return
		fi
		sleep 0.05
	done
	echo "not ok $n - $text"
	sed 's/^/# /' "$log"
}
# The pid of the last of them that said it had begun.
last() {
	case $1 in
	keeper) sed -n 's/.* keeper\[\([0-9]*\)\] info: keeping .*/\1/p' "$log" ;;
	daemon) sed -n 's/.* daemon\[\([0-9]*\)\] info: .* slots, .* run$/\1/p' "$log" ;;
	esac 2>/dev/null | tail -1
}
instance() { cut -d' ' -f1 "$state/slots/a/lock" 2>/dev/null; }
logs() { "$tools/slot_daemon" --logs "$state" 2>/dev/null; }
is_up() { [ "$(logs | grep -c '^text a up')" -ge "$1" ]; }
is_another() { [ -n "$(last "$1")" ] && [ "$(last "$1")" != "$2" ]; }
says() { grep -q "$1" "$log"; }
is_gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

"$tools/slot_daemon" --keeper "$state" &
ok "an instance runs" is_up 1
first=$(instance) daemon=$(last daemon) keeper=$(last keeper)

"$tools/slot_daemon" --keeper "$state"
ok "a second keeper gives way" [ $? -eq 0 ]

kill -KILL "$daemon"
ok "the daemon is started again" is_another daemon "$daemon"
ok "it adopts the instance" says "a ($first) adopted"
kill -TERM "$first"
ok "the keeper sees how it ended" says "keeper\\[$keeper\\] info: a ($first) exited with status 42"
ok "and tells the daemon" says "daemon\\[$(last daemon)\\] info: a ($first) exited with status 42"
ok "the slot runs again" is_up 2

daemon=$(last daemon) second=$(instance)
kill -KILL "$keeper"
ok "the daemon takes the place of the keeper" says "keeper\\[$daemon\\] info: keeping"
ok "and has a daemon of its own" is_another daemon "$daemon"
ok "which adopts the instance" says "daemon\\[$(last daemon)\\] info: a ($second) adopted"
kill -TERM "$second"
ok "whose end is still seen" says "daemon\\[$(last daemon)\\] info: a ($second) exited with status 42"
ok "the slot runs a third time" is_up 3

third=$(instance) keeper=$(last keeper)
kill -TERM "$keeper"
ok "a keeper that is asked to end does" is_gone "$keeper"
ok "its daemon too" is_gone "$(last daemon)"
ok "the instance stays" kill -0 "$third"
"$tools/slot_daemon" --keeper "$state" &
ok "and is found again" says "a ($third) adopted"
kill -KILL "$third"
ok "its end by a signal is seen" says "a ($third) ended by signal 9"
