/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of builds that came to nothing, removed by rm(1) while the daemon goes on. */
#include <stdlib.h>

#include "base/child.h"
#include "base/mem.h"
#include "platform/reactor.h"
#include "platform/release_make.h"

struct forgetting {
	struct releases *releases;
	struct forgetting *next;
	struct child child;
	struct reactor_fd *watch;
};

static void forgotten(int fd, unsigned events, void *arg)
{
	struct forgetting *f = arg;
	struct forgetting **at = &f->releases->forgettings;
	struct child_end end;
	(void)fd;
	(void)events;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	reactor_fd_remove(f->watch);
	child_wait(&f->child, true, &end);
	free(f);
}

void release_forget_folder(struct releases *r, const char *path)
{
	const char *argv[] = {"rm", "-rf", "--", path, NULL};
	char **env = child_env_new(NULL);
	struct child_start start = {.argv = argv, .env = (const char *const *)env};
	struct forgetting *f = mem_alloc(sizeof(*f));
	if (child_start(&start, &f->child, NULL))
		f->watch = reactor_fd_add(r->daemon->reactor, f->child.pidfd, REACTOR_READ, forgotten, f, NULL);
	if (f->watch) {
		f->releases = r;
		f->next = r->forgettings;
		r->forgettings = f;
	} else {
		free(f);
	}
	child_env_free(env);
}

void release_forget_end(struct releases *r)
{
	while (r->forgettings) {
		struct forgetting *f = r->forgettings;
		r->forgettings = f->next;
		reactor_fd_remove(f->watch);
		child_forget(&f->child);
		free(f);
	}
}
