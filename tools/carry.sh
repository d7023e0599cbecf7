#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints an assembler file that carries each file named on the command line inside the program,
# as the table that base/carried.h declares.
set -eu
echo '	.section .rodata'
n=0
for f in "$@"; do
	mode=0; if [ -x "$f" ]; then mode=1; fi
	printf 'p%d:	.asciz "%s"\nd%d:	.incbin "%s"\ne%d:	.byte 0\n' "$n" "$f" "$n" "$f" "$n"
	n=$((n + 1))
done
printf '	.section .data.rel.ro,"aw"\n	.balign 8\n	.globl carried_table\ncarried_table:\n'
i=0
for f in "$@"; do
	mode=0; if [ -x "$f" ]; then mode=1; fi
	printf '	.quad p%d, d%d, e%d - d%d, %d\n' "$i" "$i" "$i" "$i" "$mode"
	i=$((i + 1))
done
printf '	.globl carried_count\n	.balign 8\ncarried_count:\n	.quad %d\n	.section .note.GNU-stack,"",@progbits\n' "$n"
