/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_SLOT_LOG_H
#define PLATFORM_SLOT_LOG_H
/*
 * The log of one slot: from its FIFO to files that lose no byte.
 *   raw.N    the bytes as written, moved by splice(2): they are in the FIFO or in the file, never only in our
 *            memory, so a SIGKILL at any instant loses none and doubles none. The file's size is the truth.
 *   index.N  what happened when: fixed entries, appended after the bytes they speak of.
 * Bytes that a dead daemon moved but did not stamp are stamped by slot_log_new(). raw.N+1 exists only when
 * index.N speaks of all of raw.N. At log_file_bytes a new N is begun; the oldest beyond log_files are
 * unlinked. The daemon's thread only, one writer per slot (daemon.lock).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "platform/reactor.h"

enum slot_log_kind {
	SLOT_LOG_STAMP = 1, /* bytes from the entry before up to `end` came at `time` */
	SLOT_LOG_START = 2, /* an instance is started here (its pid is not known yet) */
	SLOT_LOG_EXIT = 3,  /* it ended here; value: status, -1 not seen */
	SLOT_LOG_OPEN = 4,  /* first entry of a file; value 1: it begins in the middle of a line */
};

struct slot_log_entry { /* as it lies on disk, in the machine's byte order: logs do not travel */
	uint64_t end;   /* offset in raw.N */
	int64_t time;   /* wall ms */
	uint32_t kind;
	int32_t value;
};

struct slot_log_events {
	void (*grew)(void *arg);
	void (*stalled)(bool is_stalled, const struct err *, void *arg);
};

struct slot_log;
/* dir and fifo are borrowed and must outlive it. file_bytes and files: 0 is the default (8 MiB, 4). Reads
 * from now on. */
struct slot_log *slot_log_new(struct reactor *, int slot_dir, int fifo, int64_t file_bytes, int files,
                              const struct slot_log_events *, void *arg, struct err *err);
void slot_log_free(struct slot_log *);
/* Moves what is in the FIFO now, then enters the mark there. False: the disk did not take all of it. */
bool slot_log_mark(struct slot_log *, enum slot_log_kind, int32_t value);
/* Moves what is in the FIFO now. False: the disk did not take all of it. */
bool slot_log_drain(struct slot_log *);
bool slot_log_is_stalled(const struct slot_log *);
/* A start without its exit is the last mark: the daemon was dead when that instance ended, or it still
 * runs. */
bool slot_log_is_mid_run(const struct slot_log *);
#endif
