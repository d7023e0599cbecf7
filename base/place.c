/* SPDX-License-Identifier: Apache-2.0 */
#include "base/place.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static const char *home(void)
{
	const char *dir = getenv("HOME");
	if (!str_empty(dir) && dir[0] == '/')
		return dir;
	const struct passwd *pw = getpwuid(geteuid());
	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

char *place_root(const char *name, struct err *err)
{
	const char *dir = getenv("FAIRWAY_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME");
	struct str s = {0};
	if (!str_empty(dir)) {
		if (dir[0] != '/') {
			err_set(err, ERR_USAGE,
			        "FAIRWAY_STATE_DIR is \"%.100s\": it must be an absolute path", dir);
			return NULL;
		}
		str_add(&s, dir);
	} else if (!str_empty(xdg) && xdg[0] == '/') { /* XDG Base Directory: a relative one is ignored */
		str_addf(&s, "%s/fairway", xdg);
	} else if (home()) {
		str_addf(&s, "%s/.local/state/fairway", home());
	} else {
		err_set(err, ERR_USAGE, "there is no home folder to keep state in: set FAIRWAY_STATE_DIR");
		return NULL;
	}
	while (s.len > 1 && s.s[s.len - 1] == '/')
		s.s[--s.len] = '\0';
	str_addf(&s, "/%s", name);
	return str_detach(&s);
}

char *place_beside(const char *name, struct err *err)
{
	char *path = place_root(name, err);
	size_t len = path ? strlen(path) : 0;
	if (len > 1 && path[len - 1] == '/')
		path[len - 1] = '\0';
	return path;
}

/* FNV-1a: the folder of the hash is ours alone, so nobody gains by a collision. */
static uint64_t hash(const char *text)
{
	uint64_t h = 14695981039346656037u;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return h;
}

char *place_socket(const char *root)
{
	struct str s = {0};
	str_addf(&s, "%s/api.sock", root);
	if (s.len >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		str_reset(&s);
		str_addf(&s, "/tmp/fairway-%u/%016" PRIx64, (unsigned)geteuid(), hash(root));
	}
	return str_detach(&s);
}

bool place_socket_is_safe(const char *socket, struct err *err)
{
	char *folder = mem_dup(socket), *slash = strrchr(folder, '/');
	struct stat st;
	bool is_safe = true;
	if (slash && slash != folder)
		*slash = '\0';
	if (lstat(folder, &st) < 0)
		is_safe = errno == ENOENT || err_errno(err, ERR_FAILED, errno, "cannot look at %s", folder);
	else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		is_safe = err_set(err, ERR_REFUSED, "%s is not a folder that only you can use: refused",
		                  folder);
	free(folder);
	return is_safe;
}
