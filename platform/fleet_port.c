/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/fleet_part.h"
#include "platform/state.h"

/* Below 32768, where Linux begins to give ports to whoever asks for any (ip_local_port_range, ip(7)). */
#define PORT_FIRST 20000
#define PORT_LAST 29999

/* Whether nobody listens there now: tried, not guessed. */
static bool is_free(int64_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons((uint16_t)port),
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	if (fd < 0)
		return false;
	/* As servers do: a port in TIME_WAIT is free. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	bool ok = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0;
	close(fd);
	return ok;
}

static bool take(struct fleet *fleet, const char *holder, int64_t port, struct err *err)
{
	struct own_port record;
	record_init(own_class(OWN_PORT), &record);
	record.port = port;
	record.holder = holder;
	return state_put(fleet->daemon->state, own_class(OWN_PORT), &record, err);
}

bool fleet_take_port(struct fleet *fleet, const char *holder, int64_t wish, int64_t *port, struct err *err)
{
	const struct state *state = fleet->daemon->state;
	if (wish > 0) { /* said in so many words: another one would be a surprise */
		const struct own_port *held = state_getf(state, own_class(OWN_PORT), "%lld", (long long)wish);
		if (held)
			return err_set(err, ERR_FAILED, "port %lld is taken by %s: choose another port: in service.yaml",
			               (long long)wish, held->holder);
		if (!is_free(wish))
			return err_set(err, ERR_FAILED,
			               "port %lld is taken by another program: end that, or choose another port: in service.yaml",
			               (long long)wish);
		*port = wish;
		return take(fleet, holder, wish, err);
	}
	/* A platform begins where its name points to, so that several of them seldom meet. */
	const char *name = fleet->daemon->place->root;
	unsigned start = 0;
	for (const char *c = name; *c; c++)
		start = start * 31 + (unsigned char)*c;
	int64_t range = PORT_LAST - PORT_FIRST + 1;
	for (int64_t i = 0; i < range; i++) {
		int64_t candidate = PORT_FIRST + ((int64_t)(start % 100) * 100 + i) % range;
		if (state_getf(state, own_class(OWN_PORT), "%lld", (long long)candidate) || !is_free(candidate))
			continue;
		*port = candidate;
		return take(fleet, holder, candidate, err);
	}
	return err_set(err, ERR_FAILED, "no port between %d and %d is free", PORT_FIRST, PORT_LAST);
}

bool fleet_free_port(struct fleet *fleet, int64_t port, struct err *err)
{
	char key[24];
	snprintf(key, sizeof(key), "%lld", (long long)port);
	return state_delete(fleet->daemon->state, own_class(OWN_PORT), key, err);
}
