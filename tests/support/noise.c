/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/noise.h"

#include <stdlib.h>

#include "tui/canvas.h"

void noise_draw(const struct canvas *c, unsigned seed)
{
	static const char *const words[] = {"checkout", "日本語", "é", "   ",      "1.9.2→1.9.3",
					    "x",        "────",   "👍", "\t\033[2J"};
	/* Every third screen is nearly the one before: that is where an update can go wrong. */
	unsigned state = seed / 3 + 1, extra = seed;
	if (c->rows == 0 || c->columns == 0)
		return;
	for (int i = 0; i < 400; i++) {
		int y = rand_r(&state) % (c->rows + 2) - 1, x = rand_r(&state) % (c->columns + 8) - 4;
		unsigned style = (unsigned)rand_r(&state) % STYLE_COUNT;
		canvas_text(c, y, x, (enum style)style,
			    words[(size_t)rand_r(&state) % (sizeof(words) / sizeof(words[0]))]);
	}
	for (int i = 0; i < 20; i++)
		canvas_put(c, rand_r(&extra) % c->rows, rand_r(&extra) % c->columns, STYLE_TEXT,
			   (uint32_t)('A' + i));
}
