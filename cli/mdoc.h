/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MDOC_H
#define CLI_MDOC_H
/* Pieces of mdoc(7) to stdout, for cli/dump. Main thread. */

/* Text as words of a text line: backslashes, hyphens and what would be a macro are escaped. No line feed. */
void mdoc_words(const char *text);
/* One argument of a macro, quoted: it is one, and is no macro itself. */
void mdoc_quoted(const char *text);
void mdoc_sentence(const char *text);                /* with a full stop and a line feed */
void mdoc_item(const char *name, const char *value); /* .It of a tagged list; value may be NULL */
void mdoc_name(const char *name);                    /* .Sy on its own line */
#endif
