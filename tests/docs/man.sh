#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages say what the program does: rows, --help, man pages, examples and README agree.
set -u
build=${BUILD:-build}
fairway=$build/fairway
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0
: >"$scratch/bad"
export LC_ALL=C.UTF-8

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
skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

make BUILD="$build" man >"$scratch/log" 2>&1 || cat "$scratch/log" >>"$scratch/bad"
for page in fairway.1 fairway-config.5 fairway-keymap.5 fairway-service.5 fairway-path.5 fairway-api.7; do
	[ -s "$build/man/$page" ] || echo "$page was not made" >>"$scratch/bad"
	grep -n '@@' "$build/man/$page" >>"$scratch/bad" 2>/dev/null
done
check 'every page is made, and no marker is left'

if command -v mandoc >/dev/null 2>&1; then
	for page in "$build"/man/*; do
		mandoc -T lint -W warning "$page" >>"$scratch/bad" 2>&1
	done
	check 'mandoc finds nothing wrong'
else
	skip 'mandoc finds nothing wrong' 'mandoc is not here'
fi

# A page as plain words on one line.
flat()
{
	sed -e 's/\\&//g' -e 's/\\-/-/g' -e 's/\\e/\\/g' -e 's/""/"/g' "$1" | tr '\n' ' ' | tr -s ' '
}
flat "$build/man/fairway.1" >"$scratch/page"

"$fairway" --dump words >"$scratch/words" || echo '--dump words failed' >>"$scratch/bad"
grep -v '^-' "$scratch/words" >"$scratch/verbs"
[ "$(wc -l <"$scratch/verbs")" -ge 30 ] || echo 'there are too few verbs' >>"$scratch/bad"
while read -r verb; do
	"$fairway" "$verb" --help >"$scratch/help" 2>&1 || echo "fairway $verb --help failed" >>"$scratch/bad"
	# Up to the first empty line it is the usage.
	usage=$(sed -n '/^$/q;p' "$scratch/help" | tr '\n' ' ' | tr -s ' ' | sed -e 's/^usage: fairway //' -e 's/ $//' \
		-e 's/…/.../g')
	grep -qF ".Nm $usage" "$scratch/page" || echo "SYNOPSIS does not hold: $usage" >>"$scratch/bad"
	grep -qF ".It Sy \"$usage\"" "$scratch/page" || echo "VERBS does not hold: $usage" >>"$scratch/bad"
done <"$scratch/verbs"
check 'the SYNOPSIS is what --help says, for every verb'

"$fairway" --help >"$scratch/help"
while read -r word; do
	case $word in
	-*) grep -qF -- "$word" "$scratch/page" ;;
	*) grep -qE "^  $word( |\$)" "$scratch/help" ;;
	esac || echo "$word is missing" >>"$scratch/bad"
done <"$scratch/words"
check 'every verb is in --help and every option on the page'

# A command line of an example: its verb is one, and takes its options.
check_command()
{
	verb=
	for word in $1; do
		case $word in
		--context | --config) : ;;
		-*) : ;;
		*)
			if [ "$before" != --context ] && [ "$before" != --config ] && [ -z "$verb" ]; then verb=$word; fi
			;;
		esac
		before=$word
	done
	if [ -z "$verb" ]; then
		return
	fi
	if ! "$fairway" "$verb" --help >"$scratch/help" 2>&1; then
		echo "$2: no such verb: $1" >>"$scratch/bad"
		return
	fi
	for word in $1; do
		case $word in
		-*) grep -qE -- "(^|[ ,[])${word%%=*}( |,|\]|\$)" "$scratch/help" || echo "$2: $word is not taken: $1" >>"$scratch/bad" ;;
		esac
	done
}
before=
for page in man/*.in; do
	awk '/^\.Bd/ { in_block = 1; next } /^\.Ed/ { in_block = 0 } in_block' "$page" |
		sed -n 's/^fairway //p' | sed -e 's/"[^"]*"/TEXT/g' -e 's/#.*//' >"$scratch/examples"
	while read -r line; do
		check_command "$line" "$page"
	done <"$scratch/examples"
done
check 'the examples of the pages are commands that exist'

if [ -f README.md ]; then
	awk '/^```/ { in_block = !in_block; next } in_block' README.md |
		sed -nE 's/^(\$ )?(build\/)?fairway +//p' | sed -e 's/"[^"]*"/TEXT/g' -e 's/#.*//' >"$scratch/examples"
	while read -r line; do
		check_command "$line" README.md
	done <"$scratch/examples"
	awk '/^```/ { in_block = !in_block; next } in_block' README.md | sed -nE 's/^(\$ )?make +([a-z-]+).*/\2/p' |
		while read -r target; do
			grep -qE "^$target:|^\.PHONY:.* $target( |\$)" Makefile || echo "make $target does not exist"
		done >>"$scratch/bad"
	check 'what the README tells to type exists'
else
	skip 'what the README tells to type exists' 'there is no README yet'
fi

# Each kind of file that a page names is found in it: the words of records are a promise.
for word in placements as_of stale to_version inhibited_by current_in outcome_at; do
	grep -qF "$word" "$scratch/page" || echo "$word is not told" >>"$scratch/bad"
done
check 'the promised names of records are on the page'

rm -rf "$scratch/root"
make BUILD="$build" install DESTDIR="$scratch/root" PREFIX=/usr >"$scratch/log" 2>&1 || cat "$scratch/log" >>"$scratch/bad"
[ -x "$scratch/root/usr/bin/fairway" ] || echo 'the program is not installed' >>"$scratch/bad"
[ -f "$scratch/root/usr/share/man/man1/fairway.1" ] || echo 'fairway(1) is not installed' >>"$scratch/bad"
make BUILD="$build" uninstall DESTDIR="$scratch/root" PREFIX=/usr >"$scratch/log" 2>&1 || cat "$scratch/log" >>"$scratch/bad"
find "$scratch/root" -type f >>"$scratch/bad"
check 'install puts the program and its pages in place, uninstall takes them away'
echo "1..$number"
