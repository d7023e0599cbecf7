#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make bench: what fairway promises, measured on this machine beside what one would pick instead where it is installed.
# Prints a table: work, bar, figure, and the ratio to the other program. Judges nothing: a busy machine is slower. The
# synthetic API server (tests/tools/bench_server.c) stands in for a platform where only the console is measured.
set -u
export LC_ALL=C.UTF-8
build=$(cd "${BUILD:-build}" && pwd)
fairway=$build/fairway terminal=$build/tests/tools/terminal load=$build/tests/tools/load
dir=$(mktemp -d)
cache=${XDG_CACHE_HOME:-$HOME/.cache}
export HOME="$dir/home" XDG_CONFIG_HOME="$dir/config" FAIRWAY_STATE_DIR="$dir/state"
unset FAIRWAY_CONFIG FAIRWAY_CONTEXT
mkdir -p "$dir/home" "$dir/api/local"
chmod 700 "$dir/api" "$dir/api/local"
socket=$dir/api/local/api.sock
server=
serve() { # INSTANCES CHANGES LINES LINES_A_SECOND
	unserve
	: >"$dir/server"
	"$build/tests/tools/bench_server" "$socket" "$@" >"$dir/server" &
	server=$!
	: >"$dir/api/local/state.db" # the console asks where to start when it is not there
	until grep -q ready "$dir/server"; do sleep 0.05; done
}
unserve() {
	if [ -n "$server" ]; then kill "$server"; wait "$server" 2>/dev/null; fi
	server=
}
finish() {
	unserve
	timeout 60 "$fairway" demo down >/dev/null 2>&1 </dev/null
	timeout 60 "$fairway" platform down --yes >/dev/null 2>&1 </dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

row() { # WORK BAR FIGURE RATIO
	printf '| %-66s | %-14s | %-24s | %-40s |\n' "$1" "$2" "$3" "$4"
}
get() { # NAME [FILE]: the first value of that name that a tool printed, and its unit
	awk -F '\t' -v name="$1" '$1 == name { print $2 " " $3; exit }' "${2:-$dir/out}"
}
nth() { # N NAME
	awk -F '\t' -v n="$1" -v name="$2" '$1 == name && ++seen == n { print $2 " " $3 }' "$dir/out"
}
on_api() { # the console on the synthetic server, told on standard input what to do
	FAIRWAY_STATE_DIR="$dir/api" timeout 120 "$terminal" 40x120 "$fairway" >"$dir/out" 2>"$dir/err" || cat "$dir/out" "$dir/err"
}
seconds() { # COMMAND…: how long it took
	from=$(date +%s%N)
	"$@" >/dev/null 2>"$dir/err" </dev/null || { echo "failed: $*" >&2; cat "$dir/err" >&2; }
	echo "$(($(date +%s%N) - from))" | awk '{ printf "%.3f", $1 / 1e9 }'
}
divide() { # A B WORDS
	awk -v a="$1" -v b="$2" -v words="$3" 'BEGIN { if (b + 0 > 0) printf "%.2f × %s (%s)", a / b, words, b }'
}
# usage PID SECONDS: percent of a processor and voluntary switches a second, of all its threads.
usage() {
	spent() { cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { print ns + 0 }'; }
	woken() { cat /proc/"$1"/task/*/status | awk '/^voluntary/ { n += $2 } END { print n + 0 }'; }
	a=$(spent "$1") b=$(woken "$1")
	sleep "$2"
	echo "$a $(spent "$1") $b $(woken "$1") $2" | awk '{ printf "%.3f %%, %.1f /s", ($2 - $1) / $5 / 1e7, ($4 - $3) / $5 }'
}
lacks() { # PROGRAM
	command -v "$1" >/dev/null && return 1
	echo "$1 is not installed"
}

echo "Measured on $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg): $(uname -sr), fairway $("$fairway" --version | head -1 | sed 's/^fairway //')"
echo
row work bar figure 'ratio to'
row --- --- --- ---

# A key's time ends with the next frame, whatever it shows; with changes coming in that is now and then another one.
# The console alone: rows and lines of the synthetic server.
serve 50000 0 100000 0
on_api <<'EOF'
first
end 2000 TERM
EOF
row 'start to first frame' '≤ 50 ms' "$(get 'first frame')" ''
on_api <<'EOF'
wait 20000 big
keys <enter>
wait 20000 big-prod-
keys 2z
frame 2000
move 400 jk
idle 2
idle 10
move 400 jk
keys l
timed 20000 .099999Z
move 400 kj
memory
end 2000 TERM
EOF
row 'key to frame, while 50,000 rows come in: p50 · p99' 'p99 ≤ 5 ms' "$(nth 1 'key p50') · $(nth 1 'key p99')" ''
row 'key to frame, 50,000 rows, nothing else: p50 · p99' '' "$(nth 2 'key p50') · $(nth 2 'key p99')" ''
row 'bytes of a cursor move, 120x40, 50,000 rows' '≤ 1.2 × cells + 60' "$(nth 2 'bytes a move')" 'k9s: 842 (by its own measure, 10,000 rows)'
row 'idle, connected: processor' '≤ 0.1 %' "$(nth 2 'idle processor')" "$(lacks htop)"
row 'idle, connected: wake-ups' '≤ 2 /s' "$(nth 2 'idle wake-ups')" ''
row 'peak memory, 50,000 instances + 100,000 lines' '≤ 64 MiB' "$(get 'peak memory')" ''
if ! lacks htop >"$dir/lacks"; then
	TERM=xterm-256color timeout 20 "$terminal" 40x120 "$(command -v htop)" >"$dir/htop" 2>/dev/null <<'EOF'
wait 5000 htop
idle 10
memory
end 2000 TERM
EOF
	row '  the same of htop' '' "$(get 'idle processor' "$dir/htop"), $(get 'idle wake-ups' "$dir/htop"), $(get 'peak memory' "$dir/htop")" ''
fi
serve 50000 5000 100000 2000
on_api <<'EOF'
wait 20000 big
keys <enter>
wait 20000 big-prod-
keys 2
frame 2000
move 1000 jk
keys l
wait 20000 request
frame 1000
idle 2
move 1000 kj
memory
end 2000 TERM
EOF
row 'key to frame, 50,000 rows, 5,000 changes/s: p50 · p99 · worst' 'p99 ≤ 5 ms' \
	"$(nth 1 'key p50') · $(nth 1 'key p99') · $(nth 1 'key worst')" ''
row '  the same in a log of 2,000 lines/s' 'p99 ≤ 5 ms' "$(nth 2 'key p50') · $(nth 2 'key p99') · $(nth 2 'key worst')" ''
row '  peak memory of that' '≤ 64 MiB' "$(get 'peak memory')" ''

# Log lines over the socket, and over the wire alone.
serve 8 0 1000000 0
if command -v curl >/dev/null; then
	url='http://fairway/v1/logs?service=big&environment=prod'
	curl -s --unix-socket "$socket" "$url" >"$dir/lines"
	wire=$(seconds curl -s --unix-socket "$socket" "$url")
	ours=$(FAIRWAY_STATE_DIR="$dir/api" seconds "$fairway" logs big --env prod)
	on_api <<'EOF'
wait 10000 big
keys <enter>
wait 10000 big-prod-
keys l
timed 60000 .999999Z
end 2000 TERM
EOF
	console=$(get 'seen after')
	row '1,000,000 lines into the log of the console, from the key on' '≤ 1.11 × curl' "$console" \
		"$(divide "${console% ms}" "$(echo "$wire" | awk '{ print $1 * 1000 }')" 'curl, which only receives, ms')"
	row '1,000,000 lines by fairway logs, masked and in order, to /dev/null' '≤ 1.11 × curl' "$ours s" "$(divide "$ours" "$wire" 'curl, which only receives')"
fi
"$build/tests/bench/logs" >"$dir/logs"
"$build/tests/bench/table" >"$dir/table"
row 'log lines taken in from memory, in order' '≥ 1 M lines/s' "$(get 'logs: taken in' "$dir/logs")" ''
found=$(awk -F '\t' '/^logs: filter status=500 / && /complete/ { print $2; exit }' "$dir/logs")
screen=$(awk -F '\t' '/^logs: filter status=500 / && /first screen/ { print $2; exit }' "$dir/logs")
if [ -s "$dir/lines" ]; then
	# grep stops at the first hit when it writes to /dev/null itself.
	grepped=$(seconds sh -c "grep -c status=500 '$dir/lines' | cat")
	piped=$(seconds sh -c "tail -n +1 '$dir/lines' | grep -c status=500 | cat")
	expression=$(seconds sh -c "grep -cE 'status=5[0-9][0-9] took=[5-9][0-9][0-9]ms' '$dir/lines' | cat")
	row 'filter "status=500" over 1,000,000 lines: complete' '≤ 100 ms' "$found ms" "$(divide "$found" "$(echo "$grepped" | awk '{ print $1 * 1000 }')" 'grep, ms')"
	row '  the same of tail | grep' '' "$(echo "$piped" | awk '{ print $1 * 1000 }') ms" ''
	matched=$(awk -F '\t' '/^logs: filter \/status=5/ && /complete/ { print $2; exit }' "$dir/logs")
	row 'filter /status=5\d\d took=[5-9]\d\dms/ over 1,000,000 lines' '≤ 100 ms' "$matched ms" "$(divide "$matched" "$(echo "$expression" | awk '{ print $1 * 1000 }')" 'grep -E, ms')"
fi
row 'filter over 1,000,000 lines: first screenful' '≤ 20 ms' "$screen ms" ''
sed -n 's/^table: //p' "$dir/table" | while IFS="$(printf '\t')" read -r name value unit; do
	row "50,000 rows: $name" '' "$value $unit" ''
done
unserve

# A real platform: one service of ours under load.
mkdir -p "$dir/shop"
cat >"$dir/shop/service.yaml" <<'EOF'
name: shop
run: ./run.sh
health: {path: /healthz}
scaling: {min_replicas: 2}
watch: 1s
EOF
version() {
	printf '#!/bin/sh\n# %s\nexec "%s" serve 0 "%s/seen"\n' "$1" "$load" "$dir" >"$dir/shop/run.sh"
	chmod 755 "$dir/shop/run.sh"
}
version one
sum=$("$fairway" up "$dir/shop" </dev/null 2>/dev/null | sed -n 's/^approve with: --approve //p')
"$fairway" up "$dir/shop" --approve "$sum" >/dev/null 2>"$dir/err" </dev/null || cat "$dir/err"
port=$("$fairway" service shop -o json </dev/null | sed -n 's/.*"url":"http:\/\/127.0.0.1:\([0-9]*\)".*/\1/p')
version two
took=$(seconds "$fairway" deploy shop --env dev --yes)
row 'deploy, from the change to its end (1 s of watching included)' '≤ 5 s' "$took s" ''
"$load" post "$port" 16 8 "$dir/seen" >"$dir/post" &
posting=$!
version three
"$fairway" deploy shop --env dev --yes >/dev/null 2>&1 </dev/null
version four
"$fairway" deploy shop --env dev --yes >/dev/null 2>&1 </dev/null
wait "$posting"
row 'two deploys under load of 16 connections' '0 lost, doubled' "$(sed -n 's/.*\(lost [0-9]* doubled [0-9]*\).*/\1/p' "$dir/post")" \
	"$(sed -n 's/^sent \([0-9]*\) .*failed \([0-9]*\) .*slowest_ms \([0-9]*\)/\1 requests, \2 failed, slowest \3 ms/p' "$dir/post")"
daemon=$(curl -s --unix-socket "$FAIRWAY_STATE_DIR/local/api.sock" http://fairway/v1/info | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
[ -n "$daemon" ] && row 'idle daemon, 1 service, probed each second' '' "$(usage "$daemon" 10)" ''
"$fairway" platform down --yes >/dev/null 2>&1 </dev/null

# The demo, whole.
took=$(seconds timeout 120 "$fairway" demo up)
row 'the demo raised: 6 services in 3 environments, built and healthy' '≤ 10 s' "$took s" ''
daemon=$(curl -s --unix-socket "$FAIRWAY_STATE_DIR/demo/api.sock" http://fairway/v1/info | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
[ -n "$daemon" ] && row 'daemon of the demo, under its load generator' '' "$(usage "$daemon" 10)" ''

. tests/bench/kubernetes.sh
