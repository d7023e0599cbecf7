/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ensure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/http.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/place.h"
#include "base/str.h"

#define ASK_AGAIN_MS 50

struct ensure {
	struct loop *loop;
	char *root, *socket;
	ensure_ended *ended;
	void *arg;
	struct http *http;
	struct loop_timer timer;
	int64_t deadline;
	bool is_started, is_answered;
	struct child keeper;
	int words; /* a memfd that takes what the keeper says before it leaves us; -1 */
};

static void release(struct ensure *e)
{
	loop_timer_clear(e->loop, &e->timer);
	if (e->http)
		http_cancel(e->http);
	if (e->is_started)
		child_forget(&e->keeper);
	if (e->words >= 0)
		close(e->words);
	free(e->root);
	free(e->socket);
	free(e);
}

static void end(struct ensure *e, const struct err *err)
{
	ensure_ended *ended = e->ended;
	void *arg = e->arg;
	struct err outcome = err ? *err : (struct err){0};
	release(e);
	ended(&outcome, arg);
}

static void on_head(void *arg, int status, const struct header *headers, size_t n)
{
	struct ensure *e = arg;
	(void)headers;
	(void)n;
	e->is_answered = status < 500;
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
}

static void start_keeper(struct ensure *e, struct err *err)
{
	const char *argv[] = {"fairway", "--keeper", e->root, NULL};
	char **env = child_env_new(NULL);
	e->words = memfd_create("fairway-keeper", MFD_CLOEXEC);
	struct child_start start = {.argv = argv,
				    .path = "/proc/self/exe",
				    .env = (const char *const *)env,
				    .dir = "/",
				    .err = e->words};
	e->is_started = child_start(&start, &e->keeper, err);
	child_env_free(env);
}

/* The last line of it that says something; false when there is none. */
static bool last_line(int fd, char *out, size_t size)
{
	char tail[4096];
	off_t end = lseek(fd, 0, SEEK_END), from = end > (off_t)sizeof(tail) ? end - (off_t)sizeof(tail) : 0;
	ssize_t n = pread(fd, tail, sizeof(tail), from);
	size_t len = n > 0 ? (size_t)n : 0, start;
	while (len && (tail[len - 1] == '\n' || tail[len - 1] == ' '))
		len--;
	for (start = len; start && tail[start - 1] != '\n';)
		start--;
	size_t fits = len - start < size - 1 ? len - start : size - 1;
	memcpy(out, tail + start, fits);
	out[fits] = '\0';
	return fits > 0;
}

/* What it said to us before it left, else the end of its log. */
static void add_last_words(const struct ensure *e, struct err *err)
{
	char words[160];
	struct str path = {0};
	str_addf(&path, "%s/daemon.log", e->root);
	int log = open(path.s, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if ((e->words >= 0 && last_line(e->words, words, sizeof(words))) ||
	    (log >= 0 && last_line(log, words, sizeof(words)))) {
		char sentence[sizeof(err->text)];
		str_copy(sentence, sizeof(sentence), err->text);
		err_set(err, err->kind, "%s; its last words: %s", sentence, words);
	}
	if (log >= 0)
		close(log);
	str_finish(&path);
}

static void ask(void *arg);

/* The keeper's early end is no failure yet: another one may hold the lock and be about to answer. */
static void on_done(void *arg, const struct err *failure)
{
	struct ensure *e = arg;
	struct err err = {0};
	e->http = NULL;
	if (e->is_answered && !failure) {
		end(e, NULL);
		return;
	}
	bool is_absent = failure && (failure->code == ENOENT || failure->code == ECONNREFUSED);
	if (is_absent && !e->is_started)
		start_keeper(e, &err);
	struct child_end died;
	if (e->is_started && child_wait(&e->keeper, false, &died) == CHILD_ENDED && died.status != 0 &&
	    is_absent)
		err_set(&err, ERR_FAILED, "the platform ended at once with status %d (log: %s/daemon.log)",
			died.status, e->root);
	else if (!err.kind && clock_mono_ms() >= e->deadline)
		err_set(&err, ERR_UNREACHABLE,
			"the platform does not answer %d s after its start (log: %s/daemon.log)",
			ENSURE_MS / 1000, e->root);
	if (err.kind) {
		add_last_words(e, &err);
		end(e, &err);
	} else {
		loop_timer_set(e->loop, &e->timer, ASK_AGAIN_MS, ask, e);
	}
}

static void ask(void *arg)
{
	static const struct http_handler handler = {on_head, on_bytes, on_done};
	struct ensure *e = arg;
	struct err err;
	struct http_wish wish = {.method = "GET", .url = "http://localhost/v1/info", .way.socket = e->socket,
	                         .ceiling = 1024 * 1024, .head_ms = 2000};
	e->is_answered = false;
	if (!place_socket_is_safe(e->socket, &err)) {
		end(e, &err);
		return;
	}
	e->http = http_start(e->loop, &wish, &handler, e, &err);
	if (!e->http)
		end(e, &err);
}

struct ensure *ensure_start(struct loop *loop, const char *root, ensure_ended *ended, void *arg)
{
	struct ensure *e = mem_alloc(sizeof(*e));
	*e = (struct ensure){.loop = loop,
			     .root = mem_dup(root),
			     .socket = place_socket(root),
			     .ended = ended,
			     .arg = arg,
			     .deadline = clock_mono_ms() + ENSURE_MS,
			     .keeper.pidfd = -1,
			     .words = -1};
	loop_timer_set(loop, &e->timer, 0, ask, e);
	return e;
}

void ensure_cancel(struct ensure *e)
{
	if (e)
		release(e);
}
