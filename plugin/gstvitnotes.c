/* SPDX-License-Identifier: MIT */
#include "gstvitnotes.h"

#include "gstvittensor.h"

/* Both parts of the message say it: of an INFO message gst-launch-1.0 prints
 * the debug part alone. */
#define POST(element, ...)                                                     \
  GST_ELEMENT_INFO (element, LIBRARY, SETTINGS, (__VA_ARGS__), (__VA_ARGS__))

/* Whether a number in force is one that no file gave, nor the user. */
static gboolean
has_assumed (const GstVitSettings *settings, const VitModel *model)
{
  return (model->rule_is_assumed && settings->rule == VIT_POSITION_RULE_AUTO)
         || (model->normalisation_is_assumed
             && !(settings->has_mean && settings->has_std));
}

/* Whether a size was asked for that the model does not have. */
static gboolean
has_unused_size (const GstVitSettings *settings, const VitModel *model)
{
  GstVitSettings defaults;

  gst_vit_settings_init (&defaults);
  return (settings->patch_size != defaults.patch_size
             && settings->patch_size != model->patch_size)
         || (settings->embed_dim != defaults.embed_dim
             && settings->embed_dim != model->embed_dim);
}

/* Whether it was asked for tensors in the caps, and there will be none. */
static gboolean
cannot_advertise (const GstVitSettings *settings)
{
  const GstVitTensorNotice notice = { .id = settings->tensor_id };

  return settings->advertise_tensors && !gst_vit_tensor_can_advertise (&notice);
}

void
gst_vit_notes_post (
    GstElement *element, const GstVitSettings *settings, const VitModel *model)
{
  if (cannot_advertise (settings))
    POST (element,
        "'advertise-tensors' has no effect: it takes GStreamer 1.28 with its "
        "analytics library, and a 'tensor-id' of letters, digits and /-_.:+ "
        "that starts with a letter.");
  if (settings->model == NULL) {
    POST (element,
        "Using the built-in model: its tokens hold the picture, but they are "
        "not those of a trained network. Set 'model' for that.");
    return;
  }
  if (has_unused_size (settings, model))
    POST (element,
        "'patch-size' and 'embed-dim' are of the built-in model only: %s has "
        "patches of %ux%u and %u numbers in a token.",
        model->id, model->patch_size, model->patch_size, model->embed_dim);
  if (model->unused_adapter != NULL)
    POST (element, "An adapter of %s is not applied: %s.", model->id,
        model->unused_adapter);
  if (has_assumed (settings, model))
    POST (element,
        "The files of %s do not say everything (%s). Where that is not how "
        "the model was trained, set 'position-rule', 'mean' and 'std'.",
        model->id, model->reason);
}
