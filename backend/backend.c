/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/http.h"
#include "backend/job.h"
#include "backend/redact.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/queue.h"

enum command_kind { COMMAND_SEND, COMMAND_CANCEL, COMMAND_ACKNOWLEDGE, COMMAND_QUIT };
struct command {
	struct queue_node node;
	enum command_kind kind;
	struct request *request;
	uint64_t id;
	int count;
};

struct backend {
	pthread_t thread;
	struct queue in, out;
	int event;
	struct loop *loop;
	struct jobs *jobs;       /* the thread's */
	struct redact *redact;   /* both sides' */
	/* the face's side */
	uint64_t last_id, taken_id;
	int taken;
};

#define ACKNOWLEDGE_AFTER (BACKEND_UNREAD_MAX / 4)

static void signal_face(void *arg)
{
	const struct backend *b = arg;
	while (eventfd_write(b->event, 1) < 0 && errno == EINTR)
		;
}

static void clear_signal(void *arg)
{
	const struct backend *b = arg;
	eventfd_t count;
	while (eventfd_read(b->event, &count) < 0 && errno == EINTR)
		;
}

static void wake_thread(void *arg)
{
	loop_wake(((struct backend *)arg)->loop);
}

static void deliver(struct message *m, void *arg)
{
	struct backend *b = arg;
	queue_push(&b->out, &m->node);
}

static bool obey(struct backend *b, struct command *c)
{
	bool goes_on = true;
	switch (c->kind) {
	case COMMAND_SEND:
		jobs_start(b->jobs, c->request);
		break;
	case COMMAND_CANCEL:
		jobs_cancel(b->jobs, c->id);
		break;
	case COMMAND_ACKNOWLEDGE:
		jobs_acknowledge(b->jobs, c->id, c->count);
		break;
	case COMMAND_QUIT:
		goes_on = false;
		break;
	}
	free(c);
	return goes_on;
}

/* Nothing after the quit is obeyed, but its requests get their replies like all others. */
static bool obey_all(struct backend *b)
{
	bool goes_on = true;
	struct queue_node *node = queue_take_all(&b->in);
	while (node) {
		struct command *c = (struct command *)node;
		node = node->next;
		goes_on = obey(b, c) && goes_on;
	}
	return goes_on;
}

static void *thread_main(void *arg)
{
	struct backend *b = arg;
	while (obey_all(b))
		loop_step(b->loop, -1);
	jobs_free(b->jobs);
	return NULL;
}

static bool start_thread(struct backend *b, struct err *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failure = pthread_create(&b->thread, NULL, thread_main, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure == EAGAIN) /* which glibc makes of ENOMEM too */
		return err_set(err, ERR_MEMORY, "a thread cannot start: out of memory, or too many run here "
			       "(ulimit -u); end what is not needed, then try again");
	return failure == 0 || err_errno(err, ERR_FAILED, failure, "a thread cannot start");
}

static void release(struct backend *b)
{
	redact_free(b->redact);
	loop_free(b->loop);
	queue_finish(&b->in);
	queue_finish(&b->out);
	if (b->event >= 0)
		close(b->event);
	free(b);
}

struct backend *backend_start(const struct config *config, struct err *err)
{
	if (!http_set_up(err))
		return NULL;
	struct backend *b = mem_alloc(sizeof(*b));
	queue_init(&b->in, wake_thread, NULL, b);
	queue_init(&b->out, signal_face, clear_signal, b);
	b->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->event < 0)
		err_errno(err, ERR_FAILED, errno, "eventfd");
	else
		b->loop = loop_new(err);
	if (!b->loop) {
		release(b);
		return NULL;
	}
	b->redact = redact_new();
	b->jobs = jobs_new(b->loop, config, b->redact, deliver, b);
	if (!start_thread(b, err)) {
		jobs_free(b->jobs);
		release(b);
		return NULL;
	}
	return b;
}

static void command(struct backend *b, struct command what)
{
	struct command *c = mem_alloc(sizeof(*c));
	*c = what;
	queue_push(&b->in, &c->node);
}

uint64_t backend_send(struct backend *b, struct request *request)
{
	request->id = ++b->last_id;
	uint64_t id = request->id; /* the thread owns it from here */
	command(b, (struct command){.kind = COMMAND_SEND, .request = request});
	return id;
}

void backend_cancel(struct backend *b, uint64_t id)
{
	command(b, (struct command){.kind = COMMAND_CANCEL, .id = id});
}

static void acknowledge(struct backend *b)
{
	if (b->taken)
		command(b,
			(struct command){.kind = COMMAND_ACKNOWLEDGE, .id = b->taken_id, .count = b->taken});
	b->taken = 0;
}

struct message *backend_next(struct backend *b)
{
	struct message *m = (struct message *)queue_take(&b->out);
	/* The last few of a burst may wait for the next one: their source is far from being held back for them. */
	if ((m && m->request != b->taken_id) || b->taken >= ACKNOWLEDGE_AFTER)
		acknowledge(b);
	if (m) {
		b->taken_id = m->request;
		b->taken++;
	}
	return m;
}

char *backend_redact(const struct backend *b, const char *text, size_t len, size_t *out_len)
{
	return redact_copy(b->redact, text, len, out_len);
}

int backend_fd(const struct backend *b)
{
	return b->event;
}

void backend_stop(struct backend *b)
{
	if (!b)
		return;
	command(b, (struct command){.kind = COMMAND_QUIT});
	pthread_join(b->thread, NULL);
	struct queue_node *node = queue_take_all(&b->out);
	while (node) {
		struct message *m = (struct message *)node;
		node = node->next;
		message_free(m);
	}
	release(b);
}
