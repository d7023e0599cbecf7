/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/style.h"

/* The 256-colour numbers have a contrast of about 4 to 5 against black and against white alike. The 16-colour
 * ones are the terminal's own theme, which its owner made readable. */
struct row {
	const char *name, *sign;
	int16_t fg256, bg256, fg16, bg16;
	uint8_t attrs;      /* with colours */
	uint8_t mono_attrs; /* without */
};

enum { NONE = -1, RED = 1, GREEN = 2, YELLOW = 3, BLUE = 4, MAGENTA = 5, CYAN = 6 };
#define BOLD STYLE_BOLD
#define UNDER STYLE_UNDERLINE
#define REV STYLE_REVERSE

static const struct row rows[STYLE_COUNT] = {
	[STYLE_TEXT] = {"text", "", NONE, NONE, NONE, NONE, 0, 0},
	[STYLE_DIM] = {"dim", "", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_STRONG] = {"strong", "", NONE, NONE, NONE, NONE, BOLD, BOLD},
	[STYLE_HEADING] = {"heading", "", 31, NONE, CYAN, NONE, BOLD, BOLD},
	[STYLE_HEADER] = {"header", "", 243, NONE, NONE, NONE, BOLD, BOLD},
	[STYLE_BORDER] = {"border", "", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_BORDER_FOCUS] = {"border_focus", "", 31, NONE, CYAN, NONE, 0, BOLD},
	[STYLE_TITLE] = {"title", "", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_TITLE_FOCUS] = {"title_focus", "", 31, NONE, CYAN, NONE, BOLD, BOLD | REV},
	[STYLE_SELECTED] = {"selected", "", 255, 24, NONE, NONE, 0, REV},
	[STYLE_SELECTED_IDLE] = {"selected_idle", "", 255, 240, NONE, NONE, 0, UNDER},
	[STYLE_MARKED] = {"marked", "", 133, NONE, MAGENTA, NONE, BOLD, BOLD},
	[STYLE_KEY] = {"key", "", 31, NONE, CYAN, NONE, BOLD, BOLD},
	[STYLE_MATCH] = {"match", "", 16, 179, NONE, NONE, 0, UNDER},
	[STYLE_MATCH_CURRENT] = {"match_current", "", 16, 214, NONE, NONE, BOLD, REV | BOLD},
	[STYLE_OK] = {"ok", "●", 28, NONE, GREEN, NONE, 0, 0},
	[STYLE_FAILING] = {"failing", "✖", 196, NONE, RED, NONE, BOLD, BOLD},
	[STYLE_DEGRADED] = {"degraded", "!", 166, NONE, YELLOW, NONE, BOLD, BOLD},
	[STYLE_UNKNOWN] = {"unknown", "?", 133, NONE, MAGENTA, NONE, 0, 0},
	[STYLE_STOPPED] = {"stopped", "◌", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_DRIFT] = {"drift", "▲", 136, NONE, YELLOW, NONE, 0, 0},
	[STYLE_PROTECTED] = {"protected", "⚿", 166, NONE, YELLOW, NONE, BOLD, BOLD},
	[STYLE_ERROR] = {"error", "", 196, NONE, RED, NONE, BOLD, BOLD},
	[STYLE_WARNING] = {"warning", "", 166, NONE, YELLOW, NONE, 0, 0},
	[STYLE_INFO] = {"info", "", 31, NONE, CYAN, NONE, 0, 0},
	[STYLE_DEBUG] = {"debug", "", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_ADDED] = {"added", "", 28, NONE, GREEN, NONE, 0, 0},
	[STYLE_REMOVED] = {"removed", "", 196, NONE, RED, NONE, 0, 0},
	[STYLE_HUNK] = {"hunk", "", 31, NONE, CYAN, NONE, 0, 0},
	[STYLE_CODE] = {"code", "", 133, NONE, MAGENTA, NONE, 0, 0},
	[STYLE_LINK] = {"link", "", 31, NONE, BLUE, NONE, UNDER, UNDER},
	[STYLE_QUOTE] = {"quote", "", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_FIELD] = {"field", "", NONE, NONE, NONE, NONE, UNDER, UNDER},
	[STYLE_FIELD_FOCUS] = {"field_focus", "", 255, 24, NONE, NONE, UNDER, UNDER | BOLD},
	[STYLE_BUTTON] = {"button", "", NONE, NONE, NONE, NONE, 0, 0},
	[STYLE_BUTTON_FOCUS] = {"button_focus", "", 255, 24, NONE, NONE, BOLD, REV},
	[STYLE_DANGER] = {"danger", "", 196, NONE, RED, NONE, BOLD, BOLD},
	[STYLE_SERIES] = {"series", "", 31, NONE, CYAN, NONE, 0, 0},
	[STYLE_SERIES_2] = {"series_2", "", 133, NONE, MAGENTA, NONE, 0, 0},
	[STYLE_THRESHOLD] = {"threshold", "", 166, NONE, YELLOW, NONE, 0, 0},
	[STYLE_VERTICAL] = {"vertical", "", 136, NONE, YELLOW, NONE, 0, 0},
	[STYLE_AXIS] = {"axis", "", 243, NONE, NONE, NONE, 0, 0},
	[STYLE_BAR] = {"bar", "", NONE, NONE, NONE, NONE, BOLD, BOLD},
	[STYLE_STATUS] = {"status", "", NONE, NONE, NONE, NONE, 0, 0},
};

struct style_look style_look(enum style style, enum style_depth depth)
{
	const struct row *r = &rows[style];
	switch (depth) {
	case STYLE_256:
		return (struct style_look){r->fg256, r->bg256, r->attrs};
	case STYLE_16:
		/* Backgrounds of 16 colours clash with themes: what has one is reversed as without colour. */
		return (struct style_look){r->fg16, r->bg16, r->bg256 == NONE ? r->attrs : r->mono_attrs};
	default:
		return (struct style_look){NONE, NONE, r->mono_attrs};
	}
}

const char *style_name(enum style style)
{
	return rows[style].name;
}

const char *style_sign(enum style style)
{
	return rows[style].sign;
}
