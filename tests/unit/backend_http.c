/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange does in a hostile network: redirects, bombs, proxies, bad TLS. Real sockets on this
 * machine. */
#include <arpa/inet.h>
#include <netinet/in.h>
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
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/http.h"
#include "backend/loop.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/httpd.h"
#include "tests/support/scratch.h"

enum { GATE_SHUT, GATE_ASKED, GATE_OPEN, GATE_ANSWERED };
struct world {
	char *dir, *bomb;
	atomic_int gate;
	struct loop *loop;
	struct httpd *server, *other;
	struct str body;
	int status;
	size_t n_headers;
	bool is_done;
	struct err err;
	char location[128];
};

static void await(struct world *w, int gate)
{
	for (int64_t deadline = clock_mono_ms() + 20000; atomic_load(&w->gate) < gate && clock_mono_ms() < deadline;)
		poll(NULL, 0, 1);
}

static void answer(struct httpd_call *c, void *arg)
{
	struct world *w = arg;
	char bytes[65536];
	if (strncmp(c->target, "/to/", 4) == 0) {
		httpd_print(c, "HTTP/1.1 %s X\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nnope",
			    c->target + 4, w->location);
	} else if (strcmp(c->target, "/round") == 0) {
		httpd_print(c, "HTTP/1.1 302 X\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n");
	} else if (strcmp(c->target, "/bomb") == 0) {
		FILE *f = fopen(w->bomb, "rb");
		size_t n = fread(bytes, 1, sizeof(bytes), f);
		httpd_print(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n");
		do
			httpd_write(c, bytes, n);
		while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0);
		fclose(f);
	} else if (strcmp(c->target, "/heads") == 0) {
		httpd_print(c, "HTTP/1.1 200 OK\r\n");
		for (int i = 0; i < 2000; i++)
			if (!httpd_print(c,
					 "X-Filler-%d: "
					 "........................................................\r\n",
					 i))
				return;
		httpd_print(c, "Content-Length: 0\r\n\r\n");
	} else if (strcmp(c->target, "/gated") == 0) {
		atomic_store(&w->gate, GATE_ASKED);
		await(w, GATE_OPEN);
		httpd_print(c, "HTTP/1.1 103 Early Hints\r\nX-None: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-One: 1\r\nX-Two: 2\r\n\r\nbytes");
		atomic_store(&w->gate, GATE_ANSWERED);
		httpd_wait_closed(c);
	} else if (strcmp(c->target, "/silent") == 0) {
		httpd_wait_closed(c);
	} else {
		httpd_reply(c, 200, "text/plain", strstr(c->head, "\nX-Secret: ") ? "with" : "without");
	}
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err;
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	assert_true(http_set_up(&err));
	w->dir = scratch_new();
	w->loop = loop_new(&err);
	w->server = httpd_start(NULL, answer, w);
	w->other = httpd_start(NULL, answer, w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	loop_free(w->loop);
	httpd_stop(w->server);
	httpd_stop(w->other);
	scratch_remove(w->dir);
	str_finish(&w->body);
	free(w->bomb);
	free(w);
	return 0;
}

static void on_head(void *arg, int status, const struct header *headers, size_t n)
{
	struct world *w = arg;
	(void)headers;
	w->n_headers = n;
	w->status = status;
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	str_addn(&((struct world *)arg)->body, bytes, len);
}

static void on_done(void *arg, const struct err *failure)
{
	struct world *w = arg;
	w->is_done = true;
	w->err = failure ? *failure : (struct err){0};
}

static const struct http_handler handler = {on_head, on_bytes, on_done};

static void fetch(struct world *w, const struct http_wish *wish)
{
	int64_t deadline = clock_mono_ms() + 20000;
	str_reset(&w->body);
	w->status = 0;
	w->is_done = false;
	w->err = (struct err){0};
	if (!http_start(w->loop, wish, &handler, w, &w->err))
		return;
	while (!w->is_done && clock_mono_ms() < deadline)
		loop_step(w->loop, 100);
	assert_true(w->is_done);
}

static const char *url_of(const struct httpd *server, const char *host, const char *path)
{
	static char url[256];
	snprintf(url, sizeof(url), "http://%s:%d%s", host, httpd_port(server), path);
	return url;
}

static void get(struct world *w, const char *path)
{
	fetch(w, &(struct http_wish){.method = "GET",
				     .url = url_of(w->server, "127.0.0.1", path),
				     .ceiling = 1 << 20,
				     .secret = {"X-Secret", "of mine"}});
}

static void reads_are_redirected_within_one_place(void **state)
{
	struct world *w = *state;
	static const int codes[] = {301, 302, 303, 307, 308};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		char path[32];
		snprintf(w->location, sizeof(w->location), "/there");
		snprintf(path, sizeof(path), "/to/%d", codes[i]);
		get(w, path);
		assert_int_equal(w->err.kind, ERR_NONE);
		assert_int_equal(w->status, 200);
		assert_string_equal(str_text(&w->body), "with");
	}
	get(w, "/round");
	assert_non_null(strstr(w->err.text, "more than 3 times"));
	assert_int_equal(httpd_count(w->server, "GET /round"), 4);
}

static void another_place_gets_nothing(void **state)
{
	struct world *w = *state;
	snprintf(w->location, sizeof(w->location), "http://127.0.0.1:%d/take", httpd_port(w->other));
	get(w, "/to/302");
	assert_int_equal(w->err.kind, ERR_FAILED);
	assert_non_null(strstr(w->err.text, "another place"));
	snprintf(w->location, sizeof(w->location), "file:///etc/passwd");
	get(w, "/to/302");
	assert_int_equal(w->err.kind, ERR_FAILED);
	assert_int_equal(w->body.len, 0);
	assert_int_equal(httpd_count(w->other, ""), 0);
}

static void a_write_follows_none(void **state)
{
	struct world *w = *state;
	static const int codes[] = {301, 302, 303, 307, 308};
	snprintf(w->location, sizeof(w->location), "/there");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		char path[32];
		snprintf(path, sizeof(path), "/to/%d", codes[i]);
		fetch(w, &(struct http_wish){.method = "POST",
					     .url = url_of(w->server, "127.0.0.1", path),
					     .body = "{}",
					     .body_len = 2,
					     .is_write = true,
					     .ceiling = 1 << 20});
		assert_int_equal(w->err.kind, ERR_FAILED);
		assert_non_null(strstr(w->err.text, "a write follows no redirect"));
	}
	assert_int_equal(httpd_count(w->server, "POST /to/"), 5);
	assert_int_equal(httpd_count(w->server, "GET"), 0);
	assert_int_equal(httpd_count(w->server, "POST /there"), 0);
}

static bool shell(const char *script)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	char **env = child_env_new(NULL);
	struct child child;
	struct child_end end;
	bool is_good = child_start(&(struct child_start){.argv = argv, .env = (const char *const *)env},
				   &child, NULL) &&
		       child_wait_for(&child, 20000, &end) == CHILD_ENDED && end.status == 0;
	child_env_free(env);
	return is_good;
}

/* 0.0.0.0 is this machine too, but not loopback by its text: there replies may be compressed. */
static void a_bomb_stops_at_the_ceiling(void **state)
{
	struct world *w = *state;
	struct str s = {0};
	str_addf(&s, "%s/bomb.gz", w->dir);
	w->bomb = str_detach(&s);
	str_addf(&s, "head -c 67108864 /dev/zero | gzip -9 > '%s'", w->bomb);
	assert_true(shell(s.s));
	str_finish(&s);
	fetch(w, &(struct http_wish){
			 .method = "GET", .url = url_of(w->server, "0.0.0.0", "/bomb"), .ceiling = 1 << 20});
	assert_int_equal(w->err.kind, ERR_FAILED);
	assert_non_null(strstr(w->err.text, "larger than 1048576 bytes"));
	assert_true(w->body.len <= 1 << 20);
	fetch(w, &(struct http_wish){
			 .method = "GET", .url = url_of(w->server, "0.0.0.0", "/bomb"), .ceiling = 1 << 27});
	assert_int_equal(w->err.kind, ERR_NONE); /* it was decoded: the ceiling counted what matters */
	assert_int_equal(w->body.len, 67108864);
}

static void a_header_block_has_a_ceiling(void **state)
{
	struct world *w = *state;
	get(w, "/heads");
	assert_non_null(strstr(w->err.text, "64 KiB"));
}

static void values_with_control_bytes_are_not_sent(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = {"a\r\nX-Admin: 1", "a\nb", "a\rb", "\x1b[2J", "a\x7f"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct header header = {"X-Note", bad[i]};
		fetch(w, &(struct http_wish){.method = "GET",
					     .url = url_of(w->server, "127.0.0.1", "/"),
					     .headers = &header,
					     .n_headers = 1});
		assert_int_equal(w->err.kind, ERR_REFUSED);
		fetch(w, &(struct http_wish){.method = "GET",
					     .url = url_of(w->server, "127.0.0.1", "/"),
					     .secret = {"X-Secret", bad[i]}});
		assert_int_equal(w->err.kind, ERR_REFUSED);
	}
	assert_int_equal(httpd_count(w->server, ""), 0);
}

static void other_schemes_are_refused(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "",
					  "127.0.0.1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fetch(w, &(struct http_wish){.method = "GET", .url = bad[i], .head_ms = 500});
		assert_int_not_equal(w->err.kind, ERR_NONE);
		assert_int_equal(w->body.len, 0);
	}
}

static void this_machine_needs_no_proxy(void **state)
{
	struct world *w = *state;
	char proxy[64];
	struct str path = {0};
	str_addf(&path, "%s/api.sock", w->dir);
	struct httpd *local = httpd_start(path.s, answer, w);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", httpd_port(w->other));
	setenv("http_proxy", proxy, 1);
	setenv("all_proxy", proxy, 1);
	get(w, "/");
	assert_int_equal(w->status, 200);
	fetch(w, &(struct http_wish){.method = "GET", .url = url_of(w->server, "localhost", "/")});
	assert_int_equal(w->status, 200);
	fetch(w, &(struct http_wish){.method = "GET", .url = "http://localhost/x", .way.socket = path.s});
	assert_int_equal(w->status, 200);
	assert_int_equal(httpd_count(w->other, ""), 0);
	fetch(w, &(struct http_wish){.method = "GET", .url = url_of(w->server, "0.0.0.0", "/")});
	assert_int_equal(httpd_count(w->other, "GET http://0.0.0.0"),
			 1); /* so the proxy would have been seen */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	httpd_stop(local);
	str_finish(&path);
}

/* A stream whose screen is busy is held before its head came. The head is told all the same, and what follows it when the
 * stream goes on. */
static void a_held_stream_keeps_its_head(void **state)
{
	struct world *w = *state;
	struct http_wish wish = {.method = "GET", .url = url_of(w->server, "127.0.0.1", "/gated"), .is_stream = true};
	struct http *h = http_start(w->loop, &wish, &handler, w, &w->err);
	int64_t deadline = clock_mono_ms() + 20000;
	assert_non_null(h);
	while (atomic_load(&w->gate) == GATE_SHUT && clock_mono_ms() < deadline)
		loop_step(w->loop, 5);
	atomic_store(&w->gate, GATE_OPEN);
	await(w, GATE_ANSWERED);
	http_hold(h, true);
	for (int i = 0; i < 10; i++)
		loop_step(w->loop, 5);
	assert_int_equal(w->status, 200);
	assert_int_equal(w->n_headers, 2);
	assert_int_equal(w->body.len, 0);
	http_hold(h, false);
	while (w->body.len < 5 && clock_mono_ms() < deadline)
		loop_step(w->loop, 5);
	assert_string_equal(str_text(&w->body), "bytes");
	http_cancel(h);
	loop_step(w->loop, 0);
}

static void silence_has_an_end(void **state)
{
	struct world *w = *state;
	int64_t began = clock_mono_ms();
	fetch(w, &(struct http_wish){
			 .method = "GET", .url = url_of(w->server, "127.0.0.1", "/silent"), .head_ms = 200});
	assert_int_equal(w->err.kind, ERR_UNREACHABLE);
	assert_non_null(strstr(w->err.text, "does not answer"));
	assert_true(clock_mono_ms() - began < 5000);
	fetch(w, &(struct http_wish){.method = "POST",
				     .url = url_of(w->server, "127.0.0.1", "/silent"),
				     .head_ms = 200,
				     .is_write = true});
	assert_int_equal(w->err.kind, ERR_UNKNOWN);
}

/* --- TLS --- */

struct tls {
	struct child child;
	int port;
};

/* An authority of our own, and servers' certificates that are right but for one thing. */
static bool make_certificates(const char *dir)
{
	static const char script[] =
		"cd '%s' && exec 2>/dev/null && "
		"key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' && "
		"openssl req -x509 $key -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority && "
		"printf 'subjectAltName=IP:127.0.0.1\\n' > here && printf "
		"'subjectAltName=DNS:other.example\\n' > elsewhere && "
		"make() { openssl req -new $key -keyout $1.key -out $1.csr -subj /CN=server && "
		"openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem -extfile "
		"$2 -days $3; } && "
		"make good here 2 && make wrong elsewhere 2 && make expired here -1 && "
		"openssl req -x509 $key -keyout self.key -out self.pem -days 2 -subj /CN=self -addext "
		"subjectAltName=IP:127.0.0.1";
	struct str s = {0};
	str_addf(&s, script, dir);
	bool is_good = shell(s.s);
	str_finish(&s);
	return is_good;
}

static struct tls serve(const struct world *w, const char *name, const char *option)
{
	char cert[512], key[512], line[256];
	int ends[2];
	snprintf(cert, sizeof(cert), "%s/%s.pem", w->dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", w->dir, name);
	const char *argv[] = {"openssl",
			      "s_server",
			      "-accept",
			      "127.0.0.1:0",
			      "-www",
			      "-cert",
			      cert,
			      "-key",
			      key,
			      option,
			      option ? "-cipher" : NULL,
			      "DEFAULT@SECLEVEL=0",
			      NULL};
	char **env = child_env_new(NULL);
	struct tls t = {.child.pidfd = -1};
	assert_int_equal(pipe(ends), 0);
	assert_true(child_start(
		&(struct child_start){.argv = argv, .env = (const char *const *)env, .out = ends[1]},
		&t.child, NULL));
	child_env_free(env);
	close(ends[1]);
	FILE *out = fdopen(ends[0], "r");
	while (!t.port && fgets(line, sizeof(line), out))
		sscanf(line, "ACCEPT 127.0.0.1:%d", &t.port);
	fclose(out);
	assert_true(t.port > 0);
	return t;
}

static void end(struct tls *t)
{
	struct child_end how;
	child_signal_session(&t->child, SIGKILL);
	child_wait_for(&t->child, 5000, &how);
}

static void tls_fetch(struct world *w, int port, bool is_write)
{
	char url[64], ca[512];
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	snprintf(ca, sizeof(ca), "%s/ca.pem", w->dir);
	fetch(w, &(struct http_wish){.method = is_write ? "POST" : "GET",
				     .url = url,
				     .way.ca_file = ca,
				     .is_write = is_write,
				     .head_ms = 5000,
				     .secret = {"Authorization", "Bearer of-a-secret"}});
}

/* Reads the greeting and hangs up. */
static int cutting_server(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void cut_in_the_handshake(struct world *w)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	char url[64];
	int listener = cutting_server();
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(in.sin_port));
	w->is_done = false;
	assert_non_null(http_start(w->loop, &(struct http_wish){.method = "GET", .url = url, .head_ms = 5000},
				   &handler, w, &w->err));
	int64_t deadline = clock_mono_ms() + 10000;
	int peer = -1;
	while (!w->is_done && clock_mono_ms() < deadline) {
		char bytes[512];
		loop_step(w->loop, 20);
		if (peer < 0)
			peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (peer >= 0 && recv(peer, bytes, sizeof(bytes), 0) > 0)
			shutdown(peer, SHUT_RDWR);
	}
	close(peer);
	close(listener);
	assert_true(w->is_done);
	assert_int_equal(w->err.kind, ERR_UNREACHABLE);
	assert_non_null(strstr(w->err.text, "SSL"));
}

static void bad_tls_is_refused_by_name(void **state)
{
	static const struct {
		const char *name, *option, *words;
	} rows[] = {
		{"expired", NULL, "expired"},
		{"wrong", NULL, "no alternative certificate subject name matches"},
		{"self", NULL, "self-signed"},
		{"good", "-tls1_1", "protocol"},
	};
	struct world *w = *state;
	if (!make_certificates(w->dir)) {
		print_message("# SKIP bad_tls_is_refused_by_name: openssl cannot make certificates here\n");
		skip();
	}
	struct tls good = serve(w, "good", NULL);
	tls_fetch(w, good.port, false);
	assert_string_equal(w->err.text, "");
	assert_int_equal(w->status, 200);
	end(&good);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls t = serve(w, rows[i].name, rows[i].option);
		for (int is_write = 0; is_write < 2; is_write++) {
			tls_fetch(w, t.port, is_write);
			assert_int_equal(w->err.kind, ERR_UNREACHABLE); /* a write too: it never left */
			assert_int_equal(w->status, 0);
			if (!strstr(w->err.text, rows[i].words))
				fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].name, w->err.text,
					 rows[i].words);
		}
		end(&t);
	}
	cut_in_the_handshake(w);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reads_are_redirected_within_one_place),
		CASE(another_place_gets_nothing),
		CASE(a_write_follows_none),
		CASE(a_bomb_stops_at_the_ceiling),
		CASE(a_header_block_has_a_ceiling),
		CASE(values_with_control_bytes_are_not_sent),
		CASE(other_schemes_are_refused),
		CASE(this_machine_needs_no_proxy),
		CASE(silence_has_an_end),
		CASE(a_held_stream_keeps_its_head),
		CASE(bad_tls_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
