/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H
/* The version of this program, from `git describe` at build time. */
extern const char *const fairway_version;
#endif
