/* SPDX-License-Identifier: Apache-2.0 */
/* The client layer whole: its thread, libcurl and a real server on a Unix socket. Meant for ThreadSanitizer
 * too. */
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "backend/config.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/support/httpd.h"

struct world {
	char dir[64], socket[128];
	struct config *config;
	struct backend *b;
	struct httpd *server;
	int fault; /* what the server does */
	int log_lines;
	atomic_int sent; /* by the server's threads */
};

#define HEAD "HTTP/1.1 200 OK\r\nFairway-Api: 1\r\n"

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[128];
	snprintf(w->dir, sizeof(w->dir), "/tmp/fairway-backend-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	setenv("FAIRWAY_STATE_DIR", w->dir, 1);
	setenv("XDG_CONFIG_HOME", w->dir, 1);
	unsetenv("FAIRWAY_CONTEXT");
	unsetenv("FAIRWAY_CONFIG");
	snprintf(path, sizeof(path), "%s/local", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(w->socket, sizeof(w->socket), "%s/local/api.sock", w->dir);
	struct complaints complaints = {0};
	w->config = config_load(NULL, &complaints);
	assert_non_null(w->config);
	struct err err;
	w->b = backend_start(w->config, &err);
	assert_non_null(w->b);
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct world *w = *state;
	int64_t began = clock_mono_ms();
	backend_stop(w->b);
	assert_true(clock_mono_ms() - began < 1000);
	httpd_stop(w->server);
	config_free(w->config);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* The next message of that kind (of any request); others are freed. Fails the test after 10 s. */
static struct message *next(struct world *w, enum message_kind kind)
{
	int64_t deadline = clock_mono_ms() + 10000;
	while (clock_mono_ms() < deadline) {
		struct message *m = backend_next(w->b);
		if (m && m->kind == kind)
			return m;
		message_free(m);
		struct pollfd p = {.fd = backend_fd(w->b), .events = POLLIN};
		if (!m)
			poll(&p, 1, 100);
	}
	fail_msg("no message of kind %s came", message_kind_name(kind));
	return NULL;
}

static struct message *next_rows(struct world *w, const char *source)
{
	for (;;) {
		struct message *m = next(w, MESSAGE_RECORDS);
		if (strcmp(m->changes.source, source) == 0)
			return m;
		message_free(m);
	}
}

static struct err done(struct world *w, uint64_t id)
{
	struct message *m = next(w, MESSAGE_DONE);
	struct err err = m->err;
	assert_int_equal(m->request, id);
	message_free(m);
	return err;
}

static void an_absent_platform_is_down(void **state)
{
	struct world *w = *state;
	uint64_t watch = backend_send(w->b, request_watch(REQUEST_ALL_KINDS));
	struct message *m = next_rows(w, "platform");
	assert_int_equal(m->changes.n, 1);
	const struct source *row = m->changes.items[0].record;
	assert_int_equal(row->base.kind, RECORD_SOURCE);
	assert_int_equal(row->state, SOURCE_DOWN);
	assert_string_equal(row->error,
			    "the platform is not running: fairway up DIR or fairway demo starts it");
	message_free(m);
	uint64_t info = backend_send(w->b, request_new(REQUEST_INFO));
	struct err err = done(w, info);
	assert_int_equal(err.kind, ERR_UNREACHABLE);
	backend_cancel(w->b, watch);
	assert_int_equal(done(w, watch).kind, ERR_CANCELLED);
}

static void answer_watch(struct httpd_call *c, void *arg)
{
	(void)arg;
	httpd_print(c, HEAD "\r\n{\"type\":\"BEGIN\"}\n"
			    "{\"type\":\"PUT\",\"kind\":\"service\",\"item\":{\"name\":\"checkout\",\"team\":"
			    "\"payments\"}}\n"
			    "{\"type\":\"SYNC\",\"cursor\":\"7.1\"}\n");
	httpd_wait_closed(c);
}

static void a_watch_brings_rows(void **state)
{
	struct world *w = *state;
	w->server = httpd_start(w->socket, answer_watch, w);
	uint64_t watch = backend_send(w->b, request_watch(REQUEST_KIND(RECORD_SERVICE)));
	struct message *m = next_rows(w, "platform");
	bool has_row = false;
	for (size_t i = 0; i < m->changes.n; i++) {
		const struct change *c = &m->changes.items[i];
		if (c->what == CHANGE_PUT && c->kind == RECORD_SERVICE) {
			has_row = true;
			assert_string_equal(((const struct service *)c->record)->team, "payments");
		}
	}
	assert_true(has_row);
	message_free(m);
	message_free(next(w, MESSAGE_SETTLED));
	backend_cancel(w->b, watch);
	assert_int_equal(done(w, watch).kind, ERR_CANCELLED);
}

#define PLAN_TEXT "{\"id\":\"p1\",\"action\":\"deploy\",\"service\":\"checkout\",\"environment\":\"prod\"," \
		  "\"class\":\"protected\",\"confirm\":\"prod/checkout\"}"

static void answer_operation(struct httpd_call *c, void *arg)
{
	struct world *w = arg;
	if (strcmp(c->target, "/v1/plans") == 0) {
		httpd_reply(c, 201, "application/json", PLAN_TEXT);
	} else if (strcmp(c->target, "/v1/operations") == 0) {
		if (w->fault == 1)
			return; /* read, then closed without a word: libcurl would send it again on a kept
				   connection */
		if (w->fault == 2)
			httpd_wait_closed(c);
		else
			httpd_reply(c, 202, "application/json",
				    "{\"id\":\"o1\",\"plan\":\"p1\",\"state\":\"recorded\"}");
	} else {
		httpd_print(
			c, HEAD
			"\r\n{\"id\":\"o1\",\"state\":\"recorded\"}\n{\"id\":\"o1\",\"state\":\"done\"}\n");
	}
}

static void plan(struct world *w)
{
	struct wish wish;
	record_init(record_class(RECORD_WISH), &wish);
	wish.action = "deploy";
	wish.service = "checkout";
	wish.environment = "prod";
	w->server = httpd_start(w->socket, answer_operation, w);
	uint64_t id = backend_send(w->b, request_plan(&wish));
	struct message *m = next(w, MESSAGE_PLAN);
	assert_string_equal(m->plan.id, "p1");
	assert_int_equal(m->plan.class, OP_PROTECTED);
	message_free(m);
	assert_int_equal(done(w, id).kind, ERR_NONE);
}

static void a_write_goes_out_once_and_is_followed(void **state)
{
	struct world *w = *state;
	plan(w);
	uint64_t wrong = backend_send(w->b, request_execute("p1", "yes", NULL));
	assert_int_equal(done(w, wrong).kind, ERR_REFUSED);
	assert_int_equal(httpd_count(w->server, "POST /v1/operations"), 0);
	uint64_t id = backend_send(w->b, request_execute("p1", "prod/checkout", "because"));
	assert_int_equal(done(w, id).kind, ERR_NONE);
	assert_int_equal(httpd_count(w->server, "POST /v1/operations"), 1);
	uint64_t again = backend_send(w->b, request_execute("p1", "prod/checkout", NULL));
	assert_int_equal(done(w, again).kind, ERR_REFUSED);
	assert_int_equal(httpd_count(w->server, "POST /v1/operations"), 1);
}

static void a_write_without_an_answer_is_unknown_and_not_repeated(void **state)
{
	struct world *w = *state;
	w->fault = 1;
	plan(w);
	uint64_t id = backend_send(w->b, request_execute("p1", "prod/checkout", NULL));
	assert_int_equal(done(w, id).kind, ERR_UNKNOWN);
	assert_int_equal(httpd_count(w->server, "POST /v1/operations"), 1);
}

static void a_cancelled_write_is_unknown(void **state)
{
	struct world *w = *state;
	w->fault = 2;
	plan(w);
	uint64_t id = backend_send(w->b, request_execute("p1", "prod/checkout", NULL));
	int64_t deadline = clock_mono_ms() + 10000;
	while (httpd_count(w->server, "POST /v1/operations") == 0 && clock_mono_ms() < deadline)
		poll(NULL, 0, 5);
	backend_cancel(w->b, id);
	assert_int_equal(done(w, id).kind, ERR_UNKNOWN);
	backend_cancel(w->b, id);
	backend_cancel(w->b, 4711);
}

static void quit_with_everything_in_flight(void **state)
{
	struct world *w = *state;
	w->fault = 2;
	plan(w);
	backend_send(w->b, request_execute("p1", "prod/checkout", NULL));
	for (int i = 0; i < 5; i++) {
		backend_send(w->b, request_watch(REQUEST_ALL_KINDS));
		backend_send(w->b, request_new(REQUEST_INFO));
	}
	/* tear_down stops it with all that on its way, and leak checks see what was forgotten. */
}

static void answer_logs(struct httpd_call *c, void *arg)
{
	struct world *w = arg;
	size_t size = 200 * 1000, len = 0;
	char *block = malloc(size);
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(
			block + len, size - len,
			"17000000%05d checkout-prod-%d level=info msg=\"a line as logs have them\" n=%d\n", i,
			1 + i % 3, i);
	httpd_print(c, HEAD "Fairway-Instances: checkout-prod-1=checkout/prod\r\n\r\n");
	for (int i = 0; i < w->log_lines / 1000; i++)
		if (!httpd_write(c, block, len))
			break;
	httpd_print(c, "#end\n");
	free(block);
}

static uint64_t ask_logs(struct world *w, int lines)
{
	w->log_lines = lines;
	w->server = httpd_start(w->socket, answer_logs, w);
	return backend_send(w->b,
			    request_logs(&(struct log_wish){.service = "checkout", .tail = RECORD_NONE}));
}

static void a_million_log_lines(void **state)
{
	struct world *w = *state;
	int want = 1000000, have = 0;
	int64_t began = clock_mono_ms();
	uint64_t id = ask_logs(w, want);
	for (;;) {
		struct message *m = backend_next(w->b);
		if (!m) {
			struct pollfd p = {.fd = backend_fd(w->b), .events = POLLIN};
			assert_true(poll(&p, 1, 20000) == 1);
			continue;
		}
		if (m->kind == MESSAGE_LOGS) {
			if (have == 0) {
				assert_string_equal(m->logs.instances[0].id, "checkout-prod-1");
				assert_string_equal(m->logs.instances[0].environment, "prod");
				assert_int_equal(m->logs.lines[0].time, 1700000000000);
				assert_memory_equal(m->logs.block + m->logs.lines[0].at, "level=info", 10);
			}
			have += (int)m->logs.n;
		}
		bool is_done = m->kind == MESSAGE_DONE;
		if (is_done)
			assert_int_equal(m->err.kind, ERR_NONE);
		assert_int_equal(m->request, id);
		message_free(m);
		if (is_done)
			break;
	}
	int64_t took = clock_mono_ms() - began;
	printf("# %d log lines in %lld ms\n", have, (long long)took);
	assert_int_equal(have, want);
}

#define BLOCKS 2000 /* of log lines that the server would like to send: some 130 MB */

static void answer_without_end(struct httpd_call *c, void *arg)
{
	struct world *w = arg;
	static char block[65536];
	for (size_t i = 0; i < sizeof(block); i += 64)
		memcpy(block + i, "1700000000000 checkout-prod-1 a line of some sixty-four bytes..\n", 64);
	httpd_print(c, HEAD "\r\n");
	for (int i = 0; i < BLOCKS && httpd_write(c, block, sizeof(block)); i++)
		atomic_fetch_add(&w->sent, 1);
	httpd_print(c, "#end\n");
}

/* Waits until the server stands still for 300 ms; returns how many blocks it got rid of. */
static int sent_at_rest(struct world *w)
{
	int64_t since = clock_mono_ms(), deadline = since + 20000;
	int last = atomic_load(&w->sent);
	while (clock_mono_ms() - since < 300 && clock_mono_ms() < deadline) {
		poll(NULL, 0, 10);
		int now = atomic_load(&w->sent);
		if (now != last)
			since = clock_mono_ms();
		last = now;
	}
	return last;
}

/* Nobody takes the batches: the server must be held back by TCP, and go on when they are taken. */
static void unread_logs_hold_the_server_back(void **state)
{
	struct world *w = *state;
	w->server = httpd_start(w->socket, answer_without_end, w);
	uint64_t id = backend_send(
		w->b, request_logs(&(struct log_wish){.service = "checkout", .tail = RECORD_NONE}));
	struct pollfd p = {.fd = backend_fd(w->b), .events = POLLIN};
	assert_true(poll(&p, 1, 10000) == 1);
	int held = sent_at_rest(w), lines = 0;
	assert_true(held > 0);
	assert_true(held < BLOCKS / 4); /* unread messages, libcurl's buffer, the socket's: a few MB in all */
	for (;;) {
		struct message *m = backend_next(w->b);
		if (!m) {
			assert_true(poll(&p, 1, 20000) == 1);
			continue;
		}
		lines += m->kind == MESSAGE_LOGS ? (int)m->logs.n : 0;
		bool is_done = m->kind == MESSAGE_DONE;
		if (is_done)
			assert_int_equal(m->err.kind, ERR_NONE);
		assert_int_equal(m->request, id);
		message_free(m);
		if (is_done)
			break;
	}
	assert_int_equal(atomic_load(&w->sent), BLOCKS);
	assert_int_equal(lines, BLOCKS * 1024);
}

#define LAST_WORDS "fairway: the moon is in the way"

static void a_platform_that_does_not_start_says_why(void **state)
{
	struct world *w = *state;
	struct err err = done(w, backend_send(w->b, request_new(REQUEST_RAISE)));
	assert_int_equal(err.kind, ERR_FAILED);
	assert_non_null(strstr(err.text, "status 3"));
	assert_non_null(strstr(err.text, "its last words: " LAST_WORDS));
}

static void answer_by_chance(struct httpd_call *c, void *arg)
{
	struct world *w = arg;
	int chance = atomic_fetch_add(&w->sent, 1) % 7;
	if (chance == 0)
		return;
	if (chance == 1)
		httpd_wait_closed(c);
	else if (strstr(c->target, "/v1/logs"))
		answer_logs(c, w);
	else if (strstr(c->target, "/v1/watch"))
		answer_watch(c, w);
	else
		httpd_reply(c, chance == 2 ? 500 : 200, "application/json",
			    chance == 3 ? "[[[" : "{\"id\":\"x\"}");
}

static struct request *random_request(void)
{
	struct wish wish;
	record_init(record_class(RECORD_WISH), &wish);
	wish.action = rand() % 2 ? "deploy" : "new";
	wish.service = "checkout";
	wish.environment = "prod";
	switch (rand() % 8) {
	case 0:
		return request_watch(REQUEST_ALL_KINDS);
	case 1:
		return request_logs(&(struct log_wish){
			.service = "checkout", .tail = RECORD_NONE, .is_following = rand() % 2});
	case 2:
		return request_document(DOCUMENT_RUNBOOK, "checkout", NULL, false);
	case 3:
		return request_plan(&wish);
	case 4:
		return request_execute("p1", "yes", NULL);
	case 5:
		return request_new(REQUEST_AUDIT_VERIFY);
	case 6:
		return request_render(&wish);
	default:
		return request_new(REQUEST_INFO);
	}
}

/* A storm of requests, cancels and reading, then an end at any moment: nothing hangs, leaks or comes
 * twice. */
static void quit_in_a_storm(void **state)
{
	struct world *w = *state;
	struct err err;
	srand(20261122);
	w->log_lines = 3000;
	w->server = httpd_start(w->socket, answer_by_chance, w);
	for (int round = 0; round < 25; round++) {
		uint64_t last = 0;
		for (int i = rand() % 40; i >= 0; i--) {
			int what = rand() % 8;
			if (what < 4)
				last = backend_send(w->b, random_request());
			else if (what < 6)
				message_free(backend_next(w->b));
			else if (what == 6 && last)
				backend_cancel(w->b, last - (uint64_t)rand() % 3);
			else
				poll(NULL, 0, rand() % 4);
		}
		int64_t began = clock_mono_ms();
		backend_stop(w->b);
		assert_true(clock_mono_ms() - began < 3000);
		w->b = backend_start(w->config, &err);
		assert_non_null(w->b);
	}
}

static struct message *plan_new(struct world *w, const char *folder)
{
	struct wish wish;
	struct pair answers[] = {{"team", "payments"}};
	record_init(record_class(RECORD_WISH), &wish);
	wish.action = "new";
	wish.path = "http-service";
	wish.service = "orders";
	wish.folder = folder;
	wish.set = (struct pairs){answers, 1};
	backend_send(w->b, request_render(&wish));
	struct message *m = next(w, MESSAGE_FILES);
	bool has_spec = false;
	for (size_t i = 0; i < m->files.n; i++)
		has_spec = has_spec || strcmp(m->files.items[i].path, "service.yaml") == 0;
	assert_true(has_spec);
	message_free(m);
	message_free(next(w, MESSAGE_DONE));
	backend_send(w->b, request_plan(&wish));
	return next(w, MESSAGE_PLAN);
}

/* An audit that cannot be written stops what it would have recorded. */
static void without_an_audit_nothing_is_done(void **state)
{
	struct world *w = *state;
	struct rlimit limit, none;
	struct stat st;
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/orders", w->dir);
	struct message *m = plan_new(w, folder);
	message_free(next(w, MESSAGE_DONE));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = (struct rlimit){1, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	struct err err = done(w, backend_send(w->b, request_execute(m->plan.id, "yes", NULL)));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_DFL);
	message_free(m);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "by hand: fairway new http-service orders"));
	assert_int_equal(stat(folder, &st), -1);
}

static void a_service_is_made_once_and_recorded(void **state)
{
	struct world *w = *state;
	char folder[128], file[160];
	struct stat st;
	snprintf(folder, sizeof(folder), "%s/orders", w->dir);
	struct message *plan_message = plan_new(w, folder);
	assert_null(plan_message->plan.refusal);
	assert_int_equal(plan_message->plan.class, OP_CHANGING);
	message_free(next(w, MESSAGE_DONE));
	assert_int_equal(done(w, backend_send(w->b, request_execute(plan_message->plan.id, NULL, NULL))).kind,
			 ERR_REFUSED);
	assert_int_equal(stat(folder, &st), -1);
	uint64_t id = backend_send(w->b, request_execute(plan_message->plan.id, "yes", "a test"));
	struct message *first = next(w, MESSAGE_OPERATION);
	assert_int_equal(first->operation.state, AUDIT_RECORDED);
	message_free(first);
	struct err err = done(w, id);
	assert_int_equal(err.kind, ERR_NONE);
	snprintf(file, sizeof(file), "%s/service.yaml", folder);
	assert_int_equal(stat(file, &st), 0);
	snprintf(file, sizeof(file), "%s/.git/HEAD", folder);
	assert_int_equal(stat(file, &st), 0);
	message_free(plan_message);
	plan_message = plan_new(w, folder);
	assert_non_null(plan_message->plan.refusal);
	message_free(next(w, MESSAGE_DONE));
	assert_int_equal(
		done(w, backend_send(w->b, request_execute(plan_message->plan.id, "yes", NULL))).kind,
		ERR_REFUSED);
	message_free(plan_message);
	backend_send(w->b, request_new(REQUEST_AUDIT_VERIFY));
	struct message *m = next(w, MESSAGE_AUDIT);
	assert_string_equal(m->audit.chain, "console");
	assert_true(m->audit.is_ok);
	assert_int_equal(m->audit.entries, 2);
	message_free(m);
	message_free(next(w, MESSAGE_DONE));
	backend_send(w->b, request_watch(REQUEST_KIND(RECORD_AUDIT)));
	m = next_rows(w, "console");
	const struct audit_entry *e = m->changes.items[1].record;
	assert_int_equal(e->state, AUDIT_DONE);
	assert_string_equal(e->action, "new");
	assert_string_equal(e->reason, "a test");
	assert_non_null(strstr(e->by, "(uid "));
	message_free(m);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--keeper") ==
				0) { /* started by the client layer, as the program itself would be */
		fprintf(stderr, "something before\n" LAST_WORDS "\n");
		return 3;
	}
	const struct CMUnitTest tests[] = {
		CASE(an_absent_platform_is_down),
		CASE(a_watch_brings_rows),
		CASE(a_write_goes_out_once_and_is_followed),
		CASE(a_write_without_an_answer_is_unknown_and_not_repeated),
		CASE(a_cancelled_write_is_unknown),
		CASE(quit_with_everything_in_flight),
		CASE(a_service_is_made_once_and_recorded),
		CASE(without_an_audit_nothing_is_done),
		CASE(a_platform_that_does_not_start_says_why),
		CASE(quit_in_a_storm),
		CASE(a_million_log_lines),
		CASE(unread_logs_hold_the_server_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
