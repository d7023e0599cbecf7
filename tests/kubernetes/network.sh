#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the network does to one who asks: cut at a byte, reset, half-closed, late, slow, sent elsewhere, gone. What is printed
# with status 0 is the whole truth; all else says that the source does not answer.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
ending()
{
	no_network
}
make_namespace
for n in one two three; do deployment "$n" 1; done
proxied "$scratch/proxied.kubeconfig"
config <<YAML
dev $scratch/proxied.kubeconfig $ns
YAML
whole='sorted(s["name"] for s in d) == ["one", "three", "two"]'
is_whole()
{
	shows "$whole" services && [ "$status" -eq 0 ]
}
# honest NAME: the last run was whole, or said that it is not.
honest()
{
	if [ "$status" -eq 0 ]; then
		json "$1: whole" "$whole"
	elif [ "$status" -eq 5 ] && [ -s "$scratch/err" ]; then
		pass "$1: said not to answer"
	else
		fail "$1: neither whole nor status 5"
	fi
}
until_shows 'whole, through the proxy' 20 "$whole" services

for bytes in 0 1 700 1500 2500 4000 6000 9000 14000 20000 30000; do
	for how in cut reset half; do
		fault "$how" server "$bytes"
		run services -o json
		fault clear
		honest "$how after $bytes bytes"
	done
done
# A connection that breaks is ordinary: what was asked through it is asked again.
for how in cut reset half; do
	for bytes in 0 300 1500 2500 4000 9000; do
		for side in client server; do
			fault "$how" "$side" "$bytes" 1
			truly "one $how of the $side at $bytes is made up for" is_whole
			fault "$how" "$side" "$bytes" 1
			says 0 'in a plan too' restart one --env dev --dry-run
			fault clear
		done
	done
done
truly 'and the next one is whole' is_whole
fault delay 300
truly 'late answers are taken' is_whole
fault clear
fault slow 20000
truly 'slow ones too' is_whole
fault clear
fault refuse
says 5 'refused: the source is down' services
fault clear
fault stall
says 5 'accepted and never answered: the source is down' services
fault clear
truly 'and back' is_whole

# Another host that the server points to is not asked, and never told who we are.
cat >"$scratch/elsewhere.py" <<'EOF'
import http.server, sys
seen = open(sys.argv[2], "w", buffering=1)
class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers["Host"].startswith("127.0.0.1"):
            self.send_response(int(sys.argv[1]))
            self.send_header("Location", "http://localhost:%d%s" % (server.server_address[1], self.path))
        else:
            print("asked elsewhere", self.headers.get("Authorization"), file=seen)
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
print("port", server.server_address[1], flush=True)
server.serve_forever()
EOF
for code in 301 302 307 308; do
	child "redirect$code" python3 "$scratch/elsewhere.py" "$code" "$scratch/seen$code"
	until_done 10 grep -q port "$scratch/redirect$code.out"
	kubeconfig "$scratch/redirect$code.kubeconfig" \
		"http://127.0.0.1:$(sed -n 's/port //p' "$scratch/redirect$code.out")" 'disable-compression: true'
	config <<YAML
dev $scratch/redirect$code.kubeconfig $ns
YAML
	run services
	never "a redirect ($code) is no answer" test "$status" -eq 0
	never 'and nobody elsewhere was asked' test -s "$scratch/seen$code"
done

if [ "$(id -u)" = 0 ] && network; then
	kill "$proxy"
	rm -f "$scratch/proxy.out"
	proxied "$scratch/inside.kubeconfig" "$net_here"
	config <<YAML
dev $scratch/inside.kubeconfig $ns
YAML
	console "$(command -v ip)" netns exec "$net" "$fairway"
	screened 'a console in another network' sees 20 three
	unplug
	deployment four 1
	screened 'says that it is cut off' sees 90 blind
	plug
	screened 'and catches up when it is joined' sees 60 four
else
	skip 'a partition' 'it takes root and ip(8)'
fi
plan
