/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_SERVICE_FILE_H
#define MODEL_SERVICE_FILE_H
/*
 * service.yaml, fairway-service(5): what a service says about itself. Pure: bytes in, a struct or all
 * complaints at once out; nothing is opened, nothing runs. Defaults are filled in, so readers need no second
 * table of them.
 *
 * A struct service_file owns an arena; every pointer in it lives until service_file_finish(). Texts are NULL
 * when unsaid, lists are empty. Times are milliseconds. Any thread; read-only after service_file_parse().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "model/severity.h"

#define SERVICE_FILE_NAME "service.yaml"
#define SERVICE_MAX_REPLICAS 100
#define SERVICE_WATCH_MS 5000          /* watch time of a deploy when unsaid */
#define SERVICE_DEFAULT_MAX_REPLICAS 10

struct service_command { /* build or run; argv is NULL when there is none */
	const char *text; /* fit to show: the shell line, or argv quoted as a shell would need it */
	const char *const
		*argv; /* what to execute: {"/bin/sh", "-c", line} for a shell line; NULL at its end */
	bool is_shell;
	bool is_default;             /* came from the language, not from the file */
};

struct service_health {
	const char *path;            /* NULL: healthy = the process lives (and listens, when it has a port) */
	const char *ready;           /* path asked before traffic is sent; same as path when unsaid */
	int64_t interval_ms, timeout_ms;
	int64_t grace_ms;            /* after its start an instance may be unhealthy so long */
};

const char *service_severity_name(enum severity);

enum service_alert_when {
	WHEN_DOWN,
	WHEN_CRASH_LOOP,
	WHEN_UNHEALTHY,
	WHEN_ERROR_RATIO,
	WHEN_LATENCY,
	WHEN_METRIC
};
const char *service_alert_when_name(enum service_alert_when);

struct service_alert {
	const char *name;            /* unique in the service: letters, digits, '_' */
	enum severity severity;
	enum service_alert_when when;
	const char *metric; /* filled in for error_ratio and latency; NULL for down, crash_loop, unhealthy */
	bool is_below;               /* fires below the threshold instead of above */
	double threshold;            /* error_ratio: 0..1; latency: seconds; metric: as it is */
	double quantile;             /* latency: 0..1, 0.95 when unsaid */
	int64_t window_ms, for_ms;
	const char *runbook;         /* relative path; NULL: none */
	const char *summary;
	bool is_default;             /* ServiceDown or CrashLoop that the file does not say */
	int line;
};

struct service_objective { /* kept and shown */
	const char *name, *indicator;
	double target;               /* percent */
};

struct service_database {
	const char *engine, *name;   /* "postgres", "user-db" */
};

struct service_runbook {
	const char *alert;           /* NULL: of the service as a whole */
	const char *path;            /* relative, no ".." */
};

struct service_resources { /* as a cluster counts them, "250m", "128Mi"; NULL: unsaid */
	const char *cpu_request, *memory_request, *cpu_limit, *memory_limit;
};

struct service_environment { /* what environments: says about one of them */
	const char *name;
	struct yaml_pairs env;
	int replicas;                /* -1: unsaid */
	int64_t watch_ms;            /* -1: unsaid */
};

struct service_file {
	struct arena arena;
	const char *name;            /* never NULL after a good parse */
	const char *team, *description, *language, *tier, *lifecycle;
	struct service_command build, run;
	bool has_port;               /* serves HTTP; false for a worker */
	int port;                    /* a wish for the first environment; 0: any */
	struct service_health health;
	const char *metrics;         /* path of Prometheus text; NULL: none */
	struct yaml_pairs env;       /* names [A-Za-z_][A-Za-z0-9_]*, never PORT nor FAIRWAY_* */
	struct service_environment *environments;
	size_t n_environments;
	int min_replicas, max_replicas;
	double cpu_target;           /* percent; 0: unsaid */
	struct service_resources resources;
	struct service_database *databases;
	size_t n_databases;
	struct yaml_texts dependencies; /* names of services */
	struct yaml_pairs links;     /* name → http(s) URL */
	struct service_runbook *runbooks;
	size_t n_runbooks;
	struct service_alert *alerts; /* the two default ones included */
	size_t n_alerts;
	struct service_objective *objectives;
	size_t n_objectives;
	struct yaml_pairs observability;
	int64_t watch_ms;
};

/* Fills *out, or complains and leaves it empty. file is for the complaints only. What was complained about
 * before the call does not count. */
bool service_file_parse(struct service_file *out, const char *file, const void *bytes, size_t len,
                        struct complaints *);
/* The same from a file of any name; *is_absent (may be NULL) tells a missing one from a wrong one. */
bool service_file_load(struct service_file *out, const char *path, bool *is_absent, struct complaints *);
void service_file_finish(struct service_file *); /* all zero is fine */

/* Whether the file says enough to run here (a run command); else the sentence why not. */
bool service_file_can_run(const struct service_file *, struct err *);

/* In these four an environment may be NULL: what holds everywhere. */
/* Instances wanted in an environment: its own number, else scaling.min_replicas, else 1. */
int service_file_replicas(const struct service_file *, const char *environment);
int64_t service_file_watch(const struct service_file *, const char *environment);
/* The value of a variable there (that of the environment wins), or NULL. */
const char *service_file_env(const struct service_file *, const char *environment, const char *name);
/* Calls back once for each variable that holds there. */
void service_file_each_env(const struct service_file *, const char *environment,
                           void (*each)(const char *name, const char *value, void *arg), void *arg);
/* The runbook for an alert: its own, that of the runbooks map, the first of the list, or NULL. */
const char *service_file_runbook(const struct service_file *, const char *alert);

struct service_step { /* one command that an approval covers */
	const char *purpose;         /* "build", "run" */
	const struct service_command *command;
};
#define SERVICE_STEPS 2
/* The commands that would run, in their order. Returns how many. */
size_t service_file_steps(const struct service_file *, struct service_step steps[SERVICE_STEPS]);
/* What a person approves, as SHA-256 over the commands, the environment's name and the folder's real path. */
void service_file_approval(const struct service_file *, const char *environment, const char *folder,
                           char hex[HASH_HEX]);

/* A path that stays inside of its folder: relative, not empty, no ".." part, no backslash, at most 255 bytes.
 */
bool service_path_is_inside(const char *path);
#endif
