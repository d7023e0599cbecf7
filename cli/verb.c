/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verb.h"

#include "base/str.h"

#define PLACED (OPT_ENV | OPT_WRITE)
#define ROLLED (PLACED | OPT_WORKLOAD)

static const struct verb verbs[] = {
	/* read */
	{"status", "", "Tell how everything is, in one look", 0, 0, 0, 0, read_status, NULL},
	{"services", "", "List services with their placements", OPT_ENV, 0, 0, 0, read_list, NULL},
	{"service", "SERVICE", "List the placements of a service", OPT_ENV, 0, 1, 1, read_service, NULL},
	{"instances", "[SERVICE]", "List instances", OPT_ENV, 0, 0, 1, read_list, NULL},
	{"envs", "", "List environments in the order of promotion", 0, 0, 0, 0, read_list, NULL},
	{"deploys", "[SERVICE]", "List deploys, the newest first", OPT_ENV, 0, 0, 1, read_list, NULL},
	{"releases", "[SERVICE]", "List the releases that are kept, the newest first", 0, 0, 0, 1, read_list, NULL},
	{"alerts", "[SERVICE]", "List alerts, what fires first", OPT_ENV, 0, 0, 1, read_list, NULL},
	{"logs", "SERVICE", "Print log lines of all instances of a service, merged", OPT_ENV | OPT_SINCE | OPT_LOGS,
	 0, 1, 1, read_logs, NULL},
	{"events", "[SERVICE]", "List what happened, the oldest first", OPT_ENV | OPT_SINCE, 0, 0, 1, read_list, NULL},
	{"runbook", "SERVICE", "Print the runbook of a service (Markdown)", 0, 0, 1, 1, read_runbook, NULL},
	{"audit", "[verify]", "List who changed what, or verify the chain", 0, 0, 0, 1, read_audit, NULL},
	{"why", "SERVICE", "Tell why a service is red, or cannot be deployed", OPT_ENV, OPT_ENV, 1, 1, read_why, NULL},
	{"manifests", "DIR", "Print what a service is on a Kubernetes cluster", OPT_ENV | OPT_IMAGE | OPT_NAMESPACE, 0,
	 1, 1, read_manifests, NULL},
	{"info", "", "Print versions, paths and sources", 0, 0, 0, 0, read_info, NULL},
	{"config", "init|check|show|path|kubeconfig|plugins", "Make, check or show the configuration", OPT_KUBECONFIG | OPT_APPROVE, 0,
	 1, 1, read_config, NULL},
	{"keymap", "check [FILE]", "Check a file of keys", 0, 0, 1, 2, read_keymap, NULL},
	/* write */
	{"deploy", "SERVICE [VERSION]", "Build or take a release and bring it to an environment",
	 ROLLED | OPT_APPROVE | OPT_GUARDS | OPT_CONTAINER | OPT_APPLY, OPT_ENV, 1, 2, write_operation, "deploy"},
	{"promote", "SERVICE", "Bring the very release of one environment to another",
	 OPT_FROM | OPT_TO | OPT_APPROVE | OPT_WRITE | OPT_GUARDS | OPT_CONTAINER | OPT_WORKLOAD | OPT_APPLY,
	 OPT_TO, 1, 1, write_operation, "promote"},
	{"rollback", "SERVICE", "Bring the last good release back and mark this one bad", ROLLED | OPT_TO | OPT_GUARDS,
	 OPT_ENV, 1, 1, write_operation, "rollback"},
	{"restart", "SERVICE", "Replace every instance by a fresh one", ROLLED, OPT_ENV, 1, 1, write_operation, "restart"},
	{"scale", "SERVICE N", "Set how many instances run", ROLLED, OPT_ENV, 2, 2, write_operation, "scale"},
	{"pause", "SERVICE", "Hold the rollouts of a service until they are resumed", ROLLED, OPT_ENV, 1, 1,
	 write_operation, "pause"},
	{"resume", "SERVICE", "Let rollouts go on that were paused, or wait at a step", ROLLED, OPT_ENV, 1, 1,
	 write_operation, "resume"},
	{"cancel", "SERVICE", "End the deploy that is under way and keep what served before", ROLLED, OPT_ENV, 1, 1,
	 write_operation, "cancel"},
	{"exec", "SERVICE/ENV [-- COMMAND…]", "Run a command (in a pipe too) or a shell in an instance, with its status",
	 PLACED | OPT_INSTANCE | OPT_CONTAINER, 0, 1, ARGS_WORDS_MAX, write_lend, "exec"},
	{"port-forward", "SERVICE/ENV LOCAL:REMOTE", "Reach a port of an instance at a port of this machine",
	 PLACED | OPT_INSTANCE, 0, 2, 2, write_lend, "port-forward"},
	{"lock", "SERVICE", "Refuse every change of a placement for a time", PLACED | OPT_UNTIL, OPT_ENV | OPT_REASON, 1,
	 1, write_operation, "lock"},
	{"unlock", "SERVICE", "Allow changes again", PLACED, OPT_ENV, 1, 1, write_operation, "unlock"},
	{"ack", "ALERT_ID", "Say that you are on it", OPT_FOR | OPT_WRITE, 0, 1, 1, write_operation, "ack"},
	{"silence", "", "Notify nobody of the alerts of a service, for a time", PLACED | OPT_SERVICE | OPT_FOR,
	 OPT_SERVICE | OPT_ENV | OPT_FOR | OPT_REASON, 0, 0, write_operation, "silence"},
	{"note", "SERVICE TEXT", "Write a sentence into the timeline", PLACED, OPT_ENV, 2, 2, write_operation, "note"},
	{"new", "PATH NAME", "Make a service from a golden path, and take it as far as --to",
	 OPT_NEW | OPT_TO | OPT_IMAGE | OPT_WRITE, 0, 2, 2, write_new, "new"},
	{"up", "DIR…", "Run the services of folders", PLACED | OPT_APPROVE | OPT_GUARDS | OPT_IMAGE, 0, 1, ARGS_WORDS_MAX,
	 write_up, "up"},
	{"down", "[SERVICE…]", "Stop services; without a name, all of them", PLACED, 0, 0, ARGS_WORDS_MAX, write_down,
	 "down"},
	{"demo", "[up|down|reset|status]", "Raise the sample platform, and open the console on it", OPT_CONSOLE, 0, 0, 1,
	 write_demo, NULL},
	{"platform", "up|down|reset|status|install", "Start, stop or install the embedded platform", OPT_WRITE, 0, 1, 1,
	 write_platform, NULL},
};

const struct verb *verb_at(size_t index)
{
	return index < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[index] : NULL;
}

const struct verb *verb_find(const char *name)
{
	const struct verb *v;
	for (size_t i = 0; (v = verb_at(i)); i++)
		if (str_eq(v->name, name))
			return v;
	return NULL;
}
