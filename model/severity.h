/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_SEVERITY_H
#define MODEL_SEVERITY_H
/* How bad an alert is: of records and of the rules in service.yaml. Names: severity_names in record.c. */
enum severity { SEVERITY_CRITICAL, SEVERITY_WARNING, SEVERITY_INFO };
#endif
