/* SPDX-License-Identifier: Apache-2.0 */
/* The log of one container: what is asked for next, and what the end of a reply means. */
#include "backend/providers/kubernetes/logs.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/logs_private.h"
#include "base/clock.h"

#define LIMIT_BYTES (128 * 1024 * 1024) /* of one container, when it is not followed */
#define LINE_MAX_BYTES (64 * 1024)
#define LOOK_MS 15000
#define LOOK_MAX_MS 300000
#define BUSY_MS 2500   /* a kubelet looks for what is to be rotated every 3 s or more */
#define BEHIND_MS 2000 /* a line that the node has is on its way so long */
#define POD_MS 1000    /* the pod tells that its container ended a little after the log does */
#define RETRY_MS 250
#define RETRY_MAX_MS 5000
#define SPREAD_MS 200  /* many logs do not ask at once */
#define DRAIN_MS 10000 /* a pod is gone: what its log still sends */
#define READS 4        /* attempts at a log that is not followed */

enum { LINES, LOOK, TIMER };

static void next(struct kube_tail *t, struct run *r);

void kube_run_of(const struct kube_container *c, struct kube_run *now)
{
	*now = (struct kube_run){.is_running = c->is_running,
				 .has_run = c->has_run,
				 .restarts = c->restarts,
				 .started_at = c->started_at};
	str_copy(now->ended, sizeof(now->ended), c->ended ? c->ended : "");
	str_copy(now->before, sizeof(now->before), c->before ? c->before : "");
	str_copy(now->waits, sizeof(now->waits), c->waits ? c->waits : "");
}

struct kube_tail *kube_tail_new(const char *namespace, const char *pod, const char *container, const char *id,
				uint32_t tag)
{
	struct kube_tail *t = mem_alloc(sizeof(*t));
	*t = (struct kube_tail){.namespace = mem_dup(namespace),
				.pod = mem_dup(pod),
				.container = mem_dup(container),
				.id = mem_dup(id),
				.id_len = strlen(id),
				.tag = tag,
				.run = -1,
				.is_first = true};
	return t;
}

void kube_tail_free(struct kube_tail *t)
{
	if (!t)
		return;
	free(t->namespace);
	free(t->pod);
	free(t->container);
	free(t->id);
	free(t->past);
	free(t);
}

bool kube_tail_follows(const struct kube_tail *t, const struct run *r)
{
	const struct log_wish *wish = &run_request(r)->logs;
	return wish->is_following && !wish->is_previous && !t->is_previous;
}

static bool is_list(const struct run *r)
{
	const struct log_wish *wish = &run_request(r)->logs;
	return !wish->is_following || wish->is_previous;
}

int64_t kube_tail_from(const struct kube_tail *t, const struct run *r)
{
	const struct log_wish *wish = &run_request(r)->logs;
	if (!t->is_first || wish->is_previous || wish->tail != RECORD_NONE)
		return 0;
	return wish->since > t->now.started_at ? wish->since : t->now.started_at;
}

size_t kube_tail_limit(const struct kube_tail *t)
{
	return t->bytes < LIMIT_BYTES ? LIMIT_BYTES - t->bytes : 0;
}

static void sayf(const struct kube_tail *t, struct run *r, enum log_what what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void sayf(const struct kube_tail *t, struct run *r, enum log_what what, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_addf(&text, "container %s", t->container);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	kube_tail_say(t, r, what, run_now(r), str_text(&text));
	str_finish(&text);
}

/* --- asking --- */

static void set_timer(struct kube_tail *t, struct run *r, int64_t after_ms)
{
	run_stop(r, t->tag + TIMER);
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = t->tag + TIMER, .after_ms = after_ms});
}

static void stop(struct kube_tail *t, struct run *r)
{
	for (uint32_t i = 0; i < KUBE_TAIL_TAGS; i++)
		run_stop(r, t->tag + i);
	t->look = KUBE_LOOK_NONE;
}

static void begin_path(const struct kube_tail *t, struct str *path, bool is_previous)
{
	kube_path(path, KUBE_POD, t->namespace, t->pod, "log");
	address_parameter(path, "container", t->container);
	address_parameter(path, "timestamps", "true");
	if (is_previous)
		address_parameter(path, "previous", "true");
}

/* The server cuts the time to whole seconds: what comes again is left out here. */
static void add_since(struct str *path, int64_t ns)
{
	address_time(path, "sinceTime", (ns - KUBE_SLACK_NS) / 1000000000 * 1000);
}

void kube_tail_ask(struct kube_tail *t, struct run *r, bool is_previous, bool needs_proof, int64_t from)
{
	const struct log_wish *wish = &run_request(r)->logs;
	struct str path = {0};
	stop(t, r);
	t->phase = KUBE_TAIL_OPEN;
	t->is_previous = is_previous;
	t->is_catching = t->has_line;
	t->needs_proof = needs_proof && t->has_line;
	t->skip = t->needs_proof ? t->same : 0;
	t->was_ended = !t->now.is_running;
	t->is_fresh = true;
	t->is_stamped = t->is_last_look = t->is_behind = t->is_hurried = false;
	t->note[0] = '\0';
	begin_path(t, &path, is_previous);
	bool follows = kube_tail_follows(t, r);
	if (follows)
		address_parameter(&path, "follow", "true");
	if (t->has_line) {
		add_since(&path, from && from < t->anchor ? from : t->anchor);
	} else if (t->is_first) {
		address_time(&path, "sinceTime", wish->since / 1000 * 1000);
		if (wish->tail != RECORD_NONE)
			address_number(&path, "tailLines", wish->tail);
		t->is_whole = !wish->since && wish->tail == RECORD_NONE;
	} else {
		t->is_whole = true;
	}
	if (is_list(r))
		address_number(&path, "limitBytes", (int64_t)kube_tail_limit(t));
	run_ask(r, &(struct ask){.tag = t->tag + LINES,
				 .path = path.s,
				 .framing = FRAME_LINES,
				 .ceiling = LINE_MAX_BYTES,
				 .cuts_long_lines = true,
				 .is_stream = true,
				 .head_ms = KUBE_HEAD_MS,
				 .idle_ms = is_list(r) ? 3 * KUBE_HEAD_MS : 0});
	if (follows)
		set_timer(t, r, LOOK_MS);
	str_finish(&path);
}

void kube_tail_look(struct kube_tail *t, struct run *r, enum kube_look look)
{
	struct str path = {0};
	if (t->look != KUBE_LOOK_NONE)
		return;
	t->look = look;
	if (look == KUBE_LOOK_FILE) {
		t->looked_bytes = t->bytes;
		t->looked_lines = t->lines;
		t->looked_past = t->n_past;
	}
	begin_path(t, &path, t->is_previous || look == KUBE_LOOK_RUN);
	if (look != KUBE_LOOK_FILE)
		address_number(&path, "tailLines", 1);
	address_number(&path, "limitBytes", 40);
	run_ask(r, &(struct ask){.tag = t->tag + LOOK,
				 .path = path.s,
				 .framing = FRAME_LINES,
				 .ceiling = 1024,
				 .cuts_long_lines = true,
				 .head_ms = KUBE_HEAD_MS});
	str_finish(&path);
}

void kube_tail_hurry(struct kube_tail *t, struct run *r)
{
	t->is_hurried = true;
	if (kube_tail_follows(t, r) && t->phase == KUBE_TAIL_OPEN)
		set_timer(t, r, BUSY_MS);
}

/* --- ends --- */

void kube_tail_unproven(struct kube_tail *t, struct run *r, int64_t next)
{
	sayf(t, r, LINE_GAP, ": the last line is not in the node's log any more: %s",
	     kube_tail_missing(r, t->anchor, next));
	t->is_catching = t->was_previous_tried = false;
	t->file = 0;
}

static void rest(struct kube_tail *t, struct run *r, bool is_over)
{
	stop(t, r);
	t->phase = is_over ? KUBE_TAIL_OVER : KUBE_TAIL_IDLE;
	t->is_broken = t->is_broken && !is_over;
}

static void pause(struct kube_tail *t, struct run *r, int64_t least_ms)
{
	int64_t ms = RETRY_MS;
	for (int i = 0; i < t->attempts && ms < RETRY_MAX_MS; i++)
		ms *= 2;
	ms = ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
	t->attempts++;
	stop(t, r);
	t->phase = KUBE_TAIL_PAUSE;
	set_timer(t, r, (ms > least_ms ? ms : least_ms) + run_chance(r, SPREAD_MS));
}

/* The next run, from its start. When more than one began since, the one before the present one can still be
 * read. */
static void begin_run(struct kube_tail *t, struct run *r)
{
	int64_t missed = t->is_previous ? 0 : t->now.restarts - t->run - 1;
	t->left = t->has_line ? t->anchor : 0;
	t->run = t->now.restarts - (missed > 0) > t->run ? t->now.restarts - (missed > 0) : t->run + 1;
	t->is_first = t->has_line = t->is_complete = t->is_ended_told = t->was_previous_tried = false;
	t->bytes = t->lines = t->looked_bytes = t->looked_lines = 0;
	t->file = t->torn = 0;
	t->n_past = t->looked_past = 0;
	if (missed > 1)
		sayf(t, r, LINE_GAP, ": the lines of %lld runs are missing: the node keeps the last two",
		     (long long)missed - 1);
	sayf(t, r, LINE_START, " started again (restart %lld)", (long long)t->run);
	kube_tail_ask(t, r, missed > 0, false, 0);
}

static void say_ended(struct kube_tail *t, struct run *r)
{
	const char *how = t->run == t->now.restarts       ? t->now.ended
			  : t->run == t->now.restarts - 1 ? t->now.before
							  : "";
	if (t->is_ended_told)
		return;
	t->is_ended_told = true;
	if (t->is_gone && !how[0])
		how = "the pod is gone";
	sayf(t, r, LINE_EXIT, " ended%s%s", how[0] ? ": " : "", how);
}

static void leave_run(struct kube_tail *t, struct run *r)
{
	bool has_next = t->is_previous || t->now.restarts > t->run;
	t->is_last_look = false;
	say_ended(t, r);
	if (has_next && !t->is_gone)
		begin_run(t, r);
	else
		rest(t, r, t->is_gone);
}

/* All of the run's log was told; a rotation may have taken lines out of the middle. */
static void end_run(struct kube_tail *t, struct run *r)
{
	t->is_complete = true;
	run_stop(r, t->tag + TIMER);
	run_stop(r, t->tag + LOOK);
	t->look = KUBE_LOOK_NONE;
	if (t->lines == t->looked_lines || (t->is_whole && t->bytes < KUBE_BUSY_BYTES)) {
		leave_run(t, r);
		return;
	}
	t->phase = KUBE_TAIL_PAUSE;
	t->is_last_look = true;
	kube_tail_look(t, r, KUBE_LOOK_FILE);
}

static void end_list(struct kube_tail *t, struct run *r)
{
	if (t->torn && t->attempts < READS) {
		pause(t, r, 0);
	} else if (t->look != KUBE_LOOK_NONE) {
		t->is_last_look = true;
		t->phase = KUBE_TAIL_PAUSE;
	} else {
		if (kube_tail_limit(t) == 0)
			sayf(t, r, LINE_CUT,
			     ": only the first %d MiB are shown: narrow it with a later --since",
			     LIMIT_BYTES / 1024 / 1024);
		rest(t, r, true);
	}
}

/* The reply ended well. */
static void ended(struct kube_tail *t, struct run *r)
{
	bool was_catching = t->is_catching && t->needs_proof;
	if (t->note[0] && !t->is_stamped && !t->has_line)
		sayf(t, r, LINE_GAP, ": the node says: %s", t->note);
	if (was_catching && !t->is_previous && !t->was_previous_tried) {
		kube_tail_ask(t, r, true, true, 0);
		return;
	}
	if (was_catching && t->is_previous && !run_request(r)->logs.is_previous) {
		t->was_previous_tried = true;
		kube_tail_ask(t, r, false, true, 0);
		return;
	}
	if (was_catching)
		kube_tail_unproven(t, r, 0);
	if (is_list(r) && !(t->is_previous && !run_request(r)->logs.is_previous))
		end_list(t, r);
	else if (t->is_gone)
		leave_run(t, r);
	else if (t->torn)
		pause(t, r, 0);
	else if (t->is_previous || (t->was_ended && t->now.restarts == t->run))
		end_run(t, r);
	else
		pause(t, r, POD_MS);
}

static bool can_pass(const struct input *in)
{
	return in->err->kind == ERR_UNREACHABLE || in->status == 429 || in->status >= 500;
}

static void give_up(struct kube_tail *t, struct run *r, const struct err *err)
{
	t->failure = *err;
	rest(t, r, true);
}

/* 400: not yet; the run is not there. 404: neither the pod. */
static void refused(struct kube_tail *t, struct run *r, const struct input *in, const struct err *err)
{
	if (t->is_previous && !run_request(r)->logs.is_previous && in->status != 403 && in->status != 401) {
		t->was_previous_tried = true;
		if (t->has_line) {
			kube_tail_ask(t, r, false, true, 0);
		} else {
			sayf(t, r, LINE_GAP, ": the log of the run before is gone: its lines are missing");
			begin_run(t, r);
		}
	} else if (in->status == 403 || in->status == 401) {
		give_up(t, r, err);
	} else if (is_list(r)) {
		sayf(t, r, LINE_GAP, ": %s", err->text);
		rest(t, r, true);
	} else {
		if (!t->is_node_told && in->status == 400)
			sayf(t, r, LINE_START, ": %s", err->text);
		t->is_node_told = true;
		pause(t, r, POD_MS);
	}
}

static void failed(struct kube_tail *t, struct run *r, const struct input *in)
{
	struct err err;
	kube_failure(r, in, &err);
	if (t->is_gone) {
		sayf(t, r, LINE_GAP, ": the pod is gone: %s",
		     t->has_line ? kube_tail_missing(r, t->anchor, 0) : "its log may be missing");
		t->is_ended_told = true;
		leave_run(t, r);
	} else if (!can_pass(in)) {
		if (in->status >= 400)
			refused(t, r, in, &err);
		else
			give_up(t, r, &err);
	} else if (is_list(r) && t->attempts >= READS) {
		sayf(t, r, LINE_GAP, ": the rest is missing: %s", err.text);
		give_up(t, r, &err);
	} else {
		t->is_broken = true;
		t->failure = err;
		pause(t, r, 0);
	}
}

/* --- looks --- */

static void rotated(struct kube_tail *t, struct run *r, int64_t ns)
{
	kube_tail_say(t, r, LINE_GAP, ns / 1000000,
		      arena_printf(run_arena(r), "container %s: the node rotated its log: %s", t->container,
				   kube_tail_missing(r, kube_tail_before(t, ns), ns)));
	t->file = ns;
}

static void looked_at_file(struct kube_tail *t, struct run *r, int64_t ns)
{
	int64_t from = kube_tail_from(t, r);
	if (ns > t->newest && !t->is_last_look)
		return; /* its first line is on the way: the next look finds what came before it */
	if (ns > t->file + KUBE_SLACK_NS) {
		rotated(t, r, ns);
	} else if (from && !t->was_file_seen && ns / 1000000 - from > KUBE_LATE_MS) {
		char text[CLOCK_TEXT];
		clock_rfc3339(ns / 1000000, text);
		sayf(t, r, LINE_GAP,
		     ": the node keeps nothing before %s: older lines were rotated away, if there were any",
		     text);
	}
	t->was_file_seen = true;
	kube_tail_looked(t);
}

static void looked_at_newest(struct kube_tail *t, struct run *r, int64_t ns)
{
	if (ns <= t->newest) {
		t->is_behind = false;
	} else if (t->is_behind && t->lines == t->behind_lines) {
		kube_tail_ask(t, r, false, true, 0); /* the node has it, and does not send it */
	} else {
		t->is_behind = true;
		t->behind_lines = t->lines;
		set_timer(t, r, BEHIND_MS);
	}
}

static void looked(struct kube_tail *t, struct run *r, const struct input *in)
{
	enum kube_look look = t->look;
	struct kube_stamps stamps = {0};
	int64_t ns = 0;
	size_t used;
	t->look = KUBE_LOOK_NONE;
	run_stop(r, t->tag + LOOK);
	bool is_read = in->kind == INPUT_UNIT && kube_stamp_read(&stamps, in->data, in->len, &ns, &used);
	if (look == KUBE_LOOK_FILE && is_read)
		looked_at_file(t, r, ns);
	else if (look == KUBE_LOOK_NEWEST && is_read)
		looked_at_newest(t, r, ns);
	else if (look == KUBE_LOOK_RUN && is_read && ns != t->left)
		sayf(t, r, LINE_GAP, " started more than once: the lines of the run between are missing");
	else if (look == KUBE_LOOK_NEWEST && in->kind == INPUT_FAIL && can_pass(in))
		failed(t, r, in); /* the way to the server is broken, or to the node */
	if (look == KUBE_LOOK_RUN)
		t->left = 0;
	if (t->is_last_look && is_list(r))
		end_list(t, r);
	else if (t->is_last_look)
		leave_run(t, r);
}

/* --- time, and the pod --- */

static void tick(struct kube_tail *t, struct run *r)
{
	bool is_moving = t->lines != t->looked_lines;
	if (t->is_gone) {
		leave_run(t, r);
		return;
	}
	t->is_hurried = false;
	t->quiet = is_moving ? 0 : t->quiet + 1;
	int64_t ms = LOOK_MS;
	for (int i = 1; i < t->quiet && ms < LOOK_MAX_MS; i++)
		ms *= 2;
	set_timer(t, r, ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS);
	kube_tail_look(t, r, is_moving && !t->is_behind ? KUBE_LOOK_FILE : KUBE_LOOK_NEWEST);
}

static void next(struct kube_tail *t, struct run *r)
{
	if (t->now.restarts > t->run && t->is_complete)
		begin_run(t, r);
	else if (t->now.restarts > t->run && !is_list(r))
		kube_tail_ask(t, r, true, true, 0);
	else if (!t->is_complete && t->now.has_run)
		kube_tail_ask(t, r, run_request(r)->logs.is_previous, true, 0);
	else
		rest(t, r, false);
}

static void say_waits(struct kube_tail *t, struct run *r)
{
	if (t->is_node_told || t->now.has_run || !t->now.waits[0])
		return;
	t->is_node_told = true;
	sayf(t, r, LINE_START, " waits: %s", t->now.waits);
}

void kube_tail_begin(struct kube_tail *t, struct run *r)
{
	const struct log_wish *wish = &run_request(r)->logs;
	t->run = t->now.restarts;
	t->since = wish->since * 1000000;
	t->is_ended_told = !t->now.is_running && str_eq(t->now.ended, "exit 0"); /* long ago, and as it should */
	if (is_list(r) && !t->now.has_run) {
		say_waits(t, r);
		rest(t, r, true);
		return;
	}
	say_waits(t, r);
	next(t, r);
}

void kube_tail_tell(struct kube_tail *t, struct run *r, const struct kube_run *now)
{
	bool is_other = now->restarts != t->now.restarts || now->is_running != t->now.is_running ||
			now->has_run != t->now.has_run;
	t->now = *now;
	if (t->run < 0 || t->phase == KUBE_TAIL_OVER)
		return;
	say_waits(t, r);
	if (!is_other || t->is_last_look)
		return;
	bool is_waiting = t->phase == KUBE_TAIL_OPEN && t->is_catching && t->needs_proof && !t->is_previous;
	if (is_waiting && now->restarts > t->run && !t->was_previous_tried)
		kube_tail_ask(t, r, true, true, 0);
	else if (t->phase == KUBE_TAIL_IDLE || t->phase == KUBE_TAIL_PAUSE)
		next(t, r);
}

void kube_tail_gone(struct kube_tail *t, struct run *r)
{
	t->is_gone = true;
	if (t->phase == KUBE_TAIL_OPEN)
		set_timer(t, r, DRAIN_MS);
	else if (t->phase != KUBE_TAIL_OVER && !t->is_last_look)
		leave_run(t, r);
}

static void headed(struct kube_tail *t, struct run *r, const struct input *in)
{
	const char *type = input_header(in, "content-type");
	struct err err;
	if (type && str_starts(type, "text/html")) {
		err_set(&err, ERR_UNREACHABLE,
			"the answer is a web page: a login page or a proxy stands before the cluster");
		give_up(t, r, &err);
		return;
	}
	t->is_broken = false;
	t->failure = (struct err){0};
	if (t->left && !t->is_previous)
		kube_tail_look(t, r, KUBE_LOOK_RUN);
}

void kube_tail_on(struct kube_tail *t, struct run *r, const struct input *in)
{
	switch (in->tag - t->tag) {
	case LINES:
		if (in->kind == INPUT_UNIT)
			kube_tail_line(t, r, in);
		else if (in->kind == INPUT_HEAD)
			headed(t, r, in);
		else if (in->kind == INPUT_END)
			ended(t, r);
		else if (in->kind == INPUT_FAIL)
			failed(t, r, in);
		break;
	case LOOK:
		if (in->kind != INPUT_HEAD)
			looked(t, r, in);
		break;
	default:
		if (t->phase == KUBE_TAIL_OPEN)
			tick(t, r);
		else if (t->phase == KUBE_TAIL_PAUSE)
			next(t, r);
		break;
	}
}
