/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_STREAM_H
#define BACKEND_PROVIDERS_KUBERNETES_STREAM_H
/*
 * One kind in one namespace (or all), kept fresh: a paged list, then a watch from its version with bookmarks;
 * ended watches go on from the last version, a version that is gone (410, as status or as ERROR event) lists
 * again, what fails is tried again with back-off. A query may run many side by side; each has its own tags.
 *
 *	kube_stream_start(&s, r);                     at INPUT_START, after filling in the first members
 *	if (kube_stream_owns(&s, in)) kube_stream_on(&s, r, in);   at every input
 *
 * `each` is told KUBE_BEGIN, KUBE_PUT…, KUBE_SYNC for a list, then KUBE_PUT and KUBE_DELETE; KUBE_BEGIN may come
 * again before KUBE_SYNC, when a list had to be begun anew. KUBE_DENIED with err when the server will not let us
 * (403) or does not have the kind (404): the stream then rests until kube_stream_start(). KUBE_TROUBLE with err at
 * each failed attempt, KUBE_LIVE when it is well again. KUBE_ALIVE at everything that shows the server well, a
 * bookmark too. A watch that is silent is trusted as long as the query says so (kube_stream_distrust()).
 * Backend thread only.
 */
#include "backend/providers/kubernetes/kubernetes.h"

#define KUBE_STREAM_TAGS 3     /* tags from `tag` on belong to the stream */
#define KUBE_PAGE 500          /* objects in the first page, for a screen to show … */
#define KUBE_PAGE_MORE 2000    /* … and in those after it */

enum kube_news { KUBE_BEGIN, KUBE_PUT, KUBE_DELETE, KUBE_SYNC, KUBE_DENIED, KUBE_TROUBLE, KUBE_LIVE, KUBE_ALIVE };
struct kube_stream;
typedef void kube_each(struct run *, struct kube_stream *, enum kube_news, const cJSON *object, const struct err *);

struct kube_stream {
	/* To be filled in; texts live as long as the stream. */
	enum kube_what what;
	const char *namespace;        /* NULL: all */
	const char *selector, *fields; /* labelSelector, fieldSelector; NULL: everything */
	bool is_lean; /* objects come without what object.h reads nothing of: two thirds of what a pod costs to parse */
	bool is_meta; /* objects come without spec and status, if the server can leave them out */
	bool is_once; /* after KUBE_SYNC nothing more is asked */
	uint32_t tag;
	kube_each *each;
	void *arg;
	/* To be read. */
	bool is_synced, is_resting, is_troubled;
	bool is_passing; /* its trouble while it never synced: a broken connection or a busy server, tried again soon */
	/* Its own. */
	struct str version;           /* resourceVersion to go on from; empty: list */
	struct str text;              /* the unit at hand, without what nobody reads … */
	struct arena parsed;          /* … and as JSON */
	struct str listed, page;      /* version of the list under way; continue token that waits to be asked */
	int attempts, pages;          /* failed in a row; pages that are open */
	int gone;                     /* versions that were, since it was well */
	uint32_t next_page;           /* 0 or 1: which of the two tags takes it */
	bool is_page_known[2];        /* its metadata was read */
	int64_t began;                /* the watch, wall ms */
	bool is_watching, is_begun, is_whole, has_news, has_bookmarks;
};
void kube_stream_start(struct kube_stream *, struct run *);
static inline bool kube_stream_owns(const struct kube_stream *s, const struct input *in)
{
	return in->tag >= s->tag && in->tag < s->tag + KUBE_STREAM_TAGS;
}
void kube_stream_on(struct kube_stream *, struct run *, const struct input *);
/* The network was away: drop the open watch and go on from the last version on a new connection. */
void kube_stream_distrust(struct kube_stream *, struct run *);
/* The server answers another: does not wait for its next attempt. */
void kube_stream_rouse(struct kube_stream *, struct run *);
void kube_stream_list(struct kube_stream *, struct run *); /* list anew, whatever it knows */
void kube_stream_stop(struct kube_stream *, struct run *); /* until started again */
void kube_stream_finish(struct kube_stream *);             /* frees; asks nothing */
#endif
