/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_HOME_H
#define VIEWS_HOME_H
/*
 * The inside of home, shared by home.c (the screen) and home_panes.c (what the four panes show).
 */
#include "views/alert_groups.h"
#include "views/pane.h"

#define HOME_FIXED_COLUMNS 2 /* name and team stand before the environments */
#define HOME_MATRIX_MAX (SHEET_COLUMNS_MAX - HOME_FIXED_COLUMNS)

enum home_pane { PANE_SERVICES, PANE_ENVIRONMENTS, PANE_DEPLOYS, PANE_ALERTS, PANE_COUNT };

struct home {
	struct view view;
	struct pane_group group; /* each pane has the home as its arg */
	struct alert_groups groups; /* of the alerts pane, unless it is zoomed */
	bool has_shown_alerts;
	struct filter *filter;
	char filter_text[256];
	char environments[HOME_MATRIX_MAX][64]; /* columns of the matrix */
	size_t n_environments;
	struct sheet_column columns[SHEET_COLUMNS_MAX];
};
extern const struct pane_class home_panes[PANE_COUNT];
bool home_in_environment(struct home *, const char *environment); /* not narrowed away */
bool home_wants_alert(struct home *, const struct alert *); /* not narrowed away */
int home_alert_rank(const struct alert *);                 /* the least is the worst */
#endif
