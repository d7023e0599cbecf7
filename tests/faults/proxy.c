/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP proxy that spoils connections on demand; what it carries, TLS too, it does not look into.
 *   proxy LISTEN TARGET CONTROL      IPv4 ADDRESS:PORT each (LISTEN's port 0: any), and the path of a Unix
 *                                    socket; prints "listening on PORT", runs until SIGTERM
 *   proxy CONTROL COMMAND WORD…      tells a running one; prints its answer; status 1 when that is no
 * Commands; a direction is named after who sends, and times not given means each connection:
 *   delay MS               what arrives goes on MS later
 *   slow BYTES             a second, in each direction of each connection; 0: as fast as it goes
 *   cut client|server N [TIMES]     closes the connection after N bytes of that direction
 *   reset client|server N [TIMES]   the same by RST
 *   half client|server N [TIMES]    ends that direction after N bytes, the other one goes on
 *   stall                  accepts, carries nothing, answers nothing
 *   refuse                 does not even accept; what is open stays
 *   drop                   resets all that is open
 *   instead OLD NEW        of the same length: what a client sends of one goes on as the other, where it is plain
 *   target ADDRESS:PORT    of connections from now on
 *   clear                  ends all of this but target
 *   count                  connections so far and open, bytes of client and server carried so far, and HTTP
 *                          requests seen in what is plain
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define CHUNK 16384
#define QUEUED_MAX (4u << 20) /* of one direction; more is left where it is, as a full network does */
#define LINKS_MAX 500
#define SLICE_MS 20 /* slow bytes go out in slices of this */
#define ANSWER_MAX 256

enum side { CLIENT, SERVER };
enum fault { FAULT_NONE, FAULT_CUT, FAULT_RESET, FAULT_HALF };
static const char *const side_names[] = {"client", "server"};
static const char *const fault_names[] = {"none", "cut", "reset", "half"};

struct chunk {
	struct chunk *next;
	int64_t due;
	size_t at, len;
	char bytes[];
};

struct way { /* one direction of a link */
	int in, out;
	struct chunk *first, *last;
	size_t queued;
	uint64_t passed;
	int64_t rests_until;            /* slow */
	bool is_at_end, is_shut, is_hit; /* in told its end; out was told; a fault came already */
	unsigned matched;               /* of " HTTP/1." */
};

struct link {
	struct link *next;
	struct way way[2]; /* by who sends */
};

struct rule {
	enum fault fault;
	uint64_t after;
	long long times; /* left; -1: without end */
};

struct proxy {
	int listener, control;
	struct sockaddr_in listens, target;
	struct link *links;
	unsigned n_links;
	struct rule rules[2];
	long long delay_ms, slow;
	char old[ANSWER_MAX], new[ANSWER_MAX]; /* instead */
	bool is_stalled, is_refusing;
	uint64_t connections, bytes[2], requests;
	struct pollfd polls[2 + LINKS_MAX * 4];
};

static volatile sig_atomic_t is_ending;

static void on_signal(int number)
{
	(void)number;
	is_ending = 1;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(2);
}

/* "ADDRESS:PORT", IPv4 */
static bool read_address(const char *text, struct sockaddr_in *out)
{
	char host[INET_ADDRSTRLEN];
	long long port;
	const char *colon = strrchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof(host) || !str_to_int(colon + 1, 0, 65535, &port))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static void proxy_listen(struct proxy *p)
{
	int on = 1;
	socklen_t size = sizeof(p->listens);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listener < 0 || setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(p->listener, (struct sockaddr *)&p->listens, size) || listen(p->listener, 128) ||
	    getsockname(p->listener, (struct sockaddr *)&p->listens, &size))
		die("listen");
}

static bool control_address(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	return str_copy(out->sun_path, sizeof(out->sun_path), path);
}

static void control_listen(struct proxy *p, const char *path)
{
	struct sockaddr_un address;
	p->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->control < 0 || !control_address(path, &address))
		die(path);
	unlink(path);
	if (bind(p->control, (struct sockaddr *)&address, sizeof(address)) || listen(p->control, 8))
		die(path);
}

/* ---- links ---- */

static void link_new(struct proxy *p, int client)
{
	int on = 1;
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server < 0)
		die("socket");
	/* The target is on this machine: this does not wait. */
	if (p->n_links == LINKS_MAX || connect(server, (struct sockaddr *)&p->target, sizeof(p->target))) {
		struct linger now = {.l_onoff = 1};
		setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(server);
		close(client);
		return;
	}
	fcntl(server, F_SETFL, O_NONBLOCK);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct link *l = mem_alloc(sizeof(*l));
	l->way[CLIENT] = (struct way){.in = client, .out = server};
	l->way[SERVER] = (struct way){.in = server, .out = client};
	l->next = p->links;
	p->links = l;
	p->n_links++;
}

/* Ends a link; by RST when is_reset, else by what close(2) does. */
static void link_close(struct link *l, bool is_reset)
{
	struct linger now = {.l_onoff = 1};
	for (int side = 0; side < 2; side++) {
		struct way *w = &l->way[side];
		if (w->in < 0)
			continue;
		if (is_reset)
			setsockopt(w->in, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(w->in);
		w->in = w->out = -1;
		for (struct chunk *c; (c = w->first);) {
			w->first = c->next;
			free(c);
		}
	}
}

static bool link_is_over(const struct link *l)
{
	return l->way[CLIENT].in < 0 || (l->way[CLIENT].is_shut && l->way[SERVER].is_shut);
}

static void links_sweep(struct proxy *p)
{
	for (struct link **at = &p->links; *at;) {
		struct link *l = *at;
		if (!link_is_over(l)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		link_close(l, false);
		free(l);
		p->n_links--;
	}
}

static void count_requests(struct proxy *p, struct way *w, const char *bytes, size_t len)
{
	static const char mark[] = " HTTP/1.";
	for (size_t i = 0; i < len; i++) {
		w->matched = bytes[i] == mark[w->matched] ? w->matched + 1 : bytes[i] == ' ';
		if (w->matched == sizeof(mark) - 1) {
			p->requests++;
			w->matched = 0;
		}
	}
}

static void put_instead(const struct proxy *p, char *bytes, size_t len)
{
	size_t n = strlen(p->old);
	for (char *at = bytes; n && (at = memmem(at, len - (size_t)(at - bytes), p->old, n)); at += n)
		memcpy(at, p->new, n);
}

static void way_read(struct proxy *p, struct link *l, enum side side, int64_t now)
{
	struct way *w = &l->way[side];
	char bytes[CHUNK];
	ssize_t n = read(w->in, bytes, sizeof(bytes));
	if (n == 0)
		w->is_at_end = true;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		link_close(l, true);
	if (n <= 0)
		return;
	if (side == CLIENT) {
		count_requests(p, w, bytes, (size_t)n);
		put_instead(p, bytes, (size_t)n);
	}
	struct chunk *c = mem_alloc(sizeof(*c) + (size_t)n);
	memcpy(c->bytes, bytes, (size_t)n);
	c->len = (size_t)n;
	c->due = now + p->delay_ms;
	*(w->first ? &w->last->next : &w->first) = c;
	w->last = c;
	w->queued += (size_t)n;
}

static void way_hit(struct link *l, struct way *w, struct rule *rule)
{
	w->is_hit = true;
	if (rule->times > 0)
		rule->times--;
	if (rule->fault != FAULT_HALF) {
		link_close(l, rule->fault == FAULT_RESET);
		return;
	}
	shutdown(w->out, SHUT_WR);
	w->is_shut = true;
}

static bool rule_holds(const struct rule *rule, const struct way *w)
{
	return rule->fault != FAULT_NONE && rule->times != 0 && !w->is_hit;
}

/* Sends what is due of the first chunk, and not more than a fault or the speed allows. */
static void way_write(struct proxy *p, struct link *l, enum side side, int64_t now)
{
	struct way *w = &l->way[side];
	struct rule *rule = &p->rules[side];
	struct chunk *c = w->first;
	size_t len = c->len - c->at, slice = (size_t)(p->slow * SLICE_MS / 1000);
	if (p->slow && len > (slice ? slice : 1))
		len = slice ? slice : 1;
	if (rule_holds(rule, w) && w->passed + len > rule->after)
		len = rule->after > w->passed ? (size_t)(rule->after - w->passed) : 0;
	ssize_t n = len ? send(w->out, c->bytes + c->at, len, MSG_NOSIGNAL) : 0;
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			link_close(l, true);
		return;
	}
	w->passed += (uint64_t)n;
	p->bytes[side] += (uint64_t)n;
	w->queued -= (size_t)n;
	c->at += (size_t)n;
	if (p->slow)
		w->rests_until = now + (n * 1000 + p->slow - 1) / p->slow;
	if (c->at == c->len) {
		w->first = c->next;
		free(c);
	}
	if (rule_holds(rule, w) && w->passed >= rule->after)
		way_hit(l, w, rule);
}

/* ---- control ---- */

static void proxy_drop(struct proxy *p)
{
	for (struct link *l = p->links; l; l = l->next)
		link_close(l, true);
}

static void proxy_clear(struct proxy *p)
{
	p->delay_ms = p->slow = 0;
	p->old[0] = '\0';
	p->is_stalled = false;
	memset(p->rules, 0, sizeof(p->rules));
	if (p->is_refusing)
		proxy_listen(p);
	p->is_refusing = false;
}

static void proxy_refuse(struct proxy *p)
{
	if (!p->is_refusing)
		close(p->listener);
	p->listener = -1;
	p->is_refusing = true;
}

static int find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return i;
	return -1;
}

static bool set_rule(struct proxy *p, int fault, const char *const *words)
{
	int side = find_name(side_names, 2, words[1]);
	long long after, times = -1;
	if (side < 0 || !words[2] || !str_to_int(words[2], 0, INT64_MAX, &after) ||
	    (words[3] && !str_to_int(words[3], 1, 1 << 20, &times)))
		return false;
	p->rules[side] = (struct rule){(enum fault)fault, (uint64_t)after, times};
	return true;
}

static bool set_instead(struct proxy *p, const char *old, const char *new)
{
	return old && new && strlen(old) == strlen(new) && str_copy(p->old, sizeof(p->old), old) &&
	       str_copy(p->new, sizeof(p->new), new);
}

static bool command(struct proxy *p, const char *const *words, char answer[ANSWER_MAX])
{
	const char *name = words[0] ? words[0] : "";
	int fault = find_name(fault_names, 4, name);
	str_copy(answer, ANSWER_MAX, "ok");
	if (fault > 0)
		return set_rule(p, fault, words);
	if (str_eq(name, "delay"))
		return words[1] && str_to_int(words[1], 0, 600000, &p->delay_ms);
	if (str_eq(name, "slow"))
		return words[1] && str_to_int(words[1], 0, 1 << 30, &p->slow);
	if (str_eq(name, "instead"))
		return set_instead(p, words[1], words[2]);
	if (str_eq(name, "target"))
		return words[1] && read_address(words[1], &p->target);
	if (str_eq(name, "stall"))
		p->is_stalled = true;
	else if (str_eq(name, "refuse"))
		proxy_refuse(p);
	else if (str_eq(name, "drop"))
		proxy_drop(p);
	else if (str_eq(name, "clear"))
		proxy_clear(p);
	else if (str_eq(name, "count"))
		snprintf(answer, ANSWER_MAX, "connections %llu open %u client %llu server %llu requests %llu",
			 (unsigned long long)p->connections, p->n_links,
			 (unsigned long long)p->bytes[CLIENT], (unsigned long long)p->bytes[SERVER],
			 (unsigned long long)p->requests);
	else
		return false;
	return true;
}

static void control_answer(struct proxy *p)
{
	struct timeval limit = {.tv_sec = 1};
	char line[ANSWER_MAX] = "", answer[ANSWER_MAX], *rest = NULL;
	const char *words[6] = {NULL};
	int fd = accept4(p->control, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (recv(fd, line, sizeof(line) - 1, 0) > 0) {
		char *word = strtok_r(line, " \n", &rest);
		for (int i = 0; word && i < 5; word = strtok_r(NULL, " \n", &rest))
			words[i++] = word;
		if (!command(p, words, answer))
			str_copy(answer, sizeof(answer), "error: no such command");
		(void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
	close(fd);
}

static int tell(const char *path, int n, char **words)
{
	struct sockaddr_un address;
	struct str line = {0};
	char answer[ANSWER_MAX];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !control_address(path, &address) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die(path);
	for (int i = 0; i < n; i++)
		str_addf(&line, "%s%s", i ? " " : "", words[i]);
	if (send(fd, str_text(&line), line.len, MSG_NOSIGNAL) < 0)
		die(path);
	str_finish(&line);
	ssize_t len = recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL);
	if (len < 0)
		die(path);
	answer[len] = '\0';
	puts(answer);
	return len == 0 || str_starts(answer, "error");
}

/* ---- the loop ---- */

/* What to wait for in this direction; lowers *wait to the time until something is due. */
static void way_poll(const struct proxy *p, const struct way *w, int64_t now, struct pollfd polls[2], int *wait)
{
	polls[0] = polls[1] = (struct pollfd){.fd = -1};
	if (p->is_stalled || w->is_shut)
		return;
	if (!w->is_at_end && w->queued < QUEUED_MAX)
		polls[0] = (struct pollfd){.fd = w->in, .events = POLLIN};
	if (!w->first)
		return;
	int64_t at = w->first->due > w->rests_until ? w->first->due : w->rests_until;
	if (at <= now)
		polls[1] = (struct pollfd){.fd = w->out, .events = POLLOUT};
	else if (*wait < 0 || at - now < *wait)
		*wait = (int)(at - now);
}

static void way_go_on(struct proxy *p, struct link *l, enum side side, const struct pollfd polls[2], int64_t now)
{
	struct way *w = &l->way[side];
	if (polls[0].revents && w->in >= 0)
		way_read(p, l, side, now);
	if (polls[1].revents && w->in >= 0)
		way_write(p, l, side, now);
	if (w->in >= 0 && w->is_at_end && !w->first && !w->is_shut) {
		shutdown(w->out, SHUT_WR);
		w->is_shut = true;
	}
}

static void proxy_step(struct proxy *p)
{
	int64_t now = clock_mono_ms();
	int wait = -1;
	nfds_t n = 2;
	p->polls[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
	p->polls[1] = (struct pollfd){.fd = p->control, .events = POLLIN};
	for (struct link *l = p->links; l; l = l->next)
		for (int side = 0; side < 2; side++, n += 2)
			way_poll(p, &l->way[side], now, p->polls + n, &wait);
	if (poll(p->polls, n, wait) < 0)
		return;
	now = clock_mono_ms();
	n = 2;
	for (struct link *l = p->links; l; l = l->next)
		for (int side = 0; side < 2; side++, n += 2)
			way_go_on(p, l, (enum side)side, p->polls + n, now);
	if (p->polls[1].revents)
		control_answer(p);
	int client = p->polls[0].revents && p->listener >= 0
		? accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
	if (client >= 0) {
		p->connections++;
		link_new(p, client);
	}
	links_sweep(p);
}

int main(int argc, char **argv)
{
	static struct proxy p;
	struct sigaction end = {.sa_handler = on_signal};
	if (argc >= 3 && argv[1][0] == '/')
		return tell(argv[1], argc - 2, argv + 2);
	if (argc != 4 || !read_address(argv[1], &p.listens) || !read_address(argv[2], &p.target)) {
		fputs("usage: proxy ADDRESS:PORT ADDRESS:PORT CONTROL | proxy /CONTROL COMMAND…\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	proxy_listen(&p);
	control_listen(&p, argv[3]);
	printf("listening on %d\n", ntohs(p.listens.sin_port));
	fflush(stdout);
	while (!is_ending)
		proxy_step(&p);
	unlink(argv[3]);
	proxy_drop(&p);
	links_sweep(&p);
	return 0;
}
