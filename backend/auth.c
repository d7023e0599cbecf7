/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/exec.h"
#include "backend/redact.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/harden.h"
#include "base/mem.h"
#include "base/str.h"

struct answer { /* the newest one of a command */
	struct answer *next;
	struct auth *auth;
	char *command;         /* its argv, each with a LF behind: what it is found by */
	struct exec *exec;     /* it runs; NULL: it has ended */
	char *token;           /* NULL: it failed, and err tells why; or it was never run */
	struct err err;
	int64_t until;         /* monotonic: when it has to be run again */
};
struct auth {
	struct loop *loop;
	struct redact *redact;
	struct answer *answers;
	struct auth_wait *waits;
};
struct auth_wait {
	struct auth *auth;
	struct auth_wait *next;
	struct token_source source; /* FILE, ENV: borrowed; it lives as long as the run that waits */
	struct answer *answer;      /* COMMAND */
	struct loop_timer timer;
	auth_told *told;
	void *arg;
};

struct auth *auth_new(struct loop *loop, struct redact *redact)
{
	struct auth *a = mem_alloc(sizeof(*a));
	*a = (struct auth){.loop = loop, .redact = redact};
	return a;
}

static void wipe(char **token)
{
	if (*token)
		explicit_bzero(*token, strlen(*token));
	free(*token);
	*token = NULL;
}

void auth_free(struct auth *a)
{
	while (a && a->answers) {
		struct answer *gone = a->answers;
		a->answers = gone->next;
		exec_cancel(gone->exec);
		wipe(&gone->token);
		free(gone->command);
		free(gone);
	}
	free(a);
}

/* Cuts white space off and judges the rest; NULL with err. what: where it comes from, for the sentence. */
static char *token_of(struct auth *a, const char *bytes, size_t len, const char *what, struct err *err)
{
	static const char space[] = " \t\r\n";
	while (len && memchr(space, bytes[len - 1], sizeof(space) - 1))
		len--;
	while (len && memchr(space, *bytes, sizeof(space) - 1)) {
		bytes++;
		len--;
	}
	if (!len || len > AUTH_TOKEN_MAX) {
		err_set(err, ERR_REFUSED,
			len ? "%s: a token is at most %d bytes long" : "%s: there is no token in it", what,
			AUTH_TOKEN_MAX);
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] >= 0x20 && (unsigned char)bytes[i] < 0x7f)
			continue;
		err_set(err, ERR_REFUSED, "%s: the token holds bytes that are not printable ASCII: not used",
			what);
		return NULL;
	}
	redact_add(a->redact, bytes, len);
	return mem_dup_n(bytes, len);
}

/* --- file and variable --- */

static bool is_private(int fd, const char *name, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(err, ERR_REFUSED, errno, "the token file %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_REFUSED, "the token file %s is not a regular file", name);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, ERR_REFUSED, "the token file %s belongs to somebody else", name);
	if (st.st_mode & 077)
		return err_set(err, ERR_REFUSED, "others can read or write the token file %s: chmod 600",
			       name);
	return true;
}

static char *from_file(struct auth *a, const char *name, struct err *err)
{
	char bytes[AUTH_TOKEN_MAX + 256], what[200];
	size_t len = 0;
	char *token = NULL;
	snprintf(what, sizeof(what), "the token file %s", name);
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, ERR_REFUSED, errno, errno == ELOOP ? "%s is a symbolic link" : "%s", what);
		return NULL;
	}
	if (is_private(fd, name, err)) {
		ssize_t n;
		while (len < sizeof(bytes) && (n = read(fd, bytes + len, sizeof(bytes) - len)) != 0) {
			if (n < 0 && errno != EINTR)
				break;
			len += n > 0 ? (size_t)n : 0;
		}
		token = token_of(a, bytes, len, what, err);
	}
	close(fd);
	explicit_bzero(bytes, sizeof(bytes));
	return token;
}

static char *from_variable(struct auth *a, const char *name, struct err *err)
{
	char what[200];
	const char *value = getenv(name);
	snprintf(what, sizeof(what), "the variable %s", name);
	return token_of(a, value ? value : "", value ? strlen(value) : 0, what, err);
}

/* --- waits --- */

static void forget(struct auth_wait *w)
{
	struct auth_wait **at = &w->auth->waits;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_clear(w->auth->loop, &w->timer);
	free(w);
}

static void on_told(void *arg)
{
	struct auth_wait *w = arg;
	struct auth *a = w->auth;
	struct err err = {0};
	char *token = NULL;
	if (!harden(&err)) {
		/* it stays unread */
	} else if (w->source.from == TOKEN_FILE) {
		token = from_file(a, w->source.name, &err);
	} else if (w->source.from == TOKEN_ENV) {
		token = from_variable(a, w->source.name, &err);
	} else {
		token = mem_dup(w->answer->token);
		err = w->answer->err;
	}
	auth_told *told = w->told;
	void *told_arg = w->arg;
	forget(w);
	told(token, token ? NULL : &err, told_arg);
	wipe(&token);
}

void auth_cancel(struct auth_wait *w)
{
	if (w)
		forget(w);
}

/* --- commands --- */

static void tell_soon(struct auth_wait *w)
{
	loop_timer_set(w->auth->loop, &w->timer, 0, on_told, w);
}

static void on_command(int status, const char *output, size_t len, const struct err *err, void *arg)
{
	struct answer *x = arg;
	struct auth *a = x->auth;
	char what[200];
	snprintf(what, sizeof(what), "the token command %.*s", (int)strcspn(x->command, "\n"), x->command);
	x->exec = NULL; /* it is gone after this call */
	x->err = (struct err){0};
	if (err)
		err_set(&x->err, ERR_REFUSED, "%s: %s", what, err->text);
	else if (status != 0)
		err_set(&x->err, ERR_REFUSED, "%s ended with status %d; run it by hand to see why", what,
			status);
	else
		x->token = token_of(a, output, len, what, &x->err);
	x->until = clock_mono_ms() + (x->token ? AUTH_KEEP_MS : AUTH_FAIL_MS);
	for (struct auth_wait *w = a->waits; w; w = w->next)
		if (w->answer == x)
			tell_soon(w);
}

static void run_command(struct answer *x, const struct token_source *source)
{
	struct exec_wish wish = {.argv = source->command, .limit_ms = AUTH_LIMIT_MS, .drops_stderr = true};
	wipe(&x->token);
	if (harden(&x->err))
		x->exec = exec_start(x->auth->loop, &wish, on_command, x, &x->err);
	if (!x->exec)
		x->until = clock_mono_ms() + AUTH_FAIL_MS;
}

static char *name_of(const struct token_source *source)
{
	struct str name = {0};
	for (size_t i = 0; source->command[i]; i++)
		str_addf(&name, "%s\n", source->command[i]);
	return str_detach(&name);
}

static struct answer *answer_of(struct auth *a, const struct token_source *source)
{
	char *name = name_of(source);
	struct answer *x = a->answers;
	while (x && !str_eq(x->command, name))
		x = x->next;
	if (x) {
		free(name);
		return x;
	}
	x = mem_alloc(sizeof(*x));
	*x = (struct answer){.auth = a, .next = a->answers, .command = name};
	a->answers = x;
	return x;
}

struct auth_wait *auth_ask(struct auth *a, const struct token_source *source, auth_told *told, void *arg)
{
	struct auth_wait *w = mem_alloc(sizeof(*w));
	*w = (struct auth_wait){.auth = a, .next = a->waits, .source = *source, .told = told, .arg = arg};
	a->waits = w;
	if (source->from == TOKEN_COMMAND) {
		w->answer = answer_of(a, source);
		if (!w->answer->exec && clock_mono_ms() >= w->answer->until)
			run_command(w->answer, source);
		if (w->answer->exec)
			return w; /* on_command() tells */
	}
	tell_soon(w);
	return w;
}

bool auth_refused(struct auth *a, const struct token_source *source)
{
	if (source->from != TOKEN_COMMAND)
		return false;
	struct answer *x = answer_of(a, source);
	if (x->token)
		x->until = 0;
	return true;
}
