#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house keeps its order: who includes whom, which library is seen where, what is never called, how long a function
# may be, and that every header compiles alone.
set -u
build=${BUILD:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0

# check NAME: what stands in $scratch/bad is wrong.
check()
{
	number=$((number + 1))
	if [ -s "$scratch/bad" ]; then
		echo "not ok $number - $1"
		sed 's/^/# /' "$scratch/bad" | head -20
	else
		echo "ok $number - $1"
	fi
	: >"$scratch/bad"
}

sources=$(git ls-files 'base/*.[ch]' 'model/*.[ch]' 'tui/*.[ch]' 'backend/*.[ch]' 'platform/*.[ch]' 'views/*.[ch]' \
	'cli/*.[ch]' main.c 2>/dev/null || find base model tui backend platform views cli main.c -name '*.[ch]')
: >"$scratch/bad"

# Comments and the insides of texts are blanks in what follows: the lines keep their numbers.
for f in $sources; do
	mkdir -p "$scratch/plain/$(dirname "$f")"
	awk '
	{
		out = ""
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1); two = substr($0, i, 2)
			if (in_comment) { if (two == "*/") { in_comment = 0; i++ } continue }
			if (in_text != "") {
				if (c == "\\") i++
				else if (c == in_text) { out = out c; in_text = "" }
				continue
			}
			if (two == "/*") { in_comment = 1; i++; continue }
			if (c == "\"" && $0 !~ /^#[ \t]*include/) { in_text = c; out = out c; continue }
			if (c == "\047") { in_text = c; out = out c; continue }
			out = out c
		}
		in_text = ""
		print out
	}' "$f" >"$scratch/plain/$f"
done
plain()
{
	(cd "$scratch/plain" && grep -rnE "$@")
}

# Which folders and headers each folder may include.
while read -r folder allowed; do
	plain '^#[ \t]*include "' "$folder" 2>/dev/null | grep -vE "include \"($allowed)" >>"$scratch/bad"
done <<'EOF'
base     base/|stamp\.h
model    model/|base/
tui      tui/|base/|model/
backend  backend/|base/|model/
platform platform/|base/|model/
views    views/|tui/|base/|model/|backend/(backend|request|message|config|offer)\.h
cli      cli/|base/|model/|backend/(backend|request|message|config|kubeconfig|consent|offer|provider)\.h|tui/keymap\.h|views/command\.h
EOF
check 'each folder includes only what lies below it'

# Which files may include the header of a library.
while read -r header files; do
	plain "^#[ \t]*include <$header>" . | sed 's,^\./,,' | grep -vE "^($files):" >>"$scratch/bad"
done <<'EOF'
(n?curses|term)\.h          tui/term\.c
curl/.*                     backend/(loop|http|auth)\.c|platform/probe\.c
sqlite3\.h                  base/db\.c
microhttpd\.h               platform/api\.c
yaml\.h                     base/yaml\.c
openssl/.*                  base/hash\.c
cmark-gfm.*                 tui/markdown[a-z_]*\.[ch]
pcre2\.h                    base/schema\.c|model/filter[a-z_]*\.[ch]
utf8proc\.h                 base/(utf8|json)\.c|model/text\.c
EOF
check 'each library is seen only where it belongs'

# What is never called: it overflows, blocks, runs a shell, or keeps hidden state.
plain '(^|[^a-zA-Z0-9_.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|system|popen|alloca|usleep|tmpnam|mktemp|strncpy|atoi|atol|vfork)[ \t]*\(' . \
	>>"$scratch/bad"
plain '(^|[^a-zA-Z0-9_.>])fork[ \t]*\(' . >>"$scratch/bad"
check 'nothing calls what was banned'

plain '(^|[^a-zA-Z0-9_.>])(malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf)[ \t]*\(' . |
	grep -vE '^(\./)?base/mem\.c:' >>"$scratch/bad"
check 'memory comes from base/mem'

plain '\bpthread_create[ \t]*\(' . | grep -vE '^(\./)?backend/backend\.c:|^(\./)?backend/loop\.c:' >>"$scratch/bad"
check 'there is one thread beside the first'

plain '^typedef[ \t]+(struct|union|enum)[^*]*(\{|[ \t][a-z_]+;)' . >>"$scratch/bad"
check 'no struct hides behind a typedef'

grep -nE 'TODO|FIXME|\bXXX\b|\bHACK\b' $sources Makefile >>"$scratch/bad"
check 'nothing was left for later'

for f in $sources; do
	head -1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f" >>"$scratch/bad"
done
check 'every file names its licence'

for f in $sources; do
	lines=$(wc -l <"$f")
	[ "$lines" -le 600 ] || echo "$f: $lines lines" >>"$scratch/bad"
done
check 'no file is longer than 600 lines'

# A function begins with "{" in the first column and ends with "}" there.
for f in $sources; do
	awk -v file="$f" '
	/^\{/ { start = NR }
	/^\}/ && start { if (NR - start + 1 > 70) print file ":" start ": " (NR - start + 1) " lines"; start = 0 }
	' "$scratch/plain/$f" >>"$scratch/bad"
done
check 'no function is longer than 70 lines'

for f in $sources; do
	awk -v file="$f" '{ gsub(/\t/, "        "); n = 0; s = $0
		for (i = 1; i <= length(s); i++) { c = substr(s, i, 1); if (c < "\200" || c >= "\300") n++ }
		if (n > 140) print file ":" NR ": " n " columns" }' "$f" >>"$scratch/bad"
done
check 'no line is longer than 140 columns'

make -k BUILD="$build" headers >"$scratch/headers" 2>&1 || cat "$scratch/headers" >>"$scratch/bad"
check 'every header compiles alone'

# No word of another shop, no path of a builder's machine.
grep -nE '/home/[a-z]|/Users/' $sources Makefile >>"$scratch/bad"
check 'no path of a builder is in the sources'
echo "1..$number"
