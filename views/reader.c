/* SPDX-License-Identifier: Apache-2.0 */
#include "views/reader.h"

#include <stdio.h>

void reader_init(struct reader *r)
{
	pager_init(&r->pager, &r->doc);
}

void reader_finish(struct reader *r)
{
	pager_finish(&r->pager);
	doc_finish(&r->doc);
	str_finish(&r->source);
}

void reader_close(struct view *v)
{
	reader_finish((struct reader *)v);
}

void reader_changed(struct reader *r)
{
	pager_changed(&r->pager);
	app_stale(r->view.app);
}

void reader_refilled(struct reader *r)
{
	pager_refilled(&r->pager);
	app_stale(r->view.app);
}

void reader_draw(struct reader *r, const struct canvas *c, const char *title, const char *right)
{
	char place[32];
	/* Once before the box: only then the pager knows how far its text goes. */
	struct canvas inset = canvas_sub(c, 1, 2, c->rows - 2, c->columns - 4);
	pager_draw(&r->pager, &inset);
	pager_position(&r->pager, place, sizeof(place));
	struct canvas_box box = {.title = title,
				 .right = right,
				 .right_style = STYLE_DIM,
				 .bottom = place,
				 .is_focused = true};
	canvas_box(c, &box);
}

bool reader_widget(struct view *v, const char *command)
{
	return pager_command(&((struct reader *)v)->pager, command);
}

bool reader_key(struct view *v, const struct key *k)
{
	return pager_key(&((struct reader *)v)->pager, k);
}

static void search(struct app *app, const char *text, void *arg)
{
	struct reader *r = arg;
	if (!pager_search(&r->pager, text) && text[0])
		app_say(app, STYLE_WARNING, "not found: %s", text);
}

void reader_search(struct app *app, struct view *v, const char *arg)
{
	if (arg[0])
		search(app, arg, v);
	else
		app_ask(app, &(struct ask){.label = "/", .done = search, .arg = v});
}

void reader_copy(struct app *app, struct view *v, const char *arg)
{
	struct reader *r = (struct reader *)v;
	(void)arg;
	app_copy(app, str_text(&r->source), r->source.len);
}
