/* SPDX-License-Identifier: MIT
 *
 * The same work on one thread or on two at once: the calling thread, and a
 * helper that is kept for the life of the program.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define TOGETHER_MAX_THREADS 2

typedef void (*TogetherWork) (void *data, unsigned thread);

/* Calls work (data, i) for each i < n_threads, 1 or 2; i = 0 runs on the
 * calling thread.  Returns when all have returned. */
void together_run (unsigned n_threads, TogetherWork work, void *data);

#ifdef __cplusplus
}
#endif
