/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencodermodel.h"

#include "encoder/gstvitencodersource.h"
#include "files/file_state.h"

static void
drop (GstVitEncoderModel *model)
{
  g_clear_pointer (&model->stream, gst_vit_encoder_stream_free);
  g_clear_pointer (&model->source, gst_vit_model_source_unref);
  model->is_settled = FALSE;
}

void
gst_vit_encoder_model_start (
    GstVitEncoderModel *model, GstVitEncoderSettings *settings)
{
  model->settings = *settings;
}

void
gst_vit_encoder_model_stop (GstVitEncoderModel *model)
{
  drop (model);
  g_clear_pointer (&model->tokens, gst_vit_model_source_unref);
  gst_vit_encoder_settings_clear (&model->settings);
}

void
gst_vit_encoder_model_tell (
    GstVitEncoderModel *model, GstVitModelSource *tokens)
{
  if (tokens != model->tokens)
    model->is_settled = FALSE;
  g_clear_pointer (&model->tokens, gst_vit_model_source_unref);
  model->tokens = tokens;
}

void
gst_vit_encoder_model_set_live (
    GstVitEncoderModel *model, const GstVitEncoderLiveSettings *live)
{
  GstVitEncoderLiveSettings before = model->settings.live;

  model->settings.live = *live;
  /* They may be others than the property's, which was refused. */
  if (live->n_times_classes == before.n_times_classes)
    model->settings.live.classes = before.classes;
}

void
gst_vit_encoder_model_keep_classes (GstVitEncoderModel *model)
{
  model->settings.live.classes = model->stream->settings.live.classes;
}

void
gst_vit_encoder_model_begin_stream (GstVitEncoderModel *model)
{
  if (model->stream != NULL)
    model->stream->inputs.have_come = FALSE;
}

/* An element that was stopped and started again lost what was told it; the element
 * before it did not. */
static void
ask (GstVitEncoderModel *model, GstPad *sinkpad)
{
  GstVitModelSource *tokens = gst_vit_model_event_find (sinkpad);
  GstPad *peer = tokens == NULL ? gst_pad_get_peer (sinkpad) : NULL;

  if (peer != NULL)
    tokens = gst_vit_model_event_find (peer);
  if (tokens != NULL)
    gst_vit_encoder_model_tell (model, tokens);
  gst_clear_object (&peer);
}

/* As it was set: of a name on the hub more is said than of a path that is not
 * there. */
static const gchar *
path_of (const GstVitEncoderModel *model)
{
  return model->settings.model != NULL ? model->settings.model
                                       : model->source->path;
}

/* Whether it was read from there, and from the files that are there now: who said
 * anew which one the tokens are of has read these. */
static gboolean
is_loaded (const GstVitEncoderModel *model, const GstVitModelSource *source)
{
  return model->stream != NULL
         && gst_vit_model_source_is_equal (source, model->source)
         && vit_file_states_are_current (model->stream->weights->file_states);
}

gboolean
gst_vit_encoder_model_settle (GstVitEncoderModel *model, GstPad *sinkpad,
    GstStructure **model_info, GError **error)
{
  GstVitModelSource *source;

  *model_info = NULL;
  if (model->is_settled)
    return TRUE;
  if (model->tokens == NULL)
    ask (model, sinkpad);
  source = gst_vit_encoder_choose_source (
      &model->settings, model->tokens, error);
  if (source == NULL)
    return FALSE;
  if (is_loaded (model, source)) {
    gst_vit_model_source_unref (source);
  } else {
    /* Two models need not fit into memory at once. */
    drop (model);
    model->source = source;
    model->stream = gst_vit_encoder_stream_new (&model->settings, path_of (model),
        source->prefix, model_info, error);
  }
  model->is_settled = model->stream != NULL;
  return model->is_settled;
}
