/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_ACTION_H
#define MODEL_ACTION_H
/*
 * Every operation there is, one row each: verbs of the command line, commands of the console, actions of the
 * platform's API and fairway-api(7) are made from these rows. What an action does is its provider's.
 */
#include <stddef.h>

#include "model/record.h"

enum action_target {
	TARGET_PLACEMENT, /* service and environment */
	TARGET_SERVICE,
	TARGET_ALERT,
	TARGET_FOLDER,
	TARGET_PLATFORM,
	TARGET_PATH, /* a golden path and a new service's name */
};
/* Members of struct wish that an action reads beside those of its target. */
#define WISH_VERSION 0x1u
#define WISH_FROM 0x2u
#define WISH_RELEASE 0x4u
#define WISH_COUNT 0x8u
#define WISH_DURATION 0x10u
#define WISH_TEXT 0x20u
#define WISH_APPROVE 0x40u
#define WISH_SET 0x80u
#define WISH_REASON_NEEDED 0x100u
#define WISH_CONTAINER 0x200u
#define WISH_INSTANCE 0x800u
#define WISH_COMMAND 0x1000u
#define ACTION_ELSEWHERE 0x400u /* of other sources: the embedded platform has no such thing */
#define ACTION_LENT 0x2000u /* lasts as long as what the terminal is lent to, and ends with it */

struct action {
	const char *name, *help; /* help: one sentence without a full stop, <= 72 columns */
	enum action_target target;
	enum op_class class; /* changing becomes protected in a protected environment */
	unsigned wants;
};

const struct action *action_find(const char *name); /* NULL when unknown */
const struct action *action_at(size_t index);       /* NULL past the last */
#endif
