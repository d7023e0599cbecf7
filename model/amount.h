/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_AMOUNT_H
#define MODEL_AMOUNT_H
/* How much an instance uses of what it may, as people of Kubernetes write it. Pure. */
#include "model/record.h"

#define AMOUNT_TEXT 48
/* "120m/500m": processor time in thousandths of a core, used and at most (or asked for, where there is no
 * limit);
 * "-" for a part that is not known; "" when neither is. "12" are whole cores. */
void amount_cpu(const struct instance *, char out[AMOUNT_TEXT]);
/* "64Mi/128Mi". */
void amount_memory(const struct instance *, char out[AMOUNT_TEXT]);
#endif
