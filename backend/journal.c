/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/message.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/place.h"
#include "base/str.h"
#include "model/record_json.h"

#define FILE_MAX (64 * 1024 * 1024)
#define ROOM (2 * JOURNAL_LINE_MAX) /* an intent and its outcome */

char *journal_path(struct err *err)
{
	return place_beside("console-audit.log", err);
}

char *journal_who(const char *via)
{
	struct str who = {0}, login = {0};
	struct passwd entry, *found = NULL;
	char buffer[1024];
	bool has_login = file_read(AT_FDCWD, "/proc/self/loginuid", 32, &login, NULL) &&
			 !str_eq(login.s, "4294967295");
	if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found)
		str_addf(&who, "%s ", entry.pw_name);
	str_addf(&who, "(uid %u", (unsigned)getuid());
	if (has_login)
		str_addf(&who, ", login %s", login.s);
	if (!str_empty(via))
		str_addf(&who, ", from %.100s", via);
	str_addc(&who, ')');
	str_finish(&login);
	return str_detach(&who);
}

/* The hash covers the line as it was written without its last member. */
static void hash_line(const char *previous, const char *text, size_t len, char out[HASH_HEX])
{
	struct hash h;
	hash_start(&h);
	hash_add_field(&h, previous);
	hash_add(&h, text, len);
	hash_finish_hex(&h, out);
}

/* Every line ends with this and 64 digits and "}. */
static const char hash_mark[] = ",\"hash\":\"";
#define HASH_TAIL (sizeof(hash_mark) - 1 + HASH_HEX - 1 + 2)

/* Where the hash member of a line begins; 0 when the line has none. */
static size_t hash_at(const char *line, size_t len)
{
	bool is_whole = len > HASH_TAIL && memcmp(line + len - 2, "\"}", 2) == 0 &&
			memcmp(line + len - HASH_TAIL, hash_mark, sizeof(hash_mark) - 1) == 0;
	return is_whole ? len - HASH_TAIL : 0;
}

static int open_locked(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	if (fd < 0) {
		err_errno(err, ERR_REFUSED, errno, "the audit %s cannot be opened", path);
		return -1;
	}
	bool is_ours =
		fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
	if (!is_ours || flock(fd, LOCK_EX) < 0) {
		err_set(err, ERR_REFUSED, "the audit %s is not a private file of yours", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* The hash of the last line ("" for an empty file). A line without an end is what a crash left: it is cut
 * off. */
static bool last_hash(int fd, char out[HASH_HEX], struct err *err)
{
	char tail[2 * JOURNAL_LINE_MAX + 1];
	out[0] = '\0';
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(tail) - 1 ? size - ((off_t)sizeof(tail) - 1) : 0;
	ssize_t n = pread(fd, tail, (size_t)(size - from), from);
	if (n < 0 || n != size - from)
		return err_errno(err, ERR_REFUSED, errno, "the audit cannot be read");
	size_t len = (size_t)n;
	while (len && tail[len - 1] != '\n')
		len--;
	if ((size_t)n != len && ftruncate(fd, from + (off_t)len) < 0)
		return err_errno(err, ERR_REFUSED, errno, "the audit cannot be mended");
	if (len == 0)
		return size == 0 || from == 0 ||
		       err_set(err, ERR_REFUSED, "the audit is damaged: fairway audit verify");
	size_t start = len - 1;
	while (start && tail[start - 1] != '\n')
		start--;
	size_t at = hash_at(tail + start, len - 1 - start);
	if (!at)
		return err_set(err, ERR_REFUSED, "the audit is damaged: fairway audit verify");
	memcpy(out, tail + start + at + sizeof(hash_mark) - 1, HASH_HEX - 1);
	out[HASH_HEX - 1] = '\0';
	return true;
}

static bool reserve(int fd, struct err *err)
{
	off_t end = lseek(fd, 0, SEEK_END);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, end, ROOM) == 0 || errno == EOPNOTSUPP)
		return true;
	return err_errno(err, ERR_REFUSED, errno, "there is no room for the audit, so nothing was done");
}

/* json: an object; the chain's members are added. hash gets that of the line. */
static bool append(int fd, cJSON *json, char hash[HASH_HEX], struct err *err)
{
	char previous[HASH_HEX];
	if (!last_hash(fd, previous, err))
		return false;
	json_add_text(json, "previous", previous);
	char *text = json_print(json);
	size_t len = strlen(text) - 1; /* without the closing brace */
	hash_line(previous, text, len, hash);
	struct str line = {0};
	str_addn(&line, text, len);
	str_addf(&line, "%s%s\"}\n", hash_mark, hash);
	free(text);
	bool is_done = line.len <= JOURNAL_LINE_MAX && lseek(fd, 0, SEEK_END) >= 0 &&
		       file_write_all(fd, line.s, line.len) && fdatasync(fd) == 0;
	if (!is_done)
		err_errno(err, ERR_REFUSED, line.len > JOURNAL_LINE_MAX ? EMSGSIZE : errno,
			  "the audit cannot be written");
	str_finish(&line);
	return is_done;
}

/* The folder's entry must be on disk as well when the file is new. */
static bool make_folder(const char *path, struct err *err)
{
	char *folder = mem_dup_n(path, (size_t)(strrchr(path, '/') - path));
	int fd = file_folder(folder, err);
	free(folder);
	if (fd < 0)
		return false;
	fsync(fd);
	close(fd);
	return true;
}

bool journal_intent(const char *path, struct audit_entry *entry, struct arena *arena, struct err *err)
{
	uint64_t random;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return err_errno(err, ERR_REFUSED, errno, "getrandom");
	int fd = make_folder(path, err) ? open_locked(path, O_RDWR | O_CREAT, err) : -1;
	if (fd < 0)
		return false;
	entry->id = arena_printf(arena, "c%016llx", (unsigned long long)random);
	entry->at = clock_wall_ms();
	entry->state = AUDIT_RECORDED;
	entry->previous = entry->hash = NULL;
	cJSON *json = record_to_json(record_class(RECORD_AUDIT), entry);
	char hash[HASH_HEX];
	bool is_done = reserve(fd, err) && append(fd, json, hash, err);
	cJSON_Delete(json);
	make_folder(path, NULL);
	close(fd);
	if (is_done)
		entry->hash = arena_dup(arena, hash);
	return is_done;
}

bool journal_outcome(const char *path, const char *id, enum audit_state state, const char *detail,
		     struct err *err)
{
	char now[CLOCK_TEXT], hash[HASH_HEX];
	int fd = open_locked(path, O_RDWR, err);
	if (fd < 0)
		return false;
	clock_rfc3339(clock_wall_ms(), now);
	cJSON *json = cJSON_CreateObject();
	json_add_text(json, "outcome_of", id);
	json_add_text(json, "state", record_value_name(audit_state_names, (int)state));
	json_add_text(json, "outcome_at", now);
	char *cut = detail ? mem_dup_n(detail, strnlen(detail, 1000)) : NULL;
	json_add_text(json, "detail", cut);
	free(cut);
	bool is_done = append(fd, json, hash, err);
	cJSON_Delete(json);
	close(fd);
	return is_done;
}

struct entries {
	struct arena arena;
	struct audit_entry *items;
	size_t n;
};

static struct audit_entry *entry_of(struct entries *all, const char *id)
{
	for (size_t i = all->n; i-- > 0;)
		if (str_eq(all->items[i].id, id))
			return &all->items[i];
	return NULL;
}

static void take_line(struct entries *all, const char *line, size_t len)
{
	cJSON *json = json_parse(line, len, NULL);
	const char *of = json_text(json, "outcome_of");
	struct audit_entry *e = of ? entry_of(all, of) : NULL, fresh;
	if (e) {
		int state = record_value_of(audit_state_names, json_text(json, "state"));
		e->state = state < 0 ? AUDIT_UNKNOWN : state;
		e->detail = arena_dup(&all->arena, json_text(json, "detail"));
		if (!clock_parse_rfc3339(json_text(json, "outcome_at") ? json_text(json, "outcome_at") : "",
					 &e->outcome_at))
			e->outcome_at = 0;
	} else if (json && !of &&
		   record_from_json(record_class(RECORD_AUDIT), json, &fresh, &all->arena, NULL)) {
		all->items = mem_grow(all->items, all->n + 1, sizeof(*all->items));
		fresh.state = AUDIT_UNKNOWN; /* until an outcome says more */
		all->items[all->n++] = fresh;
	}
	cJSON_Delete(json);
}

static bool read_all(const char *path, struct str *text, struct err *err)
{
	struct err why;
	if (file_read(AT_FDCWD, path, FILE_MAX, text, &why) || why.kind == ERR_NOT_FOUND)
		return true;
	if (err)
		*err = why;
	return false;
}

bool journal_read(const char *path, journal_each *each, void *arg, struct err *err)
{
	struct str text = {0};
	struct entries all = {0};
	if (!read_all(path, &text, err))
		return false;
	const char *at = str_text(&text), *end = at + text.len, *lf;
	for (; at < end && (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1)
		take_line(&all, at, (size_t)(lf - at));
	for (size_t i = 0; i < all.n; i++)
		each(&all.items[i], arg);
	free(all.items);
	arena_finish(&all.arena);
	str_finish(&text);
	return true;
}

static bool fits(const char *line, size_t len, const char *previous, char hash[HASH_HEX])
{
	size_t at = hash_at(line, len);
	if (!at)
		return false;
	hash_line(previous, line, at, hash);
	return memcmp(line + at + sizeof(hash_mark) - 1, hash, HASH_HEX - 1) == 0;
}

bool journal_verify(const char *path, struct audit_check *check, struct arena *arena, struct err *err)
{
	struct str text = {0};
	char previous[HASH_HEX] = "", hash[HASH_HEX];
	if (!read_all(path, &text, err))
		return false;
	*check = (struct audit_check){.chain = "console", .is_ok = true};
	const char *at = str_text(&text), *end = at + text.len, *lf;
	for (; at < end && check->is_ok && (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1) {
		check->entries++;
		check->is_ok = fits(at, (size_t)(lf - at), previous, hash);
		if (check->is_ok)
			memcpy(previous, hash, sizeof(previous));
		else
			check->first_bad = arena_printf(arena, "line %lld", (long long)check->entries);
	}
	check->head = previous[0] ? arena_dup(arena, previous) : NULL;
	str_finish(&text);
	return true;
}

/* --- as rows --- */

static void put_entry(const struct audit_entry *e, void *arg)
{
	struct message *m = arg;
	struct change *items = mem_grow(m->owned[0], m->changes.n + 2, sizeof(*items));
	struct audit_entry *copy = arena_alloc(&m->arena, sizeof(*copy));
	record_copy(record_class(RECORD_AUDIT), copy, e, &m->arena);
	copy->base.source = m->changes.source;
	copy->base.as_of = clock_wall_ms();
	items[m->changes.n++] = (struct change){CHANGE_PUT, RECORD_AUDIT, copy, NULL};
	m->owned[0] = items;
	m->changes.items = items;
}

struct message *journal_rows(const char *path, uint64_t request)
{
	struct message *m = message_new(MESSAGE_RECORDS, request);
	struct change *items = mem_array(2, sizeof(*items));
	items[0] = (struct change){CHANGE_BEGIN, RECORD_AUDIT, NULL, NULL};
	m->owned[0] = items;
	m->changes = (struct changes){"console", items, 1};
	if (!journal_read(path, put_entry, m, NULL)) {
		message_free(m);
		return NULL;
	}
	items = m->owned[0];
	items[m->changes.n++] = (struct change){CHANGE_SYNC, RECORD_AUDIT, NULL, NULL};
	return m;
}
