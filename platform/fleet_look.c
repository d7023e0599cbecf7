/* SPDX-License-Identifier: Apache-2.0 */
/* What others ask about units: how many, how they are, where they listen. */
#include <stdio.h>

#include "base/str.h"
#include "platform/fleet_part.h"

void fleet_count(const struct fleet *fleet, const char *service, const char *environment, int64_t release,
                 struct fleet_count *count)
{
	*count = (struct fleet_count){0};
	for (const struct unit *u = fleet->units; u; u = u->next) {
		if (!unit_is_of(u, service, environment, release))
			continue;
		count->wanted += u->is_wanted;
		count->alive += u->is_running;
		count->ready += u->is_wanted && u->is_ready;
		bool is_failing = u->is_wanted && (u->is_crash_loop || (u->is_known && !u->is_healthy) ||
		                                   (!u->is_running && u->exit[0]));
		if (is_failing && !count->failing++)
			snprintf(count->reason, sizeof(count->reason), "%.60s: %.120s", u->id,
			         u->reason[0] ? u->reason : u->exit);
	}
}

bool fleet_has_crash_loop(const struct fleet *fleet, const char *service, const char *environment, int64_t release)
{
	for (const struct unit *u = fleet->units; u; u = u->next)
		if (u->is_wanted && u->is_crash_loop && unit_is_of(u, service, environment, release))
			return true;
	return false;
}

static size_t ports_of(const struct fleet *fleet, const char *service, const char *environment, int64_t release,
                       bool only_ready, uint16_t *ports, size_t room)
{
	size_t n = 0;
	for (const struct unit *u = fleet->units; u; u = u->next) {
		if (!u->port || !unit_is_of(u, service, environment, release))
			continue;
		if (only_ready && !(u->is_wanted && u->is_ready))
			continue;
		if (n < room)
			ports[n] = (uint16_t)u->port;
		n++;
	}
	return n;
}

size_t fleet_backends(const struct fleet *fleet, const char *service, const char *environment, int64_t release,
                      uint16_t *ports, size_t room)
{
	return ports_of(fleet, service, environment, release, true, ports, room);
}

size_t fleet_ports(const struct fleet *fleet, const char *service, const char *environment, int64_t release,
                   uint16_t *ports, size_t room)
{
	return ports_of(fleet, service, environment, release, false, ports, room);
}

bool fleet_is_idle(const struct fleet *fleet)
{
	return !fleet->units;
}

void fleet_url(const struct fleet *fleet, const char *service, const char *environment, char *out, size_t size)
{
	const struct own_target *t = fleet_target(fleet, service, environment);
	out[0] = '\0';
	if (t && t->port > 0)
		snprintf(out, size, "http://127.0.0.1:%lld", (long long)t->port);
}
