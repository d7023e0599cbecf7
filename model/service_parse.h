/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_SERVICE_PARSE_H
#define MODEL_SERVICE_PARSE_H
/*
 * Private to model/service_*.c: how service.yaml becomes a struct service_file. Each part complains through
 * p->y and goes on, so that all complaints come at once.
 */
#include "model/service_file.h"

struct service_parser {
	struct yaml y;               /* its arena is that of file */
	struct service_file *file;
	bool says_health;            /* keys whose absence means something */
	bool says_metrics, has_health, has_metrics;
};

void service_parse_alerts(struct service_parser *, const struct yaml_node *);
void service_parse_objectives(struct service_parser *, const struct yaml_node *);
/* ServiceDown and CrashLoop, unless the file says a rule of that kind itself. After service_parse_alerts().
 */
void service_add_default_alerts(struct service_parser *);
/* build: or run:, a shell line or a list that is argv. */
void service_parse_command(struct service_parser *, const struct yaml_node *, struct service_command *);
/* What the language does when build: or run: is unsaid; complains about an unknown language without run:. */
void service_add_language(struct service_parser *, const struct yaml_node *language);
#endif
