/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/own.h"

#define ROW(tag, member, kind, bits)                                                                               \
	{                                                                                                          \
		.name = #member, .type = kind, .offset = offsetof(struct tag, member), .flags = bits               \
	}
#define KEY(tag, member) ROW(tag, member, FIELD_TEXT, FIELD_KEY)
#define TEXT(tag, member) ROW(tag, member, FIELD_TEXT, 0)
#define INT(tag, member) ROW(tag, member, FIELD_INT, 0)
#define TIME(tag, member) ROW(tag, member, FIELD_TIME, 0)
#define BOOL(tag, member) ROW(tag, member, FIELD_BOOL, 0)
#define TEXTS(tag, member) ROW(tag, member, FIELD_TEXTS, 0)

static const struct field target_rows[] = {
	KEY(own_target, service),      KEY(own_target, environment),   INT(own_target, release),
	INT(own_target, desired),      INT(own_target, port),          BOOL(own_target, is_stopped),
	INT(own_target, to_release),   INT(own_target, to_desired),    TIME(own_target, deployed_at),
	TEXT(own_target, deployed_by), BOOL(own_target, is_scaled),
};
static const struct field intent_rows[] = {
	KEY(own_intent, id),       TEXT(own_intent, service), TEXT(own_intent, environment),
	INT(own_intent, release),  INT(own_intent, port),     BOOL(own_intent, is_wanted),
	INT(own_intent, restarts),
};
static const struct field port_rows[] = {
	ROW(own_port, port, FIELD_INT, FIELD_KEY),
	TEXT(own_port, holder),
};
static const struct field approval_rows[] = {
	KEY(own_approval, hash),    TEXT(own_approval, service), TEXT(own_approval, environment),
	TEXT(own_approval, folder), TEXT(own_approval, by),      TIME(own_approval, at),
};
static const struct field team_rows[] = {
	KEY(own_team, name),
	TEXT(own_team, on_call),
	TEXT(own_team, notify_file),
	TEXTS(own_team, notify_command),
	TEXT(own_team, folder),
};
static const struct field fault_rows[] = {
	KEY(own_fault, slot),
	TEXT(own_fault, operation),
	TIME(own_fault, at),
};
static const struct field journal_rows[] = {
	KEY(own_journal, id),       TEXT(own_journal, action), TEXT(own_journal, service), TEXT(own_journal, environment),
	TEXT(own_journal, audit), TEXT(own_journal, deploy), TIME(own_journal, at),
};

static const struct field rollout_rows[] = {
	KEY(own_rollout, id),           TEXT(own_rollout, service), TEXT(own_rollout, environment),
	INT(own_rollout, from_release), INT(own_rollout, count),    INT(own_rollout, watch_ms),
	TEXT(own_rollout, version),     TEXT(own_rollout, folder),  BOOL(own_rollout, despite_bad),
};

#define CLASS(id, tag, rows, what)                                                                                 \
	static const struct record_class tag##_class = {                                                           \
		.kind = (enum record_kind)(id),                                                                    \
		.name = #tag,                                                                                      \
		.plural = #tag "s",                                                                                \
		.size = sizeof(struct tag),                                                                        \
		.fields = rows,                                                                                    \
		.n_fields = sizeof(rows) / sizeof((rows)[0]),                                                      \
		.help = what,                                                                                      \
	}
CLASS(OWN_TARGET, own_target, target_rows, "what a placement should be");
CLASS(OWN_INTENT, own_intent, intent_rows, "a slot given to a placement");
CLASS(OWN_PORT, own_port, port_rows, "a port given away");
CLASS(OWN_APPROVAL, own_approval, approval_rows, "commands that a person approved");
CLASS(OWN_TEAM, own_team, team_rows, "a team and how it is told of alerts");
CLASS(OWN_FAULT, own_fault, fault_rows, "a fault that was injected");
CLASS(OWN_JOURNAL, own_journal, journal_rows, "an operation that was begun");
CLASS(OWN_ROLLOUT, own_rollout, rollout_rows, "a deploy under way");

const struct record_class *const own_classes[] = {
	&own_target_class, &own_intent_class, &own_port_class,    &own_approval_class,
	&own_team_class,   &own_fault_class,  &own_journal_class, &own_rollout_class, NULL,
};

const struct record_class *own_class(enum own_kind kind)
{
	return own_classes[kind - OWN_TARGET];
}
