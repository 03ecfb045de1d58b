/* SPDX-License-Identifier: MIT */
#include "together.h"

#include <glib.h>

static GMutex lock;
static GCond changed;
static TogetherWork waiting; /* for the helper; NULL when it has returned */
static void *waiting_data;

static gpointer
help (gpointer unused)
{
  g_mutex_lock (&lock);
  for (;;) {
    while (waiting == NULL)
      g_cond_wait (&changed, &lock);
    g_mutex_unlock (&lock);
    waiting (waiting_data, 1);
    g_mutex_lock (&lock);
    waiting = NULL;
    g_cond_signal (&changed);
  }
  return NULL;
}

void
together_run (unsigned n_threads, TogetherWork work, void *data)
{
  static GThread *helper;

  g_assert (n_threads >= 1 && n_threads <= TOGETHER_MAX_THREADS);
  if (n_threads == 1) {
    work (data, 0);
    return;
  }
  if (helper == NULL)
    helper = g_thread_new ("together", help, NULL);
  g_mutex_lock (&lock);
  waiting = work;
  waiting_data = data;
  g_cond_signal (&changed);
  g_mutex_unlock (&lock);
  work (data, 0);
  g_mutex_lock (&lock);
  while (waiting != NULL)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}
