/* SPDX-License-Identifier: MIT */
#include "files/file_state.h"

#include <string.h>

static void
clear_state (gpointer data)
{
  VitFileState *state = data;

  g_free (state->path);
}

GArray *
vit_file_states_new (void)
{
  GArray *states = g_array_new (FALSE, FALSE, sizeof (VitFileState));

  g_array_set_clear_func (states, clear_state);
  return states;
}

static struct stat
read_status (const char *path)
{
  struct stat status;

  memset (&status, 0, sizeof status);
  if (stat (path, &status) != 0)
    memset (&status, 0, sizeof status);
  return status;
}

void
vit_file_states_add (
    GArray *states, const char *path, const struct stat *status)
{
  VitFileState state
      = { g_strdup (path), status ? *status : read_status (path) };

  g_array_append_val (states, state);
}

void
vit_file_states_add_all (GArray *states, const GArray *others)
{
  for (guint i = 0; i < others->len; i++) {
    const VitFileState *state = &g_array_index (others, VitFileState, i);

    vit_file_states_add (states, state->path, &state->status);
  }
}

gboolean
vit_file_state_is_same (const struct stat *then, const struct stat *now)
{
  return now->st_dev == then->st_dev && now->st_ino == then->st_ino
         && now->st_size == then->st_size
         && now->st_mtim.tv_sec == then->st_mtim.tv_sec
         && now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

gboolean
vit_file_states_are_current (const GArray *states)
{
  for (guint i = 0; i < states->len; i++) {
    const VitFileState *state = &g_array_index (states, VitFileState, i);
    struct stat now = read_status (state->path);

    if (!vit_file_state_is_same (&state->status, &now))
      return FALSE;
  }
  return TRUE;
}
