/* SPDX-License-Identifier: Apache-2.0 */
#include "views/reload.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB)
#define PLACES 2 /* the file, and the one it is a link to */

struct reload {
	struct config **all; /* the newest last: what is under way may still use an older one */
	size_t n;
	char *file; /* as it was named; NULL */
	int fd;
	struct {
		int watch;
		char *name;
	} places[PLACES];
};

static void watch(struct reload *r, size_t i, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash || r->fd < 0)
		return;
	char *folder = slash == path ? mem_dup("/") : mem_dup_n(path, (size_t)(slash - path));
	r->places[i].watch = inotify_add_watch(r->fd, folder, EVENTS | IN_ONLYDIR);
	r->places[i].name = mem_dup(slash + 1);
	free(folder);
}

struct reload *reload_new(struct config *config, const char *file)
{
	struct reload *r = mem_alloc(sizeof(*r));
	char real[PATH_MAX];
	r->file = mem_dup(file);
	r->all = mem_grow(NULL, 1, sizeof(struct config *));
	r->all[r->n++] = config;
	r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch(r, 0, config->file);
	if (realpath(config->file, real) && !str_eq(real, config->file))
		watch(r, 1, real);
	return r;
}

void reload_free(struct reload *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		config_free(r->all[i]);
	for (size_t i = 0; i < PLACES; i++)
		free(r->places[i].name);
	if (r->fd >= 0)
		close(r->fd);
	free(r->all);
	free(r->file);
	free(r);
}

const struct config *reload_config(const struct reload *r)
{
	return r->all[r->n - 1];
}

int reload_fd(const struct reload *r)
{
	return r->fd;
}

static enum reload_news news_of(const struct reload *r, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return RELOAD_ALL;
	if (e->len && e->wd == r->places[0].watch && str_eq(e->name, RELOAD_KEYMAP))
		return RELOAD_KEYS;
	for (size_t i = 0; i < PLACES; i++)
		if (r->places[i].name && e->wd == r->places[i].watch && e->len &&
		    str_eq(e->name, r->places[i].name))
			return RELOAD_ALL;
	return RELOAD_NOTHING;
}

static enum reload_news read_news(struct reload *r)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	enum reload_news news = RELOAD_NOTHING;
	ssize_t n;
	while (r->fd >= 0 && (n = read(r->fd, bytes, sizeof(bytes))) > 0) {
		const struct inotify_event *e;
		for (char *at = bytes; at < bytes + n; at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(void *)at;
			enum reload_news one = news_of(r, e);
			news = one > news ? one : news;
		}
	}
	return news;
}

enum reload_news reload_look(struct reload *r, struct complaints *wrong)
{
	enum reload_news news = read_news(r);
	if (news == RELOAD_NOTHING)
		return news;
	struct config_flags flags = {.file = r->file, .context = reload_config(r)->context->name};
	struct config *fresh = config_load(&flags, wrong);
	if (!fresh)
		return RELOAD_NOTHING;
	r->all = mem_grow(r->all, r->n + 1, sizeof(struct config *));
	r->all[r->n++] = fresh;
	return news;
}
