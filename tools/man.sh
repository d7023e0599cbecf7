#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/man.sh PROGRAM PAGE.in: prints the page, with each line @@WHAT@@ replaced by what `PROGRAM --dump WHAT` prints.
set -eu
program=$1 page=$2
while IFS= read -r line || [ -n "$line" ]; do
	case $line in
	@@*@@)
		what=${line#@@}
		"$program" --dump "${what%@@}"
		;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$page"
