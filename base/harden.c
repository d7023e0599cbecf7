/* SPDX-License-Identifier: Apache-2.0 */
#include "base/harden.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* A property of the process, like its limits themselves: that is why it is the one static here. */
static struct {
	pthread_mutex_t lock;
	bool is_hard;
	rlim_t core; /* soft limit from before */
} hardened = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool harden_now(struct err *err)
{
	struct rlimit core;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, ERR_REFUSED, errno, "cannot protect secrets (PR_SET_DUMPABLE)");
	if (getrlimit(RLIMIT_CORE, &core) < 0)
		return err_errno(err, ERR_REFUSED, errno, "cannot protect secrets (RLIMIT_CORE)");
	hardened.core = core.rlim_cur;
	core.rlim_cur = 0;
	if (setrlimit(RLIMIT_CORE, &core) < 0)
		return err_errno(err, ERR_REFUSED, errno, "cannot protect secrets (RLIMIT_CORE)");
	hardened.is_hard = true;
	return true;
}

bool harden(struct err *err)
{
	pthread_mutex_lock(&hardened.lock);
	bool is_done = hardened.is_hard || harden_now(err);
	pthread_mutex_unlock(&hardened.lock);
	return is_done;
}

void harden_spare(pid_t child)
{
	pthread_mutex_lock(&hardened.lock);
	bool is_needed = hardened.is_hard && hardened.core != 0;
	rlim_t soft = hardened.core;
	pthread_mutex_unlock(&hardened.lock);
	struct rlimit core;
	if (!is_needed || prlimit(child, RLIMIT_CORE, NULL, &core) < 0)
		return;
	core.rlim_cur = soft;
	prlimit(child, RLIMIT_CORE, &core, NULL);
}
