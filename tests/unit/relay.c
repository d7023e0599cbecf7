/* SPDX-License-Identifier: Apache-2.0 */
/* The relay as a process: scripted backends behind it, clients of every kind before it, cut overs under load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "platform/relay.h"
#include "platform/route.h"
#include "tests/support/backend.h"
#include "tests/support/load.h"

struct bench {
	char dir[32];
	pid_t relay, backend;
	uint16_t port, backend_port;
	uint64_t generation;
};

static const struct relay_limits limits = {
	.idle_ms = 20000,
	.head_ms = 400,
	.connect_ms = 1000,
	.answer_ms = 600,
	.stall_ms = 600,
	.tunnel_ms = 5000,
	.linger_ms = 500,
	.drain_ms = 3000,
	.links_max = 1200,
};

/* Ends with the test: a parent that is gone ends its children too. */
static pid_t child(void)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void end(pid_t pid, int number)
{
	if (pid <= 0)
		return;
	kill(pid, number);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void route_set(struct bench *b, const uint16_t *backends, size_t count)
{
	struct route_table table = {.generation = ++b->generation};
	struct route *r = route_table_add(&table, "prod/checkout", b->port);
	for (size_t i = 0; i < count; i++)
		route_add_backend(r, backends[i]);
	struct err err;
	bool is_written = route_table_write(b->dir, &table, &err);
	route_table_finish(&table);
	if (!is_written)
		fail_msg("%s", err.text);
}

/* Waits until the newest table is in force and `drained` (0: nothing) has no request left. */
static void route_wait(struct bench *b, uint16_t drained)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	for (;;) {
		struct route_ack ack;
		bool is_done = false;
		if (route_ack_read(b->dir, &ack, NULL)) {
			is_done = ack.generation >= b->generation && !route_ack_in_flight(&ack, drained);
			route_ack_finish(&ack);
		}
		if (is_done)
			return;
		if (clock_mono_ms() > until)
			fail_msg("the relay did not acknowledge generation %llu",
				 (unsigned long long)b->generation);
		poll(NULL, 0, 5);
	}
}

static pid_t relay_start(const char *dir, const struct relay_limits *within)
{
	pid_t pid = child();
	if (pid == 0) {
		struct err err;
		_exit(relay_run(dir, within, &err) ? 0 : 1);
	}
	return pid;
}

static int setup(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	snprintf(b->dir, sizeof(b->dir), "/tmp/fairway-relay-XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	int listener = load_listen(0, &b->backend_port);
	close(load_listen(0, &b->port));
	b->relay = relay_start(b->dir, &limits);
	b->backend = child();
	if (b->backend == 0)
		backend_serve(listener);
	close(listener);
	route_set(b, &b->backend_port, 1);
	route_wait(b, 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char path[64];
	end(b->relay, SIGTERM);
	end(b->backend, SIGKILL);
	snprintf(path, sizeof(path), "%s/%s", b->dir, ROUTE_FILE);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", b->dir, ROUTE_ACK_FILE);
	unlink(path);
	int status = rmdir(b->dir);
	free(b);
	return status;
}

static int try_dial(const struct bench *b)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b->port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

/* Another relay, which reads the same table; a connection to it. */
static int succeed(struct bench *b, const struct relay_limits *within)
{
	int fd;
	b->relay = relay_start(b->dir, within);
	for (int64_t until = clock_mono_ms() + DEADLINE_MS; (fd = try_dial(b)) < 0; poll(NULL, 0, 5))
		assert_true(clock_mono_ms() < until);
	return fd;
}

static int dial(const struct bench *b)
{
	int fd = try_dial(b);
	assert_true(fd >= 0);
	return fd;
}

/* One exchange on a connection of its own, until the relay closes it. */
static void ask(const struct bench *b, const char *request, char *answer, size_t size)
{
	int fd = dial(b);
	put(fd, request);
	answer[0] = '\0';
	take(fd, answer, size, NULL);
	close(fd);
}

#define HOST "Host: a\r\n"
#define BYE "Connection: close\r\n\r\n"

static void framings(void **state)
{
	static const struct {
		const char *request, *has, *ends, *lacks;
	} rows[] = {
		{"GET /length HTTP/1.1\r\n" HOST BYE, "\r\nContent-Length: 5\r\n", "\r\n\r\nhello",
		 "chunked"},
		{"HEAD /length HTTP/1.1\r\n" HOST BYE, "\r\nContent-Length: 5\r\n", "\r\n\r\n", "hello"},
		{"GET /chunked HTTP/1.1\r\n" HOST BYE, "\r\nTransfer-Encoding: chunked\r\n",
		 "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "x=y"},
		{"GET /chunked HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n", "\r\n\r\nhello", "chunked"},
		{"GET /close HTTP/1.1\r\n" HOST BYE, "chunked", "5\r\nhello\r\n0\r\n\r\n", "Content-Length"},
		{"GET /close HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "\r\n\r\nhello", "chunked"},
		{"GET /cut HTTP/1.1\r\n" HOST BYE, "\r\nContent-Length: 10\r\n", "\r\n\r\nhel", "502"},
		{"GET /silent HTTP/1.1\r\n" HOST BYE, "HTTP/1.1 502 ", "is not repeated\n", "200"},
		{"GET /smuggle HTTP/1.1\r\n" HOST BYE, "HTTP/1.1 502 ", "\n", "hello"},
		{"GET /never HTTP/1.1\r\n" HOST BYE, "HTTP/1.1 504 ", "is not repeated\n", "200"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		 "HTTP/1.1 400 ", "\n", "200"},
		{"GET / HTTP/1.1\r\nHost: a", "HTTP/1.1 408 ", "\n", "200"},
		{"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 408 ", "\n",
		 "200"},
		{"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" BYE "3\r\nEND\r\n0\r\n\r\n",
		 "HTTP/1.1 200 ", "END\r\n0\r\n\r\n\r\n0\r\n\r\n", "400"},
		{"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" BYE "3\r\nabcX",
		 "HTTP/1.1 400 ", "cannot be read\n", "200"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char answer[8192];
		ask(*state, rows[i].request, answer, sizeof(answer));
		if (!strstr(answer, rows[i].has) || !str_ends(answer, rows[i].ends) ||
		    strstr(answer, rows[i].lacks))
			fail_msg("%s\n gave\n%s", rows[i].request, answer);
	}
}

static void head_too_large(void **state)
{
	struct str text = {0};
	char answer[1024];
	str_add(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	for (int i = 0; i < 70000; i++)
		str_addc(&text, 'x');
	ask(*state, text.s, answer, sizeof(answer));
	assert_true(str_starts(answer, "HTTP/1.1 431 "));
	str_finish(&text);
}

static void every_byte_alone(void **state)
{
	static const char request[] = "\r\nGET /chunked HTTP/1.1\r\n" HOST BYE;
	char answer[1024] = "";
	int fd = dial(*state);
	for (size_t i = 0; request[i]; i++) {
		char one[2] = {request[i], '\0'};
		put(fd, one);
		if (i % 8 == 0)
			poll(NULL, 0, 1);
	}
	take(fd, answer, sizeof(answer), NULL);
	assert_true(str_ends(answer, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"));
	close(fd);
}

static void pipeline_in_order(void **state)
{
	char answer[8192] = "";
	int fd = dial(*state);
	put(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\nGET /length HTTP/1.1\r\n" HOST
		"\r\nGET /close HTTP/1.1\r\n" HOST BYE);
	take(fd, answer, sizeof(answer), NULL);
	const char *first = strstr(answer, "\r\n\r\nslowHTTP/1.1 200 OK\r\n");
	assert_non_null(first);
	assert_non_null(strstr(first, "\r\n\r\nhelloHTTP/1.1 200 OK\r\n"));
	assert_true(str_ends(answer, "5\r\nhello\r\n0\r\n\r\n"));
	close(fd);
}

static void expect_continue(void **state)
{
	char answer[1024] = "";
	int fd = dial(*state);
	put(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n" BYE);
	assert_true(take(fd, answer, sizeof(answer), "HTTP/1.1 100 Continue\r\n\r\n"));
	put(fd, "END");
	take(fd, answer, sizeof(answer), NULL);
	assert_non_null(strstr(answer, "3\r\nEND\r\n0\r\n\r\n"));
	close(fd);
}

static void tunnel(void **state)
{
	char answer[1024] = "";
	int fd = dial(*state);
	put(fd, "GET /upgrade HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n");
	assert_true(take(fd, answer, sizeof(answer), "Upgrade: echo\r\n\r\n"));
	put(fd, "good");
	put(fd, "bye");
	assert_true(take(fd, answer, sizeof(answer), "goodbye"));
	close(fd);
}

/* 4 MiB to a client that reads only after a while: bounded buffers hold the backend back, others are served.
 */
static void slow_client(void **state)
{
	char answer[1024], block[65536];
	size_t total = 0;
	int fd = dial(*state);
	put(fd, "GET /big HTTP/1.0\r\n\r\n");
	ask(*state, "GET /length HTTP/1.1\r\n" HOST BYE, answer, sizeof(answer));
	assert_true(str_ends(answer, "hello"));
	for (ssize_t n; (n = recv(fd, block, sizeof(block), 0)) > 0;)
		total += (size_t)n;
	assert_in_range(total, 512 * 8192, 512 * 8192 + 256);
	close(fd);
}

static void no_backend(void **state)
{
	struct bench *b = *state;
	char answer[1024];
	uint16_t dead;
	route_set(b, NULL, 0);
	route_wait(b, 0);
	ask(b, "GET / HTTP/1.1\r\n" HOST BYE, answer, sizeof(answer));
	assert_true(str_starts(answer, "HTTP/1.1 503 "));
	assert_true(str_ends(answer, "checkout in prod: no instance is ready\n"));
	close(load_listen(0, &dead)); /* nobody listens there: the other one is asked */
	route_set(b, (uint16_t[]){dead, b->backend_port}, 2);
	route_wait(b, 0);
	for (int i = 0; i < 4; i++) {
		ask(b, "GET /length HTTP/1.1\r\n" HOST BYE, answer, sizeof(answer));
		assert_true(str_ends(answer, "hello"));
	}
	route_set(b, &dead, 1);
	route_wait(b, 0);
	ask(b, "GET / HTTP/1.1\r\n" HOST BYE, answer, sizeof(answer));
	assert_true(str_ends(answer, "no instance accepts a connection\n"));
}

static void taken_port(void **state)
{
	struct bench *b = *state;
	char answer[1024];
	uint16_t ours = b->port, taken;
	int holder = load_listen(0, &taken);
	b->port = taken;
	route_set(b, &b->backend_port, 1);
	route_wait(b, 0);
	struct route_ack ack;
	assert_true(route_ack_read(b->dir, &ack, NULL));
	assert_int_equal(route_ack_failure(&ack, taken), EADDRINUSE);
	route_ack_finish(&ack);
	close(holder);
	for (int64_t until = clock_mono_ms() + DEADLINE_MS;;) {
		assert_true(route_ack_read(b->dir, &ack, NULL));
		unsigned failure = route_ack_failure(&ack, taken);
		route_ack_finish(&ack);
		if (!failure)
			break;
		assert_true(clock_mono_ms() < until);
		poll(NULL, 0, 20);
	}
	ask(b, "GET /length HTTP/1.1\r\n" HOST BYE, answer, sizeof(answer));
	assert_true(str_ends(answer, "hello"));
	b->port = ours;
}

static void bad_table_changes_nothing(void **state)
{
	struct bench *b = *state;
	char answer[1024], path[64];
	struct route_ack ack = {0};
	snprintf(path, sizeof(path), "%s/%s", b->dir, ROUTE_FILE);
	FILE *f = fopen(path, "w");
	fputs("generation 99\nnoise\n", f);
	fclose(f);
	for (int64_t until = clock_mono_ms() + DEADLINE_MS; !*ack.error;) {
		route_ack_finish(&ack);
		assert_true(route_ack_read(b->dir, &ack, NULL));
		assert_true(clock_mono_ms() < until);
		poll(NULL, 0, 5);
	}
	assert_int_equal(ack.generation, b->generation);
	assert_string_equal(ack.error, "routes:2: this is not a line of a routing table");
	route_ack_finish(&ack);
	ask(b, "GET /length HTTP/1.1\r\n" HOST BYE, answer, sizeof(answer));
	assert_true(str_ends(answer, "hello"));
}

static void ends_in_order(void **state)
{
	struct bench *b = *state;
	char answer[1024] = "";
	int status, more, fd = dial(b), idle = dial(b);
	put(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	assert_true(take(fd, answer, sizeof(answer), "100 Continue\r\n\r\n")); /* the backend has it */
	kill(b->relay, SIGTERM);
	for (int64_t until = clock_mono_ms() + DEADLINE_MS; (more = try_dial(b)) >= 0; close(more))
		assert_true(clock_mono_ms() < until); /* until it listens no more: it knows that it ends */
	put(fd, "END");
	assert_true(take(fd, answer, sizeof(answer), NULL));
	assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	assert_true(str_ends(answer, "3\r\nEND\r\n0\r\n\r\n"));
	close(fd);
	close(idle);
	assert_int_equal(waitpid(b->relay, &status, 0), b->relay);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(succeed(b, &limits));
}

static void a_thousand_clients(void **state)
{
	enum { CLIENTS = 1000 };
	struct bench *b = *state;
	int fds[CLIENTS];
	char answer[1024];
	struct relay_limits patient = limits; /* on a busy machine all this takes a while */
	patient.head_ms = patient.answer_ms = DEADLINE_MS;
	end(b->relay, SIGTERM);
	close(succeed(b, &patient));
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = dial(b);
	for (int i = 0; i < CLIENTS; i++)
		put(fds[i], i % 20 ? "GET /le" : "GET /length HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < CLIENTS; i += 20) {
		answer[0] = '\0';
		assert_true(take(fds[i], answer, sizeof(answer), "hello"));
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

static pid_t counting_backend(uint8_t *seen, uint16_t *port)
{
	int listener = load_listen(0, port);
	pid_t pid = child();
	if (pid == 0)
		load_serve(listener, seen, 1);
	close(listener);
	return pid;
}

static void *shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	return at;
}

static void check_counts(const struct load_result *r, const uint8_t *seen, const uint8_t *answered_ok)
{
	unsigned lost = 0, doubled = 0, uncounted = 0;
	for (unsigned i = 0; i < r->sent; i++) {
		lost += !seen[i];
		doubled += seen[i] > 1;
		uncounted += answered_ok[i] && seen[i] != 1;
	}
	if (lost || doubled || uncounted || r->failed || r->broken || r->wrong || r->answered != r->sent)
		fail_msg("sent %u answered %u failed %u broken %u wrong %u lost %u doubled %u", r->sent,
			 r->answered, r->failed, r->broken, r->wrong, lost, doubled);
	assert_true(r->sent > 200);
	assert_int_equal(r->reconnected, 50); /* each connection was made once: cut overs close none */
}

/* 24 cut overs, each kills the old backend with SIGKILL the moment it is drained. */
static void cut_overs_lose_nothing(void **state)
{
	enum { CUT_OVERS = 24 };
	struct bench *b = *state;
	uint8_t *seen = shared(LOAD_NUMBERS), *answered_ok = shared(LOAD_NUMBERS);
	struct load_result *result = shared(sizeof(*result));
	int *stop = shared(sizeof(*stop));
	uint16_t old, fresh;
	pid_t old_pid = counting_backend(seen, &old), load;
	result->answered_ok = answered_ok;
	route_set(b, &old, 1);
	route_wait(b, 0);
	load = child();
	if (load == 0) {
		struct load_options o = {.port = b->port, .connections = 50, .run_ms = 60000, .stop = stop};
		_exit(!load_run(&o, result));
	}
	for (int i = 0; i < CUT_OVERS; i++) {
		unsigned before = *(volatile unsigned *)&result->answered;
		for (int64_t until = clock_mono_ms() + DEADLINE_MS;
		     *(volatile unsigned *)&result->answered < before + 60 && clock_mono_ms() < until;)
			poll(NULL, 0, 2);
		pid_t fresh_pid = counting_backend(seen, &fresh);
		route_set(b, &fresh, 1);
		route_wait(b, old);
		end(old_pid, SIGKILL);
		old_pid = fresh_pid;
		old = fresh;
	}
	*stop = 1;
	int status;
	waitpid(load, &status, 0);
	end(old_pid, SIGKILL);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_counts(result, seen, answered_ok);
	munmap(seen, LOAD_NUMBERS);
	munmap(answered_ok, LOAD_NUMBERS);
	munmap(result, sizeof(*result));
	munmap(stop, sizeof(*stop));
}

#define RELAY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096; /* inherited by the relay */
	setrlimit(RLIMIT_NOFILE, &files);
	const struct CMUnitTest tests[] = {
		RELAY_TEST(framings),
		RELAY_TEST(head_too_large),
		RELAY_TEST(every_byte_alone),
		RELAY_TEST(pipeline_in_order),
		RELAY_TEST(expect_continue),
		RELAY_TEST(tunnel),
		RELAY_TEST(slow_client),
		RELAY_TEST(no_backend),
		RELAY_TEST(taken_port),
		RELAY_TEST(bad_table_changes_nothing),
		RELAY_TEST(ends_in_order),
		RELAY_TEST(a_thousand_clients),
		RELAY_TEST(cut_overs_lose_nothing),
	};
	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
