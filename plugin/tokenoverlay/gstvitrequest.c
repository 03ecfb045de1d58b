/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitrequest.h"

#include "gst/vit/gstvittokensmeta.h"

/* Of tokens that are taken behind a block of a network, nobody misses them. */
typedef enum { NO_TOKENS, POSITIONS_MISSING, NOTHING_MISSING } Finding;

static Finding
look_at (GstBuffer *frame /* (nullable) */)
{
  Finding finding = NO_TOKENS;
  const GstVitTokensMeta *meta;
  gpointer state = NULL;

  while (frame && (meta = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    if (meta->n_blocks > 0)
      return NOTHING_MISSING;
    if (!meta->positions)
      finding = POSITIONS_MISSING;
    else if (finding == NO_TOKENS)
      finding = NOTHING_MISSING;
  }
  return finding;
}

void
gst_vit_request_update (GstVitRequest *self, GstPad *pad, GstBuffer *frame)
{
  Finding finding = look_at (frame);

  if (finding == NOTHING_MISSING) {
    *self = (GstVitRequest){ .is_taken = TRUE };
    return;
  }
  if (finding == NO_TOKENS && self->is_taken)
    return;
  if (self->n_wait > 0) {
    self->n_wait--;
    return;
  }
  self->is_taken
      = gst_pad_push_event (pad, gst_vit_tokens_event_new_request_positions ());
  self->n_wait = self->next_wait;
  self->next_wait
      = MIN (MAX (1, 2 * self->next_wait), GST_VIT_REQUEST_MOST_WAIT);
}
