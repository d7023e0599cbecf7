/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_OWN_H
#define PLATFORM_OWN_H
/*
 * The daemon's own record classes: what it must remember to be the same daemon after its death. Stored in state.db like
 * the public ones, never listed by the API. Same rules as model/record.h.
 */
#include "model/record.h"

enum own_kind { /* follow the public kinds */
	OWN_TARGET = RECORD_COUNT + 1,
	OWN_INTENT,
	OWN_PORT,
	OWN_APPROVAL,
	OWN_TEAM,
	OWN_FAULT,
	OWN_JOURNAL,
	OWN_ROLLOUT,
};

/* What a placement should be. It exists from `up` until `down`. */
struct own_target {
	struct record base;
	const char *service, *environment; /* key */
	int64_t release;    /* number of the release that serves; RECORD_NONE: nothing was deployed yet */
	int64_t desired;    /* instances of it */
	int64_t port;       /* stable address: the relay listens there; 0 for a worker */
	bool is_stopped;    /* `down`: instances are stopped, the target is remembered */
	int64_t to_release; /* a rollout brings this one; RECORD_NONE otherwise */
	int64_t to_desired;
	int64_t deployed_at;
	const char *deployed_by;
	bool is_scaled;     /* a person set desired: deploys keep it */
};
/* One slot that was given to a placement. It exists as long as its process may. */
struct own_intent {
	struct record base;
	const char *id; /* key: the slot */
	const char *service, *environment;
	int64_t release, port; /* port: where the instance listens; 0 for a worker */
	bool is_wanted;        /* false: it is being stopped */
	int64_t restarts;
};
struct own_port { /* a port of this machine that was given away */
	struct record base;
	int64_t port;       /* key */
	const char *holder; /* slot id, or "relay:prod/checkout" */
};
struct own_approval { /* a person approved these commands in that folder */
	struct record base;
	const char *hash; /* key: service_file_approval() */
	const char *service, *environment, *folder, *by;
	int64_t at;
};
struct own_team {
	struct record base;
	const char *name, *on_call;
	const char *notify_file;      /* absolute */
	struct texts notify_command;  /* argv */
	const char *folder;           /* where the command runs */
};
struct own_fault { /* `prove` injected a fault into a slot: taken back when nobody waits for it any more */
	struct record base;
	const char *slot; /* key */
	const char *operation;
	int64_t at;
};
struct own_journal { /* an operation that was begun: what a daemon that died left open is told as unknown */
	struct record base;
	const char *id; /* key: the operation */
	const char *action, *service, *environment, *audit, *deploy;
	int64_t at;
};

struct own_rollout { /* what a deploy under way must know beside its record; removed when it ends */
	struct record base;
	const char *id; /* key: the deploy */
	const char *service, *environment;
	int64_t from_release; /* what served when it began; RECORD_NONE: nothing */
	int64_t count;        /* instances wanted; RECORD_NONE until the release is known */
	int64_t watch_ms;     /* RECORD_NONE: what the service says */
	const char *version, *folder;
	bool despite_bad;
};

const struct record_class *own_class(enum own_kind kind);
extern const struct record_class *const own_classes[]; /* NULL at the end: for state_open() */
#endif
