/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/place.h"
#include "base/str.h"

#define LOCK_POLL_MS 5

/* statfs(2), linux/magic.h; those that a header of Debian 12 lacks are written out. */
static const struct {
	uint32_t magic;
	const char *name;
} networks[] = {
	{NFS_SUPER_MAGIC, "NFS"},
	{SMB_SUPER_MAGIC, "SMB"},
	{0xFF534D42, "CIFS"},
	{0xFE534D42, "SMB2"},
	{FUSE_SUPER_MAGIC, "FUSE (sshfs and the like)"},
	{AFS_SUPER_MAGIC, "AFS"},
	{CODA_SUPER_MAGIC, "Coda"},
	{V9FS_MAGIC, "9P"},
	{0x00C36400, "Ceph"},
	{0x0BD00BD0, "Lustre"},
	{0x47504653, "GPFS"},
};

static bool check_file_system(const char *root, int fd, struct err *err)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return err_errno(err, ERR_FAILED, errno, "cannot look at %s", root);
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if ((uint32_t)fs.f_type == networks[i].magic)
			return err_set(err, ERR_REFUSED,
			               "%s is on %s, where locks fail: set FAIRWAY_STATE_DIR to a local folder",
			               root, networks[i].name);
	return true;
}

static bool read_machine(struct place *p, struct err *err)
{
	struct str boot = {0};
	struct stat st;
	bool is_read = file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, err);
	if (is_read) {
		boot.s[strcspn(boot.s, "\n")] = '\0';
		str_copy(p->boot_id, sizeof(p->boot_id), boot.s);
	}
	str_finish(&boot);
	if (is_read && stat("/proc/self/ns/pid", &st) < 0)
		return err_errno(err, ERR_FAILED, errno,
		                 "cannot look at /proc/self/ns/pid: is /proc mounted?");
	p->pid_namespace = is_read ? st.st_ino : 0;
	return is_read;
}

static bool make_folders(struct place *p, struct err *err)
{
	static const char *const names[] = {"releases", "builds", "relay"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = file_folder_at(p->root_fd, names[i], err);
		if (fd < 0)
			return false;
		close(fd);
	}
	p->slots_fd = file_folder_at(p->root_fd, "slots", err);
	return p->slots_fd >= 0;
}

static bool make_socket_folder(const char *socket, struct err *err)
{
	char *folder = mem_dup(socket);
	*strrchr(folder, '/') = '\0';
	int fd = file_folder(folder, err);
	free(folder);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool place_open(struct place *p, const char *root, struct err *err)
{
	*p = (struct place){.root_fd = -1, .slots_fd = -1};
	if (root[0] != '/')
		return err_set(err, ERR_USAGE, "the state folder \"%.200s\" must be an absolute path", root);
	p->root = mem_dup(root);
	p->socket = place_socket(root);
	p->root_fd = file_folder(root, err);
	bool is_ok = p->root_fd >= 0 && check_file_system(root, p->root_fd, err) && make_folders(p, err) &&
	             read_machine(p, err) && make_socket_folder(p->socket, err);
	if (!is_ok) {
		place_close(p);
		if (err && !strstr(err->text, "FAIRWAY_STATE_DIR"))
			err_prefix(err, "the state folder (FAIRWAY_STATE_DIR moves it)");
	}
	return is_ok;
}

void place_close(struct place *p)
{
	if (p->root) {
		if (p->slots_fd >= 0)
			close(p->slots_fd);
		if (p->root_fd >= 0)
			close(p->root_fd);
	}
	free(p->root);
	free(p->socket);
	*p = (struct place){.root_fd = -1, .slots_fd = -1};
}

char *place_path(const struct place *p, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;
	str_addf(&s, "%s/", p->root);
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	return str_detach(&s);
}

int place_lock(const struct place *p, const char *name, int wait_ms, struct err *err)
{
	int64_t until = clock_mono_ms() + wait_ms;
	int fd = file_open_private(p->root_fd, name, 0, err);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || clock_mono_ms() >= until) {
			if (errno == EWOULDBLOCK)
				err_set(err, ERR_REFUSED, "%s/%s is held by another process", p->root, name);
			else
				err_errno(err, ERR_FAILED, errno, "cannot lock %s/%s", p->root, name);
			close(fd);
			return -1;
		}
		poll(NULL, 0, LOCK_POLL_MS);
	}
	return fd;
}

/* A shared try: two that only look never see each other. A taker that meets it waits (place_lock,
 * wait_ms). */
bool place_is_locked(const struct place *p, const char *name)
{
	int fd = openat(p->root_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_locked = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return is_locked;
}
