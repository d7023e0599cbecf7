/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods: the word that kubectl shows as STATUS (its printer of pods, kubernetes/kubernetes
 * pkg/printers/internalversion), and a sentence for a person.
 */
#include <string.h>

#include "backend/providers/kubernetes/object.h"
#include "base/clock.h"
#include "model/version.h"

#define LOOP_FIRST_MS 10000
#define LOOP_MOST_MS ((int64_t)300000)
#define LOOP_LATE_MS 60000 /* so late it may look whether a wait is over */

struct reading {                           /* of one pod */
	const cJSON *spec, *status, *main; /* main: spec of the container that counts */
	struct arena *arena;
	struct kube_pod *pod;
	bool has_many;             /* sentences name the container */
	const char *culprit;       /* name of the container that status is about */
	bool is_init;              /* it is one of those that come before the others */
	const cJSON *now, *before; /* its state, and how it ended the time before */
	int64_t restarts;          /* of that container */
	int64_t sidecar_restarts;
};

static const cJSON *by_name(const cJSON *list, const char *name)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, list)
	{
		if (name && str_eq(json_text(item, "name"), name))
			return item;
	}
	return NULL;
}

static const cJSON *condition(const cJSON *status, const char *type)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json_get(status, "conditions"))
	{
		if (str_eq(json_text(item, "type"), type))
			return item;
	}
	return NULL;
}

static bool is_true(const cJSON *condition)
{
	return str_eq(json_text(condition, "status"), "True");
}

/* A sidecar: an init container that is kept running,
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/ */
static bool is_sidecar(const cJSON *container)
{
	return str_eq(json_text(container, "restartPolicy"), "Always");
}

static const cJSON *main_container(const cJSON *spec, const struct kube_meta *m)
{
	const cJSON *list = json_get(spec, "containers");
	const cJSON *wanted =
		by_name(list, json_text(m->annotations, "kubectl.kubernetes.io/default-container"));
	return wanted ? wanted : cJSON_GetArrayItem(list, 0);
}

/* "exit 3", "OOMKilled", "SIGKILL": 128 + n is how a shell tells of signal n. */
static const char *say_exit(const cJSON *terminated, struct arena *a)
{
	static const char *const signals[] = {
		[1] = "SIGHUP",   [2] = "SIGINT",   [3] = "SIGQUIT",  [4] = "SIGILL",
		[6] = "SIGABRT",  [7] = "SIGBUS",   [8] = "SIGFPE",   [9] = "SIGKILL",
		[11] = "SIGSEGV", [13] = "SIGPIPE", [14] = "SIGALRM", [15] = "SIGTERM"};
	int64_t code = json_int(terminated, "exitCode", 0), signal = json_int(terminated, "signal", 0);
	if (!terminated)
		return NULL;
	if (str_eq(json_text(terminated, "reason"), "OOMKilled"))
		return "OOMKilled";
	if (!signal && code > 128 && code < 160)
		signal = code - 128;
	if (signal > 0 && signal < (int64_t)(sizeof(signals) / sizeof(signals[0])) && signals[signal])
		return signals[signal];
	return signal > 0 ? arena_printf(a, "signal %lld", (long long)signal)
			  : arena_printf(a, "exit %lld", (long long)code);
}

static void blame(struct reading *r, const cJSON *container, bool is_init, const char *status)
{
	r->pod->status = status;
	r->culprit = json_text(container, "name");
	r->is_init = is_init;
	r->now = json_get(container, "state");
	r->before = json_get(json_get(container, "lastState"), "terminated");
	r->restarts = json_int(container, "restartCount", 0);
}

/* What "terminated" says in one word, with a prefix. */
static const char *ended_word(const struct reading *r, const cJSON *terminated, const char *prefix)
{
	const char *reason = json_text(terminated, "reason");
	if (!str_empty(reason))
		return arena_printf(r->arena, "%s%s", prefix, reason);
	if (json_int(terminated, "signal", 0))
		return arena_printf(r->arena, "%sSignal:%lld", prefix,
				    (long long)json_int(terminated, "signal", 0));
	return arena_printf(r->arena, "%sExitCode:%lld", prefix,
			    (long long)json_int(terminated, "exitCode", 0));
}

/* Returns whether they are still at work. */
static bool read_init(struct reading *r)
{
	const cJSON *specs = json_get(r->spec, "initContainers"), *c;
	int at = 0, n = cJSON_GetArraySize(specs);
	cJSON_ArrayForEach(c, json_get(r->status, "initContainerStatuses"))
	{
		const cJSON *state = json_get(c, "state"), *ended = json_get(state, "terminated");
		const char *waits = json_text(json_get(state, "waiting"), "reason");
		bool is_kept = is_sidecar(by_name(specs, json_text(c, "name")));
		r->pod->restarts += json_int(c, "restartCount", 0);
		r->sidecar_restarts += is_kept ? json_int(c, "restartCount", 0) : 0;
		at++;
		if ((ended && json_int(ended, "exitCode", 0) == 0) ||
		    (is_kept && json_bool(c, "started", false)))
			continue;
		if (ended)
			blame(r, c, true, ended_word(r, ended, "Init:"));
		else if (!str_empty(waits) && !str_eq(waits, "PodInitializing"))
			blame(r, c, true, arena_printf(r->arena, "Init:%s", waits));
		else
			blame(r, c, true, arena_printf(r->arena, "Init:%d/%d", at - 1, n));
		return true;
	}
	return false;
}

/* From the last to the first, so that what the first one says wins. */
static void read_containers(struct reading *r)
{
	const cJSON *list = json_get(r->status, "containerStatuses");
	bool has_running = false;
	r->pod->restarts = r->sidecar_restarts;
	for (int i = cJSON_GetArraySize(list) - 1; i >= 0; i--) {
		const cJSON *c = cJSON_GetArrayItem(list, i), *state = json_get(c, "state"),
			    *ended = json_get(state, "terminated");
		const char *waits = json_text(json_get(state, "waiting"), "reason");
		r->pod->restarts += json_int(c, "restartCount", 0);
		if (!str_empty(waits))
			blame(r, c, false, waits);
		else if (ended)
			blame(r, c, false, ended_word(r, ended, ""));
		else if (json_bool(c, "ready", false) && json_get(state, "running"))
			has_running = true;
	}
	if (str_eq(r->pod->status, "Completed") && has_running)
		r->pod->status = r->pod->is_ready ? "Running" : "NotReady";
}

static bool is_over(const struct reading *r)
{
	const char *phase = json_text(r->status, "phase");
	return str_eq(phase, "Succeeded") || str_eq(phase, "Failed");
}

static void read_status(struct reading *r)
{
	struct kube_pod *p = r->pod;
	const char *phase = json_text(r->status, "phase"), *reason = json_text(r->status, "reason");
	const cJSON *scheduled = condition(r->status, "PodScheduled");
	p->status = !str_empty(reason) ? reason : phase ? phase : "Unknown";
	if (str_eq(json_text(scheduled, "reason"), "SchedulingGated"))
		p->status = "SchedulingGated";
	if (!read_init(r) || is_true(condition(r->status, "Initialized")))
		read_containers(r);
	if (p->meta.deleted_at && str_eq(reason, "NodeLost"))
		p->status = "Unknown";
	else if (p->meta.deleted_at && !is_over(r))
		p->status = "Terminating";
}

/* --- sentences --- */

/* "init container migrate: ", "sidecar: ", or nothing when there is one only. */
static const char *whose(const struct reading *r)
{
	if (r->is_init && r->culprit)
		return arena_printf(r->arena, "init container %s: ", r->culprit);
	return r->has_many && r->culprit ? arena_printf(r->arena, "%s: ", r->culprit) : "";
}

static const char *limit_of(const struct reading *r)
{
	const cJSON *c = by_name(json_get(r->spec, r->is_init ? "initContainers" : "containers"), r->culprit);
	return json_text(json_get(json_get(c, "resources"), "limits"), "memory");
}

/* How a container ended: "exit 3", "OOMKilled: over its limit of 16Mi", with what it left as its message. */
static const char *say_end(const struct reading *r, const cJSON *ended)
{
	const char *how = say_exit(ended, r->arena), *limit = limit_of(r),
		   *left = json_text(ended, "message");
	if (str_eq(how, "OOMKilled") && limit)
		how = arena_printf(r->arena, "OOMKilled: over its limit of %s", limit);
	if (str_empty(left))
		return how;
	return arena_printf(r->arena, "%s: %.*s", how, (int)strcspn(left, "\n"), left);
}

/* Length of "5m0s" in "back-off 5m0s restarting failed container=…": how long it waits between two tries. */
static size_t wait_length(const char *message)
{
	size_t len = message && str_starts(message, "back-off ") ? strcspn(message + 9, " ") : 0;
	return len > 12 ? 0 : len;
}

/* Since when it loops. A kubelet waits 10 s before the second try, twice as long before each one after that, at most
 * 5 minutes, and begins anew once a container ran for twice that: "Pod Lifecycle", Container restarts. */
static void date_loop(struct reading *r)
{
	const char *message = json_text(json_get(r->now, "waiting"), "message");
	const cJSON *ended = r->pod->phase == PHASE_CRASH_LOOP ? r->before : NULL;
	int64_t began = kube_time(ended, "startedAt"), wait = 0, waited = 0, tries = 0;
	size_t len = wait_length(message);
	if (!began || !len || !clock_parse_duration(arena_dup_n(r->arena, message + 9, len), &wait))
		return;
	for (int64_t ms = LOOP_FIRST_MS; ms < wait; ms *= 2, tries++)
		waited += ms;
	if (tries > 0 && began - waited < r->pod->since)
		r->pod->since = began - waited;
	if (wait < LOOP_MOST_MS)
		r->pod->loops_after = began - waited - (tries + 1) * (2 * LOOP_MOST_MS + LOOP_LATE_MS);
}

/* A container that runs and looped: its last run ended too soon for its kubelet to begin anew, and was not the first, so
 * that it waited before this one. A first restart comes at once, and is no loop. */
static const cJSON *resumed(struct reading *r)
{
	static const char *const lists[] = {"containerStatuses", "initContainerStatuses"};
	const cJSON *c, *found = NULL;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		cJSON_ArrayForEach(c, json_get(r->status, lists[i]))
		{
			const cJSON *ended = json_get(json_get(c, "lastState"), "terminated");
			int64_t now = kube_time(json_get(json_get(c, "state"), "running"), "startedAt"),
				began = kube_time(ended, "startedAt"), over = kube_time(ended, "finishedAt");
			if (json_int(c, "restartCount", 0) < 2 || !now || !began || over < began ||
			    over - began >= 2 * LOOP_MOST_MS || now < over || now <= r->pod->resumed_at ||
			    str_eq(json_text(ended, "reason"), "OOMKilled"))
				continue;
			r->pod->resumed_at = now;
			r->pod->looped_at = began;
			r->pod->loops_after = began - json_int(c, "restartCount", 0) * (3 * LOOP_MOST_MS + LOOP_LATE_MS);
			found = ended;
		}
	return found;
}

static const char *say_wait(const struct reading *r, const char *message)
{
	size_t len = wait_length(message);
	if (!len)
		return "";
	if (len > 2 && memcmp(message + 9 + len - 2, "0s", 2) == 0 && message[9 + len - 3] == 'm')
		len -= 2;
	return arena_printf(r->arena, ", %.*s between tries", (int)len, message + 9);
}

static const char *say_crash(const struct reading *r)
{
	const cJSON *ended = json_get(r->now, "terminated");
	const char *how = say_end(r, ended ? ended : r->before);
	return arena_printf(r->arena, "%scrash loop: %lld restart%s, %s%s", whose(r), (long long)r->restarts,
			    r->restarts == 1 ? "" : "s", how ? how : "nobody knows why",
			    say_wait(r, json_text(json_get(r->now, "waiting"), "message")));
}

/* containerd names the image up to three times before it says why it has it not: from the last time on. Its
 * tag may be left out, or its digest. */
static const char *from_last_image(const struct reading *r, const char *message)
{
	const cJSON *c = by_name(json_get(r->spec, r->is_init ? "initContainers" : "containers"), r->culprit);
	const char *image = json_text(c, "image"), *last = message, *at = message;
	if (str_empty(image))
		return message;
	const char *name = arena_dup_n(r->arena, image, image_name_length(image));
	while (*name && (at = strstr(at, name))) {
		if (str_starts(at + strcspn(at, "\" "), "\": "))
			last = at;
		at += strlen(name);
	}
	return last;
}

static const char *say_waiting(const struct reading *r)
{
	const char *word = json_text(json_get(r->now, "waiting"), "reason"),
		   *message = json_text(json_get(r->now, "waiting"), "message");
	if (str_empty(word))
		word = r->pod->status;
	if (str_empty(message))
		return arena_printf(r->arena, "%s%s", whose(r), word);
	message = from_last_image(r, message);
	size_t image = strcspn(message, "\" ");
	if (str_starts(message + image, "\": ")) /* without that quote */
		return arena_printf(r->arena, "%s%s: %.*s%s", whose(r), word, (int)image, message,
				    message + image + 1);
	return arena_printf(r->arena, "%s%s: %s", whose(r), word, message);
}

static void set(struct reading *r, enum phase phase, const char *reason)
{
	r->pod->phase = phase;
	r->pod->reason = reason;
}

static void say_unscheduled(struct reading *r, const cJSON *scheduled)
{
	const char *message = json_text(scheduled, "message");
	r->pod->since = kube_time(scheduled, "lastTransitionTime");
	if (str_eq(json_text(scheduled, "reason"), "SchedulingGated")) {
		set(r, PHASE_STARTING, "waits for its scheduling gates to be taken away");
		return;
	}
	r->pod->is_waiting_node = true;
	set(r, PHASE_STARTING,
	    arena_printf(r->arena, "no node takes it: %s", message ? message : "no reason given"));
}

/* All that is to run runs, and yet it is not ready. */
static void say_unready(struct reading *r)
{
	const cJSON *c, *gate, *list = json_get(r->spec, "containers");
	cJSON_ArrayForEach(c, json_get(r->status, "containerStatuses"))
	{
		const cJSON *spec = by_name(list, json_text(c, "name"));
		if (json_bool(c, "ready", false))
			continue;
		r->culprit = json_text(c, "name");
		if (!json_bool(c, "started", true) && json_get(spec, "startupProbe"))
			set(r, PHASE_STARTING,
			    arena_printf(r->arena, "%sits startup probe has not passed yet", whose(r)));
		else if (json_get(spec, "readinessProbe"))
			set(r, PHASE_UNHEALTHY, arena_printf(r->arena, "%sreadiness probe fails", whose(r)));
		else
			set(r, PHASE_STARTING, arena_printf(r->arena, "%snot ready yet", whose(r)));
		return;
	}
	set(r, PHASE_UNHEALTHY, "not ready");
	cJSON_ArrayForEach(gate, json_get(r->spec, "readinessGates"))
	{
		const char *type = json_text(gate, "conditionType");
		if (type && !is_true(condition(r->status, type)))
			set(r, PHASE_UNHEALTHY,
			    arena_printf(r->arena, "its readiness gate %s is not open", type));
	}
}

static int trimmed(const char *text)
{
	size_t len = strlen(text);
	while (len && strchr(" \n", text[len - 1]))
		len--;
	return (int)len;
}

static void say_over(struct reading *r)
{
	const char *message = json_text(r->status, "message"), *reason = json_text(r->status, "reason");
	const cJSON *ended = json_get(r->now, "terminated");
	if (str_eq(json_text(r->status, "phase"), "Succeeded"))
		set(r, PHASE_EXITED, NULL);
	else if (!str_empty(reason)) /* "Evicted: The node was low on resource: memory. …" */
		set(r, PHASE_EXITED,
		    message ? arena_printf(r->arena, "%s: %.*s", reason, trimmed(message), message) : reason);
	else
		set(r, PHASE_EXITED,
		    ended ? arena_printf(r->arena, "%s%s", whose(r), say_end(r, ended)) : "failed");
	r->pod->since = kube_time(ended, "finishedAt");
}

/* What a container waits for that comes by itself. */
static bool is_on_its_way(const char *waits)
{
	return !waits || str_eq(waits, "ContainerCreating") || str_eq(waits, "PodInitializing");
}

static void say_culprit(struct reading *r)
{
	const cJSON *ended = json_get(r->now, "terminated");
	const char *waits = json_text(json_get(r->now, "waiting"), "reason");
	bool is_once = str_eq(json_text(r->spec, "restartPolicy"), "Never");
	if (str_eq(waits, "CrashLoopBackOff") || (ended && r->restarts > 0 && !is_once))
		set(r, PHASE_CRASH_LOOP, say_crash(r));
	else if (ended)
		set(r, PHASE_EXITED, arena_printf(r->arena, "%sended: %s", whose(r), say_end(r, ended)));
	else if (r->is_init && is_on_its_way(waits))
		set(r, PHASE_STARTING, arena_printf(r->arena, "init container %s is at work", r->culprit));
	else if (is_on_its_way(waits))
		set(r, PHASE_STARTING, NULL);
	else
		set(r, PHASE_UNHEALTHY, say_waiting(r));
}

static void read_phase(struct reading *r)
{
	struct kube_pod *p = r->pod;
	const cJSON *ready = condition(r->status, "Ready"), *scheduled = condition(r->status, "PodScheduled");
	const char *message = json_text(r->status, "message");
	p->since = kube_time(ready, "lastTransitionTime");
	if (str_eq(p->status, "Unknown")) {
		set(r, PHASE_UNKNOWN, message ? message : "its node tells nothing any more");
	} else if (p->meta.deleted_at && !is_over(r)) {
		p->since = p->meta.deleted_at;
		set(r, PHASE_STOPPING, NULL);
	} else if (is_over(r)) {
		say_over(r);
	} else if (str_eq(json_text(scheduled, "status"), "False")) {
		say_unscheduled(r, scheduled);
	} else if (p->is_ready) {
		set(r, PHASE_RUNNING, NULL);
	} else if (str_eq(p->status, "NotReady")) {
		set(r, PHASE_RUNNING, arena_printf(r->arena, "%s has ended, others go on", r->culprit));
	} else if (r->now) {
		say_culprit(r);
		date_loop(r);
	} else if (str_eq(json_text(r->status, "phase"), "Running")) {
		say_unready(r);
	} else {
		set(r, PHASE_STARTING, NULL);
	}
}

/* --- what it may use: the sum of its containers, or what one of the first asks for alone --- */

static int64_t resource(const cJSON *container, const char *which, const char *name)
{
	return kube_quantity(json_text(json_get(json_get(container, "resources"), which), name));
}

static int64_t add(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* A limit counts when all that run have one. In thousandths. */
static int64_t sum_of(const struct reading *r, const char *which, const char *name)
{
	bool is_limit = str_eq(which, "limits"), has_any = false;
	int64_t sum = 0, most = 0, whole = resource(r->spec, which, name);
	const cJSON *c;
	if (whole != RECORD_NONE)
		return whole;
	cJSON_ArrayForEach(c, json_get(r->spec, "containers"))
	{
		int64_t n = resource(c, which, name);
		if (n == RECORD_NONE && is_limit)
			return RECORD_NONE;
		has_any |= n != RECORD_NONE;
		sum = add(sum, n == RECORD_NONE ? 0 : n);
	}
	cJSON_ArrayForEach(c, json_get(r->spec, "initContainers"))
	{
		int64_t n = resource(c, which, name);
		has_any |= n != RECORD_NONE;
		if (is_sidecar(c))
			sum = add(sum, n == RECORD_NONE ? 0 : n);
		else if (n > most)
			most = n;
	}
	return has_any ? sum > most ? sum : most : RECORD_NONE;
}

static int64_t bytes(int64_t thousandths)
{
	return thousandths == RECORD_NONE ? RECORD_NONE : thousandths / 1000;
}

static void read_resources(struct reading *r)
{
	r->pod->cpu_request = sum_of(r, "requests", "cpu");
	r->pod->cpu_limit = sum_of(r, "limits", "cpu");
	r->pod->memory_request = bytes(sum_of(r, "requests", "memory"));
	r->pod->memory_limit = bytes(sum_of(r, "limits", "memory"));
}

bool kube_pod_read(const cJSON *object, struct arena *a, struct kube_pod *p)
{
	*p = (struct kube_pod){.phase = PHASE_UNKNOWN, .port = RECORD_NONE};
	kube_meta_read(object, &p->meta);
	if (!p->meta.name || !p->meta.uid)
		return false;
	struct reading r = {
		.spec = json_get(object, "spec"), .status = json_get(object, "status"), .arena = a, .pod = p};
	r.main = main_container(r.spec, &p->meta);
	r.has_many = cJSON_GetArraySize(json_get(r.spec, "containers")) > 1;
	p->container = json_text(r.main, "name");
	p->image = json_text(r.main, "image");
	p->version = image_version(p->image, a);
	const char *label = json_text(p->meta.labels, "app.kubernetes.io/version");
	if ((!p->version || str_eq(p->version, "latest")) && !str_empty(label))
		p->version = label;
	p->port = json_int(cJSON_GetArrayItem(json_get(r.main, "ports"), 0), "containerPort", RECORD_NONE);
	p->node = json_text(r.spec, "nodeName");
	p->is_ready = is_true(condition(r.status, "Ready"));
	read_status(&r);
	read_phase(&r);
	const cJSON *own = by_name(json_get(r.status, "containerStatuses"), p->container),
		    *state = json_get(own, "state");
	const cJSON *ended = json_get(r.now, "terminated") ? json_get(r.now, "terminated") : r.before;
	const cJSON *looped = p->phase != PHASE_CRASH_LOOP && p->phase != PHASE_STOPPING ? resumed(&r) : NULL;
	if (looped)
		ended = looped;
	if (!ended)
		ended = json_get(state, "terminated");
	if (!ended)
		ended = json_get(json_get(own, "lastState"), "terminated");
	p->exit = say_exit(ended, a);
	p->ended_at = kube_time(ended, "finishedAt");
	p->ran_ms = p->ended_at && kube_time(ended, "startedAt") ? p->ended_at - kube_time(ended, "startedAt") : 0;
	p->started_at = kube_time(json_get(state, "running"), "startedAt");
	if (!p->started_at)
		p->started_at = kube_time(r.status, "startTime");
	read_resources(&r);
	return true;
}

/* --- containers --- */

/* While it waits to be started again, the run that ended is the present one. */
static void read_runs(const cJSON *status, struct arena *a, struct kube_container *c)
{
	const cJSON *state = json_get(status, "state"), *running = json_get(state, "running");
	const cJSON *ended = json_get(state, "terminated"), *waiting = json_get(state, "waiting");
	const cJSON *before = json_get(json_get(status, "lastState"), "terminated");
	const char *why = json_text(waiting, "reason"), *message = json_text(waiting, "message");
	c->is_running = running != NULL;
	c->was_running = before != NULL;
	c->has_run = running || ended || before;
	c->restarts = json_int(status, "restartCount", 0);
	if (!running && !ended) {
		ended = before;
		before = NULL;
	}
	c->started_at = kube_time(running ? running : ended, "startedAt");
	c->ended = say_exit(ended, a);
	c->before = say_exit(before, a);
	c->waits = why && message ? arena_printf(a, "%s: %s", why, message) : why;
}

static void add_containers(const cJSON *specs, const cJSON *statuses, bool is_init, struct arena *a,
			   struct kube_container *out, size_t *n)
{
	const cJSON *spec;
	cJSON_ArrayForEach(spec, specs)
	{
		const char *name = json_text(spec, "name");
		if (!name)
			continue;
		struct kube_container *c = &out[(*n)++];
		*c = (struct kube_container){
			.name = name, .is_init = is_init, .is_sidecar = is_init && is_sidecar(spec)};
		read_runs(by_name(statuses, name), a, c);
	}
}

size_t kube_pod_containers(const cJSON *object, struct arena *a, const struct kube_container **containers)
{
	const cJSON *spec = json_get(object, "spec"), *status = json_get(object, "status");
	const cJSON *init = json_get(spec, "initContainers"), *all = json_get(spec, "containers");
	size_t n = 0;
	struct kube_container *out = arena_alloc(
		a, ((size_t)cJSON_GetArraySize(init) + (size_t)cJSON_GetArraySize(all) + 1) * sizeof(*out));
	add_containers(init, json_get(status, "initContainerStatuses"), true, a, out, &n);
	add_containers(all, json_get(status, "containerStatuses"), false, a, out, &n);
	*containers = out;
	return n;
}
