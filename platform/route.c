/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/route.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

struct route *route_table_add(struct route_table *table, const char *placement, uint16_t port)
{
	table->routes = mem_grow(table->routes, table->count + 1, sizeof(*table->routes));
	struct route *route = &table->routes[table->count++];
	*route = (struct route){.port = port};
	str_copy(route->placement, sizeof(route->placement), placement);
	return route;
}

void route_add_backend(struct route *route, uint16_t port)
{
	if (route->backend_count < ROUTE_BACKENDS_MAX)
		route->backends[route->backend_count++] = port;
}

bool route_has_backend(const struct route *route, uint16_t port)
{
	for (size_t i = 0; i < route->backend_count; i++)
		if (route->backends[i] == port)
			return true;
	return false;
}

const struct route *route_table_find(const struct route_table *table, uint16_t port)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->routes[i].port == port)
			return &table->routes[i];
	return NULL;
}

void route_table_finish(struct route_table *table)
{
	free(table->routes);
	*table = (struct route_table){0};
}

void route_table_render(const struct route_table *table, struct str *out)
{
	str_addf(out, "generation %llu\n", (unsigned long long)table->generation);
	for (size_t i = 0; i < table->count; i++) {
		const struct route *r = &table->routes[i];
		str_addf(out, "%s %u ", r->placement, r->port);
		for (size_t k = 0; k < r->backend_count; k++)
			str_addf(out, "%s%u", k ? "," : "", r->backends[k]);
		str_add(out, r->backend_count ? "\n" : "-\n");
	}
}

/* Cuts the next line off *at into line[]; false at the end of the text. A longer line is cut: it then
 * fails to read. */
static bool line_next(const char **at, char *line, size_t size)
{
	if (!**at)
		return false;
	size_t n = strcspn(*at, "\n");
	size_t kept = n < size ? n : size - 1;
	memcpy(line, *at, kept);
	line[kept] = '\0';
	*at += n + ((*at)[n] == '\n');
	return true;
}

static bool port_read(const char *text, uint16_t *port)
{
	long long n;
	if (!str_to_int(text, 1, 65535, &n))
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool generation_read(const char *line, uint64_t *generation)
{
	long long n;
	if (!str_starts(line, "generation ") || !str_to_int(line + 11, 0, LLONG_MAX, &n))
		return false;
	*generation = (uint64_t)n;
	return true;
}

static bool backends_read(char *text, struct route *route)
{
	if (str_eq(text, "-"))
		return true;
	for (char *next; text; text = next) {
		uint16_t port;
		next = strchr(text, ',');
		if (next)
			*next++ = '\0';
		if (!port_read(text, &port) || route->backend_count == ROUTE_BACKENDS_MAX)
			return false;
		route_add_backend(route, port);
	}
	return true;
}

static bool route_read(char *line, struct route_table *table)
{
	uint16_t port;
	char *second = strchr(line, ' '), *third = second ? strchr(second + 1, ' ') : NULL;
	if (!third || second == line || second - line >= ROUTE_NAME)
		return false;
	*second++ = '\0';
	*third++ = '\0';
	if (!port_read(second, &port) || route_table_find(table, port))
		return false;
	return backends_read(third, route_table_add(table, line, port));
}

bool route_table_parse(const char *text, struct route_table *table, struct err *err)
{
	char line[ROUTE_NAME + ROUTE_BACKENDS_MAX * 6 + 16];
	const char *at = text;
	*table = (struct route_table){0};
	for (int number = 1; line_next(&at, line, sizeof(line)); number++) {
		if (number == 1 ? generation_read(line, &table->generation) : route_read(line, table))
			continue;
		route_table_finish(table);
		return err_set(err, ERR_USAGE, "%s:%d: this is not a line of a routing table", ROUTE_FILE,
			       number);
	}
	if (at == text)
		return err_set(err, ERR_USAGE, "%s: the routing table is empty", ROUTE_FILE);
	return true;
}

static bool file_read(const char *dir, const char *name, struct str *out, struct err *err)
{
	char path[PATH_MAX], bytes[8192];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, errno, "%s", path);
	for (;;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		int number = errno;
		if (n > 0 && out->len + (size_t)n <= ROUTE_FILE_MAX) {
			str_addn(out, bytes, (size_t)n);
			continue;
		}
		close(fd);
		if (n > 0)
			return err_set(err, ERR_USAGE, "%s: larger than %d bytes", path, ROUTE_FILE_MAX);
		return n == 0 || err_errno(err, ERR_FAILED, number, "%s", path);
	}
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool file_replace(const char *dir, const char *name, const struct str *text, struct err *err)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(fresh, sizeof(fresh), "%s/.%s.%ld", dir, name, (long)getpid());
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, ERR_FAILED, errno, "cannot write %s", fresh);
	bool is_written = write_all(fd, text->s, text->len);
	int number = errno;
	if (close(fd) && is_written)
		is_written = false, number = errno;
	if (is_written && !rename(fresh, path))
		return true;
	if (is_written)
		number = errno;
	unlink(fresh);
	return err_errno(err, ERR_FAILED, number, "cannot write %s", path);
}

bool route_table_read(const char *dir, struct route_table *table, struct err *err)
{
	struct str text = {0};
	*table = (struct route_table){0};
	bool is_read =
		file_read(dir, ROUTE_FILE, &text, err) && route_table_parse(str_text(&text), table, err);
	str_finish(&text);
	return is_read;
}

bool route_table_write(const char *dir, const struct route_table *table, struct err *err)
{
	struct str text = {0};
	route_table_render(table, &text);
	bool is_written = file_replace(dir, ROUTE_FILE, &text, err);
	str_finish(&text);
	return is_written;
}

static void entry_add(struct route_ack_entry **list, size_t *count, uint16_t port, unsigned number)
{
	*list = mem_grow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = (struct route_ack_entry){port, number};
}

void route_ack_add_failed(struct route_ack *ack, uint16_t port, unsigned number)
{
	entry_add(&ack->failed, &ack->failed_count, port, number);
}

void route_ack_add_draining(struct route_ack *ack, uint16_t port, unsigned in_flight)
{
	entry_add(&ack->draining, &ack->draining_count, port, in_flight);
}

static unsigned entry_find(const struct route_ack_entry *list, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].port == port)
			return list[i].number;
	return 0;
}

unsigned route_ack_in_flight(const struct route_ack *ack, uint16_t port)
{
	return entry_find(ack->draining, ack->draining_count, port);
}

unsigned route_ack_failure(const struct route_ack *ack, uint16_t port)
{
	return entry_find(ack->failed, ack->failed_count, port);
}

void route_ack_finish(struct route_ack *ack)
{
	free(ack->failed);
	free(ack->draining);
	*ack = (struct route_ack){0};
}

void route_ack_render(const struct route_ack *ack, struct str *out)
{
	str_addf(out, "generation %llu\n", (unsigned long long)ack->generation);
	for (size_t i = 0; i < ack->failed_count; i++)
		str_addf(out, "failed %u %u\n", ack->failed[i].port, ack->failed[i].number);
	for (size_t i = 0; i < ack->draining_count; i++)
		str_addf(out, "drain %u %u\n", ack->draining[i].port, ack->draining[i].number);
	if (*ack->error)
		str_addf(out, "error %s\n", ack->error);
}

static bool entry_read(char *text, struct route_ack_entry *entry)
{
	long long n;
	char *space = strchr(text, ' ');
	if (!space)
		return false;
	*space = '\0';
	if (!port_read(text, &entry->port) || !str_to_int(space + 1, 0, INT_MAX, &n))
		return false;
	entry->number = (unsigned)n;
	return true;
}

static bool ack_line_read(char *line, struct route_ack *ack)
{
	struct route_ack_entry e;
	if (str_starts(line, "failed ") && entry_read(line + 7, &e))
		route_ack_add_failed(ack, e.port, e.number);
	else if (str_starts(line, "drain ") && entry_read(line + 6, &e))
		route_ack_add_draining(ack, e.port, e.number);
	else if (str_starts(line, "error "))
		str_copy(ack->error, sizeof(ack->error), line + 6);
	else
		return false;
	return true;
}

bool route_ack_parse(const char *text, struct route_ack *ack, struct err *err)
{
	char line[256];
	const char *at = text;
	*ack = (struct route_ack){0};
	for (int number = 1; line_next(&at, line, sizeof(line)); number++) {
		if (number == 1 ? generation_read(line, &ack->generation) : ack_line_read(line, ack))
			continue;
		route_ack_finish(ack);
		return err_set(err, ERR_USAGE, "%s:%d: this is not the relay's answer", ROUTE_ACK_FILE,
			       number);
	}
	if (at == text)
		return err_set(err, ERR_USAGE, "%s: the relay's answer is empty", ROUTE_ACK_FILE);
	return true;
}

bool route_ack_read(const char *dir, struct route_ack *ack, struct err *err)
{
	struct str text = {0};
	*ack = (struct route_ack){0};
	bool is_read =
		file_read(dir, ROUTE_ACK_FILE, &text, err) && route_ack_parse(str_text(&text), ack, err);
	str_finish(&text);
	return is_read;
}

bool route_ack_write(const char *dir, const struct route_ack *ack, struct err *err)
{
	struct str text = {0};
	route_ack_render(ack, &text);
	bool is_written = file_replace(dir, ROUTE_ACK_FILE, &text, err);
	str_finish(&text);
	return is_written;
}
