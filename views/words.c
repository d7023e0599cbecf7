/* SPDX-License-Identifier: Apache-2.0 */
#include "views/words.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum style words_health_style(int health)
{
	static const enum style styles[] = {
		[HEALTH_OK] = STYLE_OK,           [HEALTH_DEGRADED] = STYLE_DEGRADED,
		[HEALTH_FAILING] = STYLE_FAILING, [HEALTH_UNKNOWN] = STYLE_UNKNOWN,
		[HEALTH_STOPPED] = STYLE_STOPPED,
	};
	return health >= 0 && health <= HEALTH_STOPPED ? styles[health] : STYLE_UNKNOWN;
}

enum style words_phase_style(int phase)
{
	static const enum style styles[] = {
		[PHASE_BUILDING] = STYLE_INFO,      [PHASE_STARTING] = STYLE_INFO,
		[PHASE_RUNNING] = STYLE_OK,         [PHASE_UNHEALTHY] = STYLE_FAILING,
		[PHASE_CRASH_LOOP] = STYLE_FAILING, [PHASE_STOPPING] = STYLE_DIM,
		[PHASE_EXITED] = STYLE_STOPPED,     [PHASE_UNKNOWN] = STYLE_UNKNOWN,
	};
	return phase >= 0 && phase <= PHASE_UNKNOWN ? styles[phase] : STYLE_UNKNOWN;
}

enum style words_severity_style(int severity)
{
	return severity == SEVERITY_CRITICAL  ? STYLE_FAILING
	       : severity == SEVERITY_WARNING ? STYLE_DEGRADED
					      : STYLE_INFO;
}

const char *words_severity_sign(int severity)
{
	return severity == SEVERITY_CRITICAL ? "✖" : severity == SEVERITY_WARNING ? "!" : "i";
}

enum style words_alert_style(const struct alert *a)
{
	if (a->phase == ALERT_RESOLVED || a->silenced_by.n)
		return STYLE_DIM;
	if (a->phase == ALERT_PENDING)
		return STYLE_WARNING;
	return a->phase == ALERT_UNKNOWN ? STYLE_UNKNOWN : words_severity_style(a->severity);
}

enum style words_step_style(int state)
{
	return state == STEP_DONE      ? STYLE_OK
	       : state == STEP_FAILED  ? STYLE_FAILING
	       : state == STEP_RUNNING ? STYLE_INFO
				       : STYLE_DIM;
}

const char *words_step_sign(int state)
{
	static const char *const signs[] = {"·", "▶", "✔", "✖", "-"};
	return state >= 0 && state <= STEP_SKIPPED ? signs[state] : "?";
}

const char *words_deploy_sign(int state)
{
	static const char *const signs[] = {"▶", "✔", "✖", "↶", "-", "?"};
	return state >= 0 && state <= DEPLOY_UNKNOWN ? signs[state] : "?";
}

enum style words_deploy_style(int state)
{
	static const enum style styles[] = {STYLE_INFO,     STYLE_OK,  STYLE_FAILING,
					    STYLE_DEGRADED, STYLE_DIM, STYLE_UNKNOWN};
	return state >= 0 && state <= DEPLOY_UNKNOWN ? styles[state] : STYLE_UNKNOWN;
}

const char *words_me(void)
{
	static char name[64]; /* asked once: the account does not change under us, and NSS may be slow */
	static bool is_asked;
	struct passwd entry, *me = NULL;
	char room[2048];
	if (!is_asked && getpwuid_r(geteuid(), &entry, room, sizeof(room), &me) == 0 && me)
		str_copy(name, sizeof(name), me->pw_name);
	is_asked = true;
	return name[0] ? name : NULL;
}

const char *words_who(const char *by)
{
	const char *me = words_me();
	size_t n = me ? strlen(me) : 0;
	if (!by)
		return "?";
	return n && strncmp(by, me, n) == 0 && (by[n] == '\0' || by[n] == ' ') ? "you" : by;
}

const char *words_deployer(const struct deploy *d)
{
	if (d->trigger == TRIGGER_AUTOMATIC && str_eq(d->base.source, "platform"))
		return "platform";
	return d->by ? words_who(d->by) : "—";
}

static bool is_letter(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c & 0x80) || strchr("_-@", c);
}

const char *words_own(const char *text, const char *me, char room[WORDS_OWN])
{
	size_t n = me ? strlen(me) : 0, len = 0;
	bool is_changed = false;
	for (const char *at = text; n && at && *at;) {
		bool is_by = strncmp(at, "by ", 3) == 0 && (at == text || at[-1] == ' ') &&
			     strncmp(at + 3, me, n) == 0 && !(at[3 + n] && is_letter(at[3 + n]));
		if (len + 8 > WORDS_OWN)
			return text;
		if (is_by)
			memcpy(room + len, "by you", 6);
		else
			room[len] = *at;
		len += is_by ? 6 : 1;
		at += is_by ? 3 + n : 1;
		is_changed |= is_by;
		room[len] = '\0';
	}
	return is_changed ? room : text;
}

void words_time(int64_t wall_ms, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	if (!wall_ms || !localtime_r(&seconds, &tm) || !strftime(out, size, "%H:%M:%S", &tm))
		snprintf(out, size, "-");
}

void words_progress(const struct parts *steps, int *done, int *total)
{
	const struct step *s = steps->items;
	*done = 0;
	*total = (int)steps->n;
	for (size_t i = 0; i < steps->n; i++)
		*done += s[i].state == STEP_DONE || s[i].state == STEP_SKIPPED;
}
