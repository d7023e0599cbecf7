#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages of service.yaml, platform.yaml and path.yaml: every key is told, every example is accepted.
set -u
build=${BUILD:-build}
dir=$(mktemp -d "${TMPDIR:-/tmp}/fairway-docs-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
n=0
check() { # NAME: the status of the command before decides
	status=$?
	n=$((n + 1))
	if [ "$status" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}

keys() { # FILE: the keys of its tables, as the sources have them
	awk '/known\[\] = \{/ { on = 1 }
		on || /^\t\{"[a-z_]*", (service_)?parse_[a-z]*\},$/ {
			while (match($0, /"[a-zA-Z_]+"/)) {
				print substr($0, RSTART + 1, RLENGTH - 2)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}
		/};$/ { on = 0 }' "$1" | sort -u
}
told() { # PAGE KEY
	grep -Eq "^\.(It )?Sy ([a-zA-Z_]+ ?,? )*$2( |$)" "$1"
}
missing=
for key in $(keys model/service_file.c; keys model/service_alerts.c; keys model/platform_file.c); do
	told man/fairway-service.5.in "$key" || missing="$missing $key"
done
[ -z "$missing" ] || echo "# not in fairway-service(5):$missing"
[ -z "$missing" ] && [ "$(keys model/service_file.c | wc -l)" -gt 20 ]
check 'fairway-service(5) tells every key'
missing=
for key in $(keys base/schema.c) name title description language parameters files next path when; do
	told man/fairway-path.5.in "$key" || missing="$missing $key"
done
[ -z "$missing" ] || echo "# not in fairway-path(5):$missing"
[ -z "$missing" ] && [ "$(keys base/schema.c | wc -l)" -gt 8 ]
check 'fairway-path(5) tells every key'

for page in service path; do
	mkdir "$dir/$page"
	awk -v dir="$dir/$page" '/^\.Pa .* :$/ { name = $2 }
		/^\.Bd -literal/ { n++; at = dir "/" n; system("mkdir -p " at "/template"); on = 1; gsub("/", "-", name); next }
		/^\.Ed/ { on = 0 } on { print > (at "/" name) }' "man/fairway-$page.5.in"
	for example in "$dir/$page"/*; do
		[ -e "$example/template-service.yaml" ] && continue
		[ "$page" = path ] && : >"$example/template/Dockerfile"
		complaints=$("$build/tests/tools/file_check" "$example")
		check "fairway-$page(5): example ${example##*/} is accepted"
		[ -z "$complaints" ] || echo "# $complaints"
	done
done

if command -v mandoc >/dev/null 2>&1; then
	mandoc -T lint -W error man/fairway-service.5.in man/fairway-path.5.in >"$dir/lint" 2>&1
	check 'mandoc finds no error'
	sed 's/^/# /' "$dir/lint"
else
	n=$((n + 1))
	echo "ok $n - mandoc finds no error # skip there is no mandoc"
fi
echo "1..$n"
