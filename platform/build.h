/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_BUILD_H
#define PLATFORM_BUILD_H
/*
 * Taking a service's files as they are, or as they were at a version, into a folder of their own: the role
 * `fairway --pack`, a child of the daemon because it reads many files and runs git, and may therefore block.
 *
 * What lies there now: in a git work tree the files git knows or would add, else every file but .git. A
 * version: the files of that tag or commit, read out of git's objects, so that the work tree is not touched
 * and no filter of the repository runs. git is always run with fsmonitor and hooks off and no bare repository
 * taken up on the way (git-config(1): core.fsmonitor, core.hooksPath, safe.bareRepository); the caller makes
 * sure that a person approved the folder before.
 *
 * Refused: symbolic links that lead out of the folder, devices, sockets, submodules, more than
 * BUILD_FILES_MAX files or BUILD_BYTES_MAX bytes. Modes become 0600, or 0700 for what is executable. These
 * functions block; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

#define BUILD_FILES_MAX 20000
#define BUILD_BYTES_MAX (512 << 20)
#define BUILD_VERSION 128

struct build_packed {
	char version[BUILD_VERSION];
	char commit[65];     /* "" without git, or when files differ from it */
	char tree[HASH_HEX]; /* SHA-256 over names, modes and contents */
	size_t files;
	uint64_t bytes;
};

/* A word of letters, digits and . _ + - / that git cannot take for an option or a range. */
bool build_version_is_valid(const char *version);
/* version NULL: what lies in folder now. dest must not exist; on failure nothing is left of it.
 * ERR_NOT_FOUND: git knows no such version (tags SERVICE/VERSION, vVERSION, VERSION, or a commit). */
bool build_pack(const char *service, const char *folder, const char *version, const char *dest,
		struct build_packed *, struct err *);
/* The role: argv is SERVICE FOLDER VERSION|- DEST. Prints "version …", "commit …" and "tree …", one a line;
 * the error goes to stderr, its kind is the exit status. */
int build_main(int argc, char **argv);
/* What the role printed. */
bool build_packed_parse(const char *text, struct build_packed *, struct err *);
/* Removes a folder and all below it, never following a link. */
bool build_remove(const char *path, struct err *);
#endif
