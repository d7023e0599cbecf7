/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_STYLE_H
#define TUI_STYLE_H
/*
 * Looks by meaning: a view names what a text is, one table says how that looks with 256 colours, with 16,
 * and without colour. Colours are of middle lightness, readable on light and dark terminals. A state is
 * never told by its colour alone: style_sign() goes with it. Constant tables; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

enum style {
	STYLE_TEXT, /* the terminal's own colours */
	STYLE_DIM,  /* ages, units, what is stale */
	STYLE_STRONG,
	STYLE_HEADING,
	STYLE_HEADER,       /* column titles */
	STYLE_BORDER, STYLE_BORDER_FOCUS,
	STYLE_TITLE, STYLE_TITLE_FOCUS, /* words in a border */
	STYLE_SELECTED,      /* the row under the cursor, in the pane that has the focus */
	STYLE_SELECTED_IDLE, /* the same where the focus is not */
	STYLE_MARKED,        /* rows marked with `mark` */
	STYLE_KEY,          /* a key's name in footer and help */
	STYLE_MATCH,        /* what a search found */
	STYLE_MATCH_CURRENT,
	/* states; the design's signs */
	STYLE_OK, STYLE_FAILING, STYLE_DEGRADED, STYLE_UNKNOWN, STYLE_STOPPED, STYLE_DRIFT, STYLE_PROTECTED,
	/* severities and messages */
	STYLE_ERROR, STYLE_WARNING, STYLE_INFO, STYLE_DEBUG,
	/* diffs */
	STYLE_ADDED, STYLE_REMOVED, STYLE_HUNK,
	/* prose and forms */
	STYLE_CODE, STYLE_LINK, STYLE_QUOTE,
	STYLE_FIELD, STYLE_FIELD_FOCUS, STYLE_BUTTON, STYLE_BUTTON_FOCUS, STYLE_DANGER,
	/* charts */
	STYLE_SERIES, STYLE_SERIES_2, STYLE_THRESHOLD, STYLE_VERTICAL, STYLE_AXIS,
	/* bars at the top and the bottom */
	STYLE_BAR, STYLE_STATUS,
	STYLE_COUNT,
};

enum style_attr { /* bits */
	STYLE_BOLD = 1, STYLE_UNDERLINE = 2, STYLE_REVERSE = 4,
};
enum style_depth { STYLE_MONO, STYLE_16, STYLE_256 };
struct style_look {
	int16_t fg, bg; /* colour number, -1 the terminal's own */
	uint8_t attrs;  /* enum style_attr */
};
struct style_look style_look(enum style, enum style_depth);
const char *style_name(enum style); /* "border_focus": for dumps and goldens */
/* One column: ✖ failing, ? unknown, ! degraded, ● ok, ◌ stopped, ▲ drift, ⚿ protected; "" for other styles.
 * UTF-8; the canvas turns them into ASCII where it must. */
const char *style_sign(enum style);
#endif
