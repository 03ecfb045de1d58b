/* SPDX-License-Identifier: MIT
 *
 * The soak's frames, of formats and sizes of many kinds.
 */
#pragma once

#include "support/frames.h"

G_BEGIN_DECLS

#define N_FORMATS 11

/* After how many frames one is compared with what fresh elements make of it. */
#define FRAMES_A_SAMPLE 499

/* Three frames a format, made once; the second has a layout of its own, onto which
 * not all can be drawn. */
extern GstBuffer *frames[N_FORMATS][3];
extern GstCaps *caps[N_FORMATS];

void make_frames (void);
void free_frames (void);

/* The harness keeps every event until it is asked for. */
void drop_events (GstHarness *harness);

G_END_DECLS
