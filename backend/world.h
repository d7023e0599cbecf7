/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_WORLD_H
#define BACKEND_WORLD_H
/* The real network, clock, children and files behind the struct io of a run. Backend thread only. */
#include "backend/run.h"

struct world {
	struct loop *loop;
	struct reaches *reaches;
	void (*deliver)(struct message *, void *arg); /* takes it */
	void *arg;
};
void world_io(struct world *, struct io *); /* the world is borrowed as long as the io is used */
#endif
