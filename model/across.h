/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_ACROSS_H
#define MODEL_ACROSS_H
/*
 * What no source can know by itself, because it lies between two: the drift of a placement from that of the
 * environment before it, when another source tells of that one (a cluster each). Placements whose neighbour is
 * of their own source are left as that source told them. A face calls it after each batch that touched
 * placements or environments. One thread, the tables' own; costs one look-up a placement and environment.
 */
#include "model/overlay.h"

void across_drift(const struct overlay *environments, struct overlay *placements);
#endif
