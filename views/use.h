/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_USE_H
#define VIEWS_USE_H
/*
 * What the instances of a service use, for the screens that list them: asked of every source that knows, anew
 * every few seconds while the screen is the top one. UI thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/message.h"
#include "views/app.h"

#define USE_SOURCES 8

struct use_board {
	uint64_t request; /* 0: none */
	struct {
		struct arena arena;
		struct uses uses; /* items by instance */
	} sources[USE_SOURCES];
	size_t n;
};
void use_ask(struct use_board *, struct view *, const char *service);     /* when it is not asked yet */
void use_take(struct use_board *, struct view *, const struct message *); /* any message of the view */
bool use_is_told(const struct use_board *); /* of any instance */
/* NULL: not known. */
const struct use *use_find(const struct use_board *, const struct instance *);
void use_finish(struct use_board *);
#endif
