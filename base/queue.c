/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include <assert.h>
#include <stddef.h>

void queue_init(struct queue *q, void (*filled)(void *arg), void (*emptied)(void *arg), void *arg)
{
	*q = (struct queue){.filled = filled, .emptied = emptied, .arg = arg};
	pthread_mutex_init(&q->lock, NULL);
}

void queue_finish(struct queue *q)
{
	assert(!q->first);
	pthread_mutex_destroy(&q->lock);
}

void queue_push(struct queue *q, struct queue_node *node)
{
	node->next = NULL;
	pthread_mutex_lock(&q->lock);
	bool was_empty = !q->first;
	if (was_empty)
		q->first = node;
	else
		q->last->next = node;
	q->last = node;
	if (was_empty && q->filled)
		q->filled(q->arg);
	pthread_mutex_unlock(&q->lock);
}

struct queue_node *queue_take(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	struct queue_node *node = q->first;
	if (node) {
		q->first = node->next;
		if (!q->first && q->emptied)
			q->emptied(q->arg);
	}
	pthread_mutex_unlock(&q->lock);
	return node;
}

struct queue_node *queue_take_all(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	struct queue_node *first = q->first;
	q->first = NULL;
	if (first && q->emptied)
		q->emptied(q->arg);
	pthread_mutex_unlock(&q->lock);
	return first;
}
