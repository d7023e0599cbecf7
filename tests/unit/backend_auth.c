/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: where they may come from, where they go, and that they are nowhere else. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/auth.h"
#include "backend/backend.h"
#include "backend/config.h"
#include "backend/exec.h"
#include "backend/http.h"
#include "backend/redact.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/support/httpd.h"
#include "tests/support/scratch.h"

#define SECRET "s3cr3t-value-of-a-token"

struct world {
	char *dir, *file;
	struct loop *loop;
	struct redact *redact;
	struct auth *auth;
	char token[256];
	struct err err;
	int told;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct str path = {0};
	struct err err;
	assert_true(http_set_up(&err));
	w->dir = scratch_new();
	str_addf(&path, "%s/token", w->dir);
	w->file = str_detach(&path);
	w->loop = loop_new(&err);
	w->redact = redact_new();
	w->auth = auth_new(w->loop, w->redact);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	auth_free(w->auth);
	redact_free(w->redact);
	loop_free(w->loop);
	scratch_remove(w->dir);
	free(w->file);
	free(w);
	return 0;
}

static void on_told(const char *token, const struct err *err, void *arg)
{
	struct world *w = arg;
	w->told++;
	snprintf(w->token, sizeof(w->token), "%s", token ? token : "");
	w->err = err ? *err : (struct err){0};
}

static void wait_told(struct world *w, int want)
{
	int64_t deadline = clock_mono_ms() + 10000;
	while (w->told < want && clock_mono_ms() < deadline)
		loop_step(w->loop, 100);
	assert_int_equal(w->told, want);
}

static void ask(struct world *w, const struct token_source *source)
{
	int want = w->told + 1;
	auth_ask(w->auth, source, on_told, w);
	assert_int_equal(w->told, want - 1); /* never before it returns */
	wait_told(w, want);
}

static void write_token(struct world *w, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(w->file, "w");
	assert_non_null(f);
	fwrite(text, 1, len, f);
	fclose(f);
	assert_int_equal(chmod(w->file, mode), 0);
}

static void a_file_must_be_private(void **state)
{
	struct world *w = *state;
	struct token_source source = {.from = TOKEN_FILE, .name = w->file};
	static const mode_t open_modes[] = {0644, 0640, 0602, 0620, 0601};
	write_token(w, " " SECRET " \r\n", strlen(SECRET) + 4, 0600);
	ask(w, &source);
	assert_string_equal(w->token, SECRET);
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		chmod(w->file, open_modes[i]);
		ask(w, &source);
		assert_string_equal(w->token, "");
		assert_int_equal(w->err.kind, ERR_REFUSED);
		assert_non_null(strstr(w->err.text, "chmod 600"));
	}
	chmod(w->file, 0600);
	struct str link = {0};
	str_addf(&link, "%s/link", w->dir);
	assert_int_equal(symlink(w->file, link.s), 0);
	ask(w, &(struct token_source){.from = TOKEN_FILE, .name = link.s});
	assert_non_null(strstr(w->err.text, "symbolic link"));
	unlink(link.s);
	assert_int_equal(mkfifo(link.s, 0600), 0); /* must not be waited for */
	ask(w, &(struct token_source){.from = TOKEN_FILE, .name = link.s});
	assert_non_null(strstr(w->err.text, "not a regular file"));
	str_finish(&link);
	unlink(w->file);
	ask(w, &source);
	assert_non_null(strstr(w->err.text, w->file));
}

static void what_is_no_header_value_is_no_token(void **state)
{
	struct world *w = *state;
	struct token_source source = {.from = TOKEN_FILE, .name = w->file};
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"", 0},
		{" \n\t", 3},
		{SECRET "\r\nX-Admin: yes", sizeof(SECRET) + 14},
		{"ab\0cdefghij", 11},
		{"\x1b[31mred-token", 14},
		{"caf\xc3\xa9-token-of-mine", 20},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_token(w, bad[i].bytes, bad[i].len, 0600);
		ask(w, &source);
		assert_string_equal(w->token, "");
		assert_int_equal(w->err.kind, ERR_REFUSED);
		assert_null(strstr(w->err.text, "s3cr3t"));
	}
	char *huge = mem_alloc(AUTH_TOKEN_MAX + 1);
	memset(huge, 'x', AUTH_TOKEN_MAX + 1);
	write_token(w, huge, AUTH_TOKEN_MAX + 1, 0600);
	free(huge);
	ask(w, &source);
	assert_non_null(strstr(w->err.text, "at most"));
}

static void a_variable_is_read(void **state)
{
	struct world *w = *state;
	struct token_source source = {.from = TOKEN_ENV, .name = "FAIRWAY_TEST_TOKEN"};
	unsetenv("FAIRWAY_TEST_TOKEN");
	ask(w, &source);
	assert_non_null(strstr(w->err.text, "FAIRWAY_TEST_TOKEN"));
	setenv("FAIRWAY_TEST_TOKEN", SECRET, 1);
	ask(w, &source);
	assert_string_equal(w->token, SECRET);
	unsetenv("FAIRWAY_TEST_TOKEN");
}

static int runs(const struct world *w)
{
	struct str text = {0};
	int n = 0;
	file_read(AT_FDCWD, w->file, 4096, &text, NULL);
	for (size_t i = 0; i < text.len; i++)
		n += text.s[i] == 'x';
	str_finish(&text);
	return n;
}

static void a_command_runs_once_for_all(void **state)
{
	struct world *w = *state;
	struct str script = {0};
	str_addf(&script, "echo x >> '%s'; echo noise >&2; echo ' %s '", w->file, SECRET);
	const char *argv[] = {"sh", "-c", script.s, NULL};
	struct token_source source = {.from = TOKEN_COMMAND, .command = argv};
	for (int i = 0; i < 5; i++)
		auth_ask(w->auth, &source, on_told, w);
	auth_cancel(auth_ask(w->auth, &source, on_told, w));
	wait_told(w, 5);
	assert_string_equal(w->token, SECRET);
	ask(w, &source);
	assert_int_equal(runs(w), 1);
	auth_refused(w->auth, &source);
	ask(w, &source);
	assert_string_equal(w->token, SECRET);
	assert_int_equal(runs(w), 2);
	const char *sleeper[] = {"sleep", "60", NULL};
	auth_cancel(auth_ask(w->auth, &(struct token_source){.from = TOKEN_COMMAND, .command = sleeper},
			     on_told, w));
	str_finish(&script);
	int64_t began = clock_mono_ms();
	int told = w->told;
	auth_free(w->auth); /* ends the sleeper */
	assert_true(clock_mono_ms() - began < 3000);
	assert_int_equal(w->told, told);
	w->auth = auth_new(w->loop, w->redact);
}

static void a_command_that_fails_is_not_asked_again_at_once(void **state)
{
	struct world *w = *state;
	struct str script = {0};
	str_addf(&script, "echo x >> '%s'; echo %s; exit 3", w->file, SECRET);
	const char *argv[] = {"sh", "-c", script.s, NULL}, *none[] = {"/no/such/program", NULL};
	struct token_source source = {.from = TOKEN_COMMAND, .command = argv};
	for (int i = 0; i < 3; i++) {
		ask(w, &source);
		assert_int_equal(w->err.kind, ERR_REFUSED);
		assert_non_null(strstr(w->err.text, "status 3"));
		assert_null(strstr(w->err.text, SECRET));
	}
	assert_int_equal(runs(w), 1);
	ask(w, &(struct token_source){.from = TOKEN_COMMAND, .command = none});
	assert_non_null(strstr(w->err.text, "/no/such/program"));
	str_finish(&script);
}

static void on_exec(int status, const char *output, size_t len, const struct err *err, void *arg)
{
	struct world *w = arg;
	(void)len;
	assert_null(err);
	assert_int_equal(status, 0);
	snprintf(w->token, sizeof(w->token), "%s", output);
	w->told++;
}

static void run(struct world *w, const char *script)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct err err;
	int want = w->told + 1;
	assert_non_null(exec_start(w->loop, &(struct exec_wish){.argv = argv}, on_exec, w, &err));
	wait_told(w, want);
}

/* Waits until a child says what we gave it: the limit is given back a moment after its start. */
static void nothing_is_left_behind(void **state)
{
	struct world *w = *state;
	struct rlimit core;
	setenv("FAIRWAY_TEST_TOKEN", SECRET, 1);
	ask(w, &(struct token_source){.from = TOKEN_ENV, .name = "FAIRWAY_TEST_TOKEN"});
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_cur, 0);
	run(w, "env; cat /proc/$$/cmdline | tr '\\0' ' '");
	assert_null(strstr(w->token, SECRET));
	if (core.rlim_max != 0)
		run(w, "i=0; while [ $(ulimit -S -c) = 0 ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); "
		       "done; ulimit -S -c");
	if (core.rlim_max != 0)
		assert_string_not_equal(w->token, "0\n");
	unsetenv("FAIRWAY_TEST_TOKEN");
}

static void values_are_redacted(void **state)
{
	struct world *w = *state;
	struct arena arena = {0};
	struct err err;
	redact_add(w->redact, "short", 5);
	redact_add(w->redact, SECRET, strlen(SECRET));
	redact_add(w->redact, SECRET "-longer", strlen(SECRET "-longer"));
	const char *clean = "short texts stay as they are";
	assert_ptr_equal(redact_text(w->redact, &arena, clean), clean);
	assert_null(redact_text(w->redact, &arena, NULL));
	assert_string_equal(redact_text(w->redact, &arena, "a=" SECRET "-longer b=" SECRET SECRET "."),
	                    "a=[redacted] b=[redacted][redacted].");
	err_set(&err, ERR_FAILED, "401: %s is not welcome", SECRET);
	redact_err(w->redact, &err);
	assert_string_equal(err.text, "401: [redacted] is not welcome");
	size_t len;
	char *copy = redact_copy(w->redact, "a\0" SECRET "b", strlen(SECRET) + 3, &len);
	assert_int_equal(len, 3 + strlen(REDACT_MARK));
	assert_memory_equal(copy, "a\0[redacted]b", len);
	free(copy);
	for (int i = 0; i < 3 * REDACT_MAX; i++) {
		char text[32];
		snprintf(text, sizeof(text), "rotated-token-%d", 1000 + i);
		redact_add(w->redact, text, strlen(text));
		assert_string_equal(redact_text(w->redact, &arena, text), REDACT_MARK);
	}
	arena_finish(&arena);
}

static void messages_are_redacted(void **state)
{
	struct world *w = *state;
	redact_add(w->redact, SECRET, strlen(SECRET));
	struct message *m = message_new(MESSAGE_OPERATION, 1);
	struct step steps[] = {
		{.name = "push", .state = STEP_FAILED, .detail = "fatal: https://" SECRET "@host/"}};
	record_init(record_class(RECORD_OPERATION), &m->operation);
	m->operation.id = "o1";
	m->operation.steps = (struct parts){steps, 1};
	redact_message(w->redact, m);
	assert_string_equal(((const struct step *)m->operation.steps.items)[0].detail,
			    "fatal: https://[redacted]@host/");
	message_free(m);
	m = message_new(MESSAGE_RECORDS, 1);
	struct source row;
	record_init(record_class(RECORD_SOURCE), &row);
	row.name = "prod";
	row.error = "refused " SECRET;
	struct change change = {CHANGE_PUT, RECORD_SOURCE, &row, NULL};
	m->changes = (struct changes){"prod", &change, 1};
	redact_message(w->redact, m);
	assert_string_equal(((const struct source *)m->changes.items[0].record)->error, "refused [redacted]");
	message_free(m);
	m = message_new(MESSAGE_LOGS, 1);
	struct log_row line = {.at = 2, .len = (uint32_t)strlen("k=" SECRET ";")};
	m->owned[0] = mem_dup("..k=" SECRET ";");
	m->logs = (struct log_batch){.source = "prod", .block = m->owned[0], .lines = &line, .n = 1};
	redact_message(w->redact, m);
	assert_int_equal(strlen(m->logs.block), strlen("..k=" SECRET ";"));
	assert_null(strstr(m->logs.block, SECRET));
	assert_memory_equal(m->logs.block, "..k=***", 7);
	message_free(m);
}

static void answer(struct httpd_call *c, void *arg)
{
	struct world *w = arg;
	const char *value = strcasestr(c->head, "\nAuthorization:"),
		   *other = strcasestr(c->head, "\nPrivate-Token:");
	struct str body = {0};
	snprintf(w->token, sizeof(w->token), "%.*s",
		 (int)strcspn(value   ? value + 1
			      : other ? other + 1
				      : "",
			      "\r"),
		 value   ? value + 1
		 : other ? other + 1
			 : "");
	str_addf(&body, "{\"error\":\"who is %s\",\"kind\":\"refused\"}", w->token);
	httpd_reply(c, 401, "application/json", str_text(&body));
	str_finish(&body);
}

/* One request over the whole client layer; returns its error. The server keeps the header it saw in
 * w->token. */
static struct err ask_platform(struct world *w, const char *source)
{
	struct str path = {0};
	struct complaints complaints = {0};
	struct err err = {0};
	str_addf(&path, "%s/config.yaml", w->dir);
	FILE *f = fopen(path.s, "w");
	assert_non_null(f);
	fprintf(f, "context: acme\ncontexts: { acme: { platform: { kind: platform, %s } } }\n", source);
	fclose(f);
	chmod(path.s, 0600);
	setenv("FAIRWAY_STATE_DIR", w->dir, 1);
	struct config *config = config_load(&(struct config_flags){.file = path.s}, &complaints);
	if (!config)
		fail_msg("%s", complaints.text);
	struct backend *b = backend_start(config, &err);
	assert_non_null(b);
	backend_send(b, request_new(REQUEST_INFO));
	int64_t deadline = clock_mono_ms() + 10000;
	for (bool is_done = false; !is_done;) {
		struct message *m = backend_next(b);
		struct pollfd p = {.fd = backend_fd(b), .events = POLLIN};
		assert_true(clock_mono_ms() < deadline);
		if (!m)
			poll(&p, 1, 100);
		is_done = m && m->kind == MESSAGE_DONE;
		if (is_done)
			err = m->err;
		message_free(m);
	}
	char *copy = backend_redact(b, "x " SECRET, strlen("x " SECRET), NULL);
	snprintf(w->err.text, sizeof(w->err.text), "%s", copy);
	free(copy);
	backend_stop(b);
	config_free(config);
	str_finish(&path);
	return err;
}

static void a_token_goes_where_it_may(void **state)
{
	struct world *w = *state;
	struct httpd *server = httpd_start(NULL, answer, w);
	char source[256];
	setenv("FAIRWAY_TEST_TOKEN", SECRET, 1);
	snprintf(source, sizeof(source), "url: \"http://127.0.0.1:%d\", token: { env: FAIRWAY_TEST_TOKEN }",
		 httpd_port(server));
	struct err err = ask_platform(w, source);
	assert_string_equal(w->token, "Authorization: Bearer " SECRET);
	assert_string_equal(err.text, "who is Authorization: Bearer [redacted]");
	assert_string_equal(w->err.text, "x [redacted]");
	snprintf(source, sizeof(source),
		 "url: \"http://127.0.0.1:%d\", token: { env: FAIRWAY_TEST_TOKEN, header: Private-Token }",
		 httpd_port(server));
	ask_platform(w, source);
	assert_string_equal(w->token, "Private-Token: " SECRET);
	httpd_stop(server);
	/* Not over plain http to another machine, nor to a name that only looks like this one. */
	static const char *const elsewhere[] = {"192.0.2.1", "127.example.org", "localhost.example.org"};
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		snprintf(source, sizeof(source),
			 "url: \"http://%s:9\", token: { env: FAIRWAY_TEST_TOKEN, header: Private-Token }",
			 elsewhere[i]);
		err = ask_platform(w, source);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_non_null(strstr(err.text, "without TLS"));
	}
	unsetenv("FAIRWAY_TEST_TOKEN");
}

static void a_token_goes_over_a_unix_socket(void **state)
{
	struct world *w = *state;
	struct str path = {0};
	char source[512];
	str_addf(&path, "%s/api.sock", w->dir);
	struct httpd *server = httpd_start(path.s, answer, w);
	write_token(w, SECRET "\n", strlen(SECRET) + 1, 0600);
	snprintf(source, sizeof(source), "url: \"unix:%s\", token: { file: \"%s\" }", path.s, w->file);
	ask_platform(w, source);
	assert_string_equal(w->token, "Authorization: Bearer " SECRET);
	chmod(w->file, 0644);
	struct err err = ask_platform(w, source);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(httpd_count(server, "GET"), 1);
	httpd_stop(server);
	str_finish(&path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	struct rlimit core = {1024 * 1024, RLIM_INFINITY}; /* something to give back to children */
	if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max > 0) {
		core.rlim_cur = core.rlim_max < 1024 * 1024 ? core.rlim_max : 1024 * 1024;
		setrlimit(RLIMIT_CORE, &core);
	}
	const struct CMUnitTest tests[] = {
		CASE(a_file_must_be_private),
		CASE(what_is_no_header_value_is_no_token),
		CASE(a_variable_is_read),
		CASE(a_command_runs_once_for_all),
		CASE(a_command_that_fails_is_not_asked_again_at_once),
		CASE(nothing_is_left_behind),
		CASE(values_are_redacted),
		CASE(messages_are_redacted),
		CASE(a_token_goes_where_it_may),
		CASE(a_token_goes_over_a_unix_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
