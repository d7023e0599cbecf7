/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_FLEET_H
#define BACKEND_PROVIDERS_KUBERNETES_FLEET_H
/*
 * What a cluster runs, joined and small: pods by the uid of their owner to a ReplicaSet or Job, from there to
 * a workload, from there to a service, which is the workloads of one name in one namespace. Of JSON nothing
 * is kept; a pod that is well costs about 100 bytes, one that is not keeps its record. Names join nothing.
 *
 * Objects come in any order: who is named as an owner and was not told yet stands in as a thing without a
 * name. What is told of services, placements, alerts and revisions is made of all that (records.h, alerts.h)
 * when the changes have settled: groups are marked dirty meanwhile. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/providers/kubernetes/object.h"
#include "model/health.h"
#include "model/record.h"

/* --- texts that repeat: one copy, counted --- */

struct kube_word;
struct kube_words {
	struct kube_word **buckets;
	size_t n_buckets, n;
};
const char *kube_word_keep(struct kube_words *, const char *text); /* NULL gives NULL */
void kube_word_drop(struct kube_words *, const char *word);        /* of kube_word_keep(), or NULL */
void kube_words_finish(struct kube_words *);                       /* all of them, used or not */
/* *word becomes text. */
void kube_word_set(struct kube_words *, const char **word, const char *text);

/* --- everything with a uid --- */

struct kube_uid {
	uint64_t a, b;
};
struct kube_uid kube_uid_of(const char *text); /* exact for UUIDs; a hash of 128 bits of what is none */

enum kube_node_type {
	KUBE_NODE_THING,
	KUBE_NODE_POD,
	KUBE_NODE_EVENT,
	KUBE_NODE_GROUP,
	KUBE_NODE_NAME,
	KUBE_NODE_POD_NAME
};
struct kube_node {
	struct kube_uid uid;
	struct kube_node *next;
	uint16_t stream; /* that told it */
	uint8_t type;
	bool is_seen; /* by the list under way */
};

struct kube_about { /* what labels and annotations say of a workload's service; words */
	const char *component, *team, *on_call, *tier, *language, *lifecycle, *description, *runbook, *lock, *acks, *owner;
	struct pairs links; /* their texts are words too */
};

struct kube_group;
struct kube_thing { /* a workload, or what stands between it and pods: ReplicaSet, Job */
	struct kube_node node;
	uint8_t what, rollout; /* enum kube_what, enum kube_rollout */
	bool has_older;        /* of struct kube_workload */
	bool is_told;          /* else it is only known as an owner, or gone */
	bool is_suspended, is_refused;
	uint8_t outcome;           /* enum deploy_state of this revision, as far as it was seen */
	int64_t ended_at;          /* of that outcome */
	unsigned refs;             /* pods and things that name it as their owner */
	struct kube_group *group;  /* of a thing without a parent */
	struct kube_thing *parent; /* its controller; NULL: none that we know the kind of */
	struct kube_thing *children;
	struct kube_thing *next; /* in its parent's, or its group's list */
	const char *namespace, *version, *before,
		*image; /* words; before: the version that it had, while it rolls */
	char *name, *reason, *cause;
	int32_t desired, ready, updated, available, total;
	int64_t revision, since, created_at, restarted_at; /* restarted_at: the stamp in its template; 0 */
	int64_t began_at, began_of; /* of a revision: when it began to be brought; its number then */
	bool is_back;               /* it was there before what it replaced */
	bool is_guessed, is_settled; /* that time is a guess; it changes no more */
	int64_t rolled,
		rolls_since; /* without revisions of its own: generation of the last change that was seen */
	const char *rolled_from;  /* word */
	const char *exit;         /* word: how a pod of it failed last */
	struct kube_about *about; /* NULL with a parent */
	int64_t told_release,
		told_deploy; /* numbers under which they were told; RECORD_NONE: they were not */
	uint64_t release_digest, deploy_digest; /* of what was told; 0: nothing */
};

enum kube_bad { /* what keeps a pod from its work; an alert each */
		KUBE_WELL,
		KUBE_CRASHES,
		KUBE_OOM,
		KUBE_NO_IMAGE,
		KUBE_NO_CONFIG,
		KUBE_NO_NODE,
		KUBE_PROBE_FAILS,
		KUBE_BADS
};
struct kube_side { /* what only a pod that is not well needs, or one whose owner is not known yet */
	struct kube_side *next, **at; /* of its group, or of those that wait for an owner */
	struct kube_row *row;
	struct instance *record; /* one block with its texts; its reason is without the event's words */
	char *words;             /* of the newest warning about it */
	int64_t since, loops_after, ran_ms, resumed_at, looped_at; /* of struct kube_pod */
	int64_t backs_off; /* since when its kubelet says that it backs off from starting it; 0 */
	int64_t until; /* its kill for memory is pointed out, though it runs again; wall ms; 0: as long as it
			  is bad */
	int64_t waits_until;             /* for its owner, wall ms; 0: it does not */
	const char *namespace, *service; /* words: whose it is if no owner comes */
};
struct kube_row { /* a pod */
	struct kube_node node;
	struct kube_thing *owner; /* NULL: none that we know the kind of */
	struct kube_group *group; /* NULL while it waits for its owner */
	struct kube_side *side;
	uint64_t digest; /* of the record that was told; 0: none */
	char *id;        /* NULL: the owner's name, '-' and tail */
	char tail[8];
	uint8_t phase, bad;
	bool is_ready;
};

struct kube_alerts;
struct kube_group { /* a service in a namespace: one placement */
	struct kube_node node;
	const char *namespace, *service; /* words */
	const char *version;             /* word: of its last pod without a workload */
	char *shown;   /* how it is called: "web", or "web.shop" where two namespaces have one */
	char *told_as; /* what it was told as; NULL: it was not */
	struct kube_name *name;
	struct kube_group *next_of_name, *next_dirty;
	struct kube_thing *things;
	struct kube_side *sides;                              /* of its pods that are not well */
	struct kube_alerts *alerts;                           /* NULL: there never was one */
	uint32_t n_pods, n_ready, n_wanted, n_bad[KUBE_BADS]; /* n_wanted: those not ended or ending */
	uint64_t service_digest, placement_digest, lock_digest; /* lock_digest 0: none was told */
	int64_t lock_until; /* wall ms; 0: it is not locked, or not for a time */
	uint8_t health;
	bool is_dirty, is_counted; /* counted in the environment's health */
};
struct kube_name { /* of services, in whatever namespace */
	struct kube_node node;
	struct kube_group *groups;
	bool is_split; /* it was in two namespaces: each is told with its own, from then on */
};
struct kube_pod_name { /* of pods whose names are not random: a second one is told with its namespace */
	struct kube_node node;
	const struct kube_row *holder;
};

struct kube_late { /* an event about a pod that is not known yet */
	struct kube_late *next;
	struct kube_uid about;
	struct event *record; /* one block */
	uint16_t stream;
	bool is_warning;
	int64_t since, until; /* since: when it was told first */
};

struct kube_fleet {
	struct kube_words words;
	struct kube_node **buckets;
	size_t n_buckets, n_nodes;
	struct kube_group *dirty;
	struct kube_side *waiting; /* pods whose owner is not known yet */
	struct kube_late *late;
	size_t n_late;
	struct kube_uid *events; /* in order of arrival, a ring */
	size_t first_event, n_events;
	struct kube_alerts *alerts; /* of all groups that have some */
	unsigned kinds;             /* of records that are told */
	unsigned named;             /* those of them of which a name is enough: nothing is counted for them */
	unsigned blind;             /* kinds of things (1 << enum kube_what) that we may not look at */
	bool is_listed;             /* workloads were listed: groups may be told */
	bool knows_pods;            /* pods were listed */
	bool wants_list;            /* what was told of pods has another name now: list them anew */
	const char *environment;    /* borrowed */
	struct health_sum health;
	size_t n_groups, n_firing;
	struct pairs denied; /* borrowed: of the environment */
	uint64_t environment_digest;
	int64_t due; /* when an alert or a lock changes by itself, wall ms; 0: never */
};

void kube_fleet_finish(struct kube_fleet *);

/* Objects. stream: a number that the sweep goes by. They put instances and events at once, mark the rest
 * dirty. */
void kube_fleet_thing(struct kube_fleet *, struct run *, uint16_t stream, enum kube_what,
		      const cJSON *object);
void kube_fleet_pod(struct kube_fleet *, struct run *, uint16_t stream, const cJSON *object);
void kube_fleet_event(struct kube_fleet *, struct run *, uint16_t stream, const cJSON *object);
void kube_fleet_delete(struct kube_fleet *, struct run *, const cJSON *object);
/* A full list of one stream: what it did not tell is gone. */
void kube_fleet_begin(struct kube_fleet *, uint16_t stream);
void kube_fleet_sweep(struct kube_fleet *, struct run *, uint16_t stream);
/* Tells what changed. True: something waits, flush again in a second at most. */
bool kube_fleet_flush(struct kube_fleet *, struct run *);

/* Parts of it, for records.c, events.c, alerts.c. */
struct kube_node *kube_fleet_find(const struct kube_fleet *, struct kube_uid, enum kube_node_type);
void kube_fleet_add(struct kube_fleet *, struct kube_node *);
void kube_fleet_remove(struct kube_fleet *, struct kube_node *);
void kube_fleet_touch(struct kube_fleet *, struct kube_group *);
static inline bool kube_fleet_tells(const struct kube_fleet *f, enum record_kind kind)
{
	return f->kinds >> kind & 1;
}
struct kube_thing *kube_thing_at(struct kube_fleet *, struct kube_uid); /* made when missing */
void kube_thing_release(struct kube_fleet *, struct kube_thing *);      /* one reference less; NULL is fine */
void kube_thing_gone(struct kube_fleet *, struct run *, struct kube_thing *);
void kube_thing_free(struct kube_fleet *, struct kube_thing *); /* what it owns */
struct kube_group *kube_group_of(struct kube_fleet *, const char *namespace, const char *service);
/* Of an owner: whether it is of a kind that fleets know. */
bool kube_owner_is_known(const struct kube_meta *);
struct kube_thing *
kube_thing_top(struct kube_thing *); /* the workload; itself when it is one; NULL for NULL */
const char *kube_row_id(const struct kube_row *, struct arena *);
/* Why it is not well, with the words of the newest event about it; NULL. */
const char *kube_side_reason(const struct kube_side *, struct arena *);
int64_t kube_side_since(const struct kube_side *); /* since when it is as it is; 0: not told */
int64_t kube_side_looped(const struct kube_side *); /* when the loop began that it runs again after */
void kube_rows_settle(struct kube_fleet *, struct run *, int64_t now); /* those that wait for an owner */
void kube_row_gone(struct kube_fleet *, struct run *, struct kube_row *);
/* since: when that was said first; 0: not told. */
void kube_row_warn(struct kube_fleet *, struct run *, struct kube_row *, const char *reason,
		   const char *message, int64_t since);
void kube_events_settle(struct kube_fleet *, struct run *, int64_t now); /* those that wait for a pod */
void kube_event_gone(struct kube_fleet *, struct run *, struct kube_node *);
void kube_events_finish(struct kube_fleet *);
void kube_side_free(struct kube_fleet *, struct kube_side *);
#endif
