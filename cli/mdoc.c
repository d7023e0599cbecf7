/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mdoc.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

static const char ellipsis[] = "\xe2\x80\xa6"; /* drawn as three full stops, also where a page is ASCII */

static void put_escaped(const char *text, bool is_quoted)
{
	for (; *text; text++) {
		if (str_starts(text, ellipsis)) {
			fputs("...", stdout);
			text += sizeof(ellipsis) - 2;
		} else if (*text == '"' && is_quoted)
			fputs("\"\"", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\n')
			putchar(' ');
		else
			putchar(*text);
	}
}

void mdoc_words(const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		fputs("\\&", stdout);
	put_escaped(text, false);
}

void mdoc_quoted(const char *text)
{
	fputs("\"\\&", stdout);
	put_escaped(text, true);
	putchar('"');
}

void mdoc_sentence(const char *text)
{
	mdoc_words(text);
	puts(".");
}

void mdoc_item(const char *name, const char *value)
{
	fputs(".It Sy ", stdout);
	mdoc_quoted(name);
	if (value) {
		fputs(" Ar ", stdout);
		mdoc_quoted(value);
	}
	putchar('\n');
}

void mdoc_name(const char *name)
{
	fputs(".Sy ", stdout);
	mdoc_quoted(name);
	putchar('\n');
}
