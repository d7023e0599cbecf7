#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Text that wants more than to be read: escape sequences, C1, bidirectional and zero-width characters, broken UTF-8 and
# lines of 20,000 bytes, in descriptions, logs, summaries, notes, reasons and runbooks of a real platform. None of it comes
# raw out of a table, a pipe, JSON or the console. Then a terminal that stops reading, and a storm of keys.
. tests/support/tap.sh
command -v python3 >/dev/null || { echo 'ok 1 - # SKIP python3 is not installed'; exit 0; }
terminal=$(dirname "$fairway")/tests/tools/terminal
clean_up()
{
	timeout 30 "$fairway" platform down --yes >/dev/null 2>&1 </dev/null
}

mkdir -p "$scratch/evil"
# What YAML itself lets pass stands in service.yaml; the log has all.
soft=$(printf 'soft\302\233\342\200\256rtl\342\201\246\342\200\213zw\357\273\277')
hard=$(printf 'hard\033[21t\033]0;PWNED\007\033]52;c;SFVSVA==\007\033P+q\033\\\033[6n\302\23331m\342\200\256\342\201\246\342\200\213\377\376\300\233\303end')
cat >"$scratch/evil/service.yaml" <<EOF
name: evil
team: payments
language: python
description: "What it is: soft\\u202Ertl\\u2066\\u200Bzw"
run: [python3, main.py]
health: {path: /healthz}
metrics: /metrics
watch: 1s
alerts:
- {name: Evil, when: metric, metric: evil, above: 0, window: 2s, for: 1s, summary: "Sum\\u202E\\u200Bmary", runbook: runbook.md}
runbooks: {general: runbook.md}
links: {wiki: "https://example.org/"}
EOF
cat >"$scratch/evil/main.py" <<'EOF'
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"evil 1\n")
    def log_message(self, *words):
        pass
hard = open("hard", "rb").read()
out = sys.stdout.buffer
out.write(b"first " + hard + b"\n")
out.write(b'{"level":"error","msg":"json \\u001b]52;c;SFVSVA==\\u0007 \\u202e ' + b"\\u200b" + b'","\\u001b[21t":"' + hard + b'"}\n')
out.write(b"long " + (hard * 400)[:20000] + b"\n")
out.write(b"level=error msg=\"" + hard + b"\" k\x1b[6n=v\n")
out.write(b"Traceback (most recent call last):\n  File \"" + hard + b"\", line 1\nValueError: " + hard + b"\n")
out.flush()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
EOF
printf '%s' "$hard" >"$scratch/evil/hard"
printf '# Run %s\n\n[%s](https://example.org/%s "%s")\n\n```sh {run}\necho %s\n```\n\n| a |\n|---|\n| %s |\n' "$hard" "$hard" "$soft" "$hard" "$hard" "$hard" \
	>"$scratch/evil/runbook.md"

cat >"$scratch/raw.py" <<'EOF'
# raw.py FILE…: tells what of a file a terminal or a reader must not be given.
import re, sys
BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
for name in sys.argv[1:]:
    text = open(name, "rb").read()
    try:
        found = BAD.search(text.decode())
        if found:
            sys.exit("%s: %r at %d" % (name, found.group(), found.start()))
    except UnicodeDecodeError as e:
        sys.exit("%s: %s" % (name, e))
EOF
# clean NAME: neither stream of the last run holds anything raw.
clean()
{
	if python3 "$scratch/raw.py" "$scratch/out" "$scratch/err" 2>"$scratch/found"; then
		pass "$1"
	else
		cat "$scratch/found" >>"$scratch/err"
		fail "$1"
	fi
}
# on_terminal NAME SIZE WORD…: what standard input says comes true.
on_terminal()
{
	name=$1
	shift
	FAIRWAY_STATE_DIR="$scratch/state" timeout 120 "$terminal" "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ "$status" -eq 0 ]; then pass "$name"; else fail "$name"; fi
}

# Refused before anything runs: control characters in YAML; and the refusal itself is fit to show.
mkdir -p "$scratch/refused"
printf 'name: refused\nrun: "echo \\e]52;c;SFVSVA==\\a"\n%s: x\n' "$soft" >"$scratch/refused/service.yaml"
says 2 'control characters in service.yaml are refused' up "$scratch/refused"
clean 'and the complaint is masked'
says 2 'an unknown word is refused' "$hard"
clean 'and named masked'

run up "$scratch/evil"
clean 'the question for an approval is masked'
says 0 'the service runs' up "$scratch/evil" --approve "$(sed -n 's/^approve with: --approve //p' "$scratch/out")"
clean 'its deploy is told masked'
says 0 'a note' note evil "note $hard" --env dev
clean 'is told masked'
says 0 'a lock' lock evil --env dev --reason "lock $hard" --until 1h --yes
clean 'is told masked'
says 3 'a locked placement refuses' restart evil --env dev --yes --reason "why $hard"
clean 'in masked words'
fires()
{
	"$fairway" alerts -o json </dev/null 2>/dev/null | grep -q '"phase":"firing"'
}
if until_done 20 fires; then pass 'its alert fires'; else fail 'its alert fires'; fi

for verb in status services 'service evil' 'instances evil' envs deploys releases alerts 'logs evil' events audit 'why evil --env dev' info; do
	# shellcheck disable=SC2086
	run $verb
	clean "$verb: table"
	# shellcheck disable=SC2086
	run $verb -o json
	clean "$verb: json"
	if [ -s "$scratch/out" ] && python3 -c 'import json, sys
for line in open(sys.argv[1]) if sys.argv[2] == "logs" else [open(sys.argv[1]).read()]:
    json.loads(line)' "$scratch/out" "${verb%% *}" 2>>"$scratch/err"; then pass "$verb: is JSON"; else fail "$verb: is JSON"; fi
done
run logs evil
holds 'the text of a line is still told' out 'first hard.*end'
holds 'and so is a long one' out 'long hard'
run runbook evil
holds 'the runbook is told' out '^# Run hard'
clean 'the runbook is masked'
run logs evil --grep 'hard.*end' --level error
clean 'logs narrowed are masked'
run note evil x --env "$hard"
clean 'an environment of such a name is refused in masked words'

on_terminal 'logs on a terminal' 40x120 "$fairway" --color always logs evil <<'EOF'
exit 5000
clean
EOF
# An ESC and a letter right behind it would be alt and that letter: so each ESC waits for what it closes.
on_terminal 'the console shows it masked, on every screen' 40x120 "$fairway" <<'EOF'
first
wait 10000 evil
clean
keys <enter>
wait 5000 payments
clean
keys l
wait 5000 first hard
clean
keys w
frame 2000
clean
keys <esc>
gone 5000 Logs evil
keys w
wait 5000 locked
clean
keys <esc>
gone 5000 locked
keys r
wait 5000 Run hard
clean
keys <esc>
gone 5000 Run hard
keys A
wait 5000 note
clean
keys <esc>
gone 5000 Audit
keys :
wait 5000 :
clean
end 2000 TERM
EOF
on_terminal 'a search for it, and a paste of it, are masked' 24x80 "$fairway" <<'EOF'
wait 10000 evil
keys l
wait 5000 first
keys /end
frame 2000
clean
end 2000 HUP
EOF
on_terminal 'a terminal that stops reading does not hold SIGTERM up' 50x200 "$fairway" <<'EOF'
wait 10000 evil
deaf 2000 TERM
EOF
on_terminal 'two thousand keys and sizes, and it lives' 24x80 "$fairway" <<'EOF'
wait 10000 evil
storm 7 2000
memory
end 2000 TERM
EOF
# A sanitizer's own memory is not ours to judge.
if [ -n "${SAN:-}" ]; then
	number=$((number + 1))
	echo "ok $number - and takes at most 64 MiB # SKIP under a sanitizer"
elif awk -F '\t' '$1 == "peak memory" { ok = $2 <= 64 } END { exit !ok }' "$scratch/out"; then
	pass 'and takes at most 64 MiB'
else
	fail 'and takes at most 64 MiB'
fi
plan
