/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H
/*
 * A queue between two threads: any may push, one takes. What is queued starts with a struct queue_node and
 * belongs to the queue until it was taken. The hooks run under the queue's lock, so that waking and
 * un-waking never cross: `filled` when the first node arrives in an empty queue, `emptied` when the last
 * one was taken. They must be short and must not call the queue.
 */
#include <pthread.h>
#include <stdbool.h>

struct queue_node {
	struct queue_node *next;
};
struct queue {
	pthread_mutex_t lock;
	struct queue_node *first, *last;
	void (*filled)(void *arg), (*emptied)(void *arg); /* may be NULL */
	void *arg;
};

void queue_init(struct queue *, void (*filled)(void *arg), void (*emptied)(void *arg), void *arg);
void queue_finish(struct queue *); /* must be empty */
void queue_push(struct queue *, struct queue_node *);
struct queue_node *queue_take(struct queue *);     /* the oldest, or NULL */
struct queue_node *queue_take_all(struct queue *); /* the whole chain in order, or NULL */
#endif
