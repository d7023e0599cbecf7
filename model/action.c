/* SPDX-License-Identifier: Apache-2.0 */
#include "model/action.h"

static const struct action actions[] = {
	{"deploy", "Build or take a release and bring it to an environment", TARGET_PLACEMENT, OP_CHANGING,
	 WISH_VERSION | WISH_CONTAINER},
	{"promote", "Bring the very release of one environment to the next", TARGET_PLACEMENT, OP_CHANGING, WISH_FROM},
	{"rollback", "Bring the last good release back and mark this one bad", TARGET_PLACEMENT, OP_CHANGING,
	 WISH_RELEASE},
	{"restart", "Replace every instance by a fresh one, without losing a request", TARGET_PLACEMENT, OP_CHANGING, 0},
	{"scale", "Set how many instances run", TARGET_PLACEMENT, OP_CHANGING, WISH_COUNT},
	{"pause", "Hold a rollout where it is, and every later one, until it is resumed", TARGET_PLACEMENT, OP_CHANGING,
	 ACTION_ELSEWHERE},
	{"resume", "Let a rollout go on that was paused, or waits at a step", TARGET_PLACEMENT, OP_CHANGING,
	 ACTION_ELSEWHERE},
	{"exec", "Run a command, or a shell, in an instance", TARGET_PLACEMENT, OP_CHANGING,
	 WISH_CONTAINER | WISH_INSTANCE | WISH_COMMAND | ACTION_ELSEWHERE | ACTION_LENT},
	{"port-forward", "Reach a port of an instance at a port of this machine", TARGET_PLACEMENT, OP_REVERSIBLE,
	 WISH_INSTANCE | WISH_TEXT | ACTION_ELSEWHERE | ACTION_LENT},
	{"cancel", "End the deploy that is under way and keep what served before", TARGET_PLACEMENT, OP_CHANGING, 0},
	{"lock", "Refuse every change of a placement until it is unlocked", TARGET_PLACEMENT, OP_CHANGING,
	 WISH_DURATION | WISH_REASON_NEEDED},
	{"unlock", "Allow changes again", TARGET_PLACEMENT, OP_CHANGING, 0},
	{"ack", "Say that you are on it: the alert is seen", TARGET_ALERT, OP_REVERSIBLE, WISH_DURATION},
	{"unack", "Take your ack back", TARGET_ALERT, OP_REVERSIBLE, 0},
	{"silence", "Notify nobody of alerts that match, for a time", TARGET_PLACEMENT, OP_REVERSIBLE,
	 WISH_DURATION | WISH_REASON_NEEDED},
	{"unsilence", "End a silence", TARGET_PLACEMENT, OP_REVERSIBLE, 0},
	{"note", "Write a sentence into the timeline", TARGET_PLACEMENT, OP_REVERSIBLE, WISH_TEXT},
	{"prove", "Inject a fault and see that the service's alert reaches its owner", TARGET_PLACEMENT, OP_CHANGING, 0},
	{"up", "Run the services of a folder", TARGET_FOLDER, OP_CHANGING, WISH_APPROVE},
	{"down", "Stop a service in an environment, or everywhere", TARGET_SERVICE, OP_CHANGING, 0},
	{"new", "Make a service from a golden path", TARGET_PATH, OP_CHANGING, WISH_SET},
};

const struct action *action_at(size_t index)
{
	return index < sizeof(actions) / sizeof(actions[0]) ? &actions[index] : NULL;
}

const struct action *action_find(const char *name)
{
	const struct action *a;
	for (size_t i = 0; (a = action_at(i)); i++)
		if (str_eq(a->name, name))
			return a;
	return NULL;
}
