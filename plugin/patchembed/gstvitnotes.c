/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitnotes.h"

#include "common/gstvittensor.h"

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

/* Both parts of the message say it: of an INFO message gst-launch-1.0 prints
 * the debug part alone. */
#define POST(element, ...)                                                     \
  GST_ELEMENT_INFO (element, LIBRARY, SETTINGS, (__VA_ARGS__), (__VA_ARGS__))

/* (transfer full): the properties for what is in force although no file says it,
 * nor the user; NULL where there is none. */
static gchar *
list_assumed (const GstVitSettings *settings, const VitModel *model)
{
  gboolean no_numbers = model->normalisation_is_assumed;
  const gchar *names[3];
  guint n = 0;

  if (model->rule_is_assumed && settings->rule == VIT_POSITION_RULE_AUTO)
    names[n++] = "'position-rule'";
  if (no_numbers && !settings->has_mean)
    names[n++] = "'mean'";
  if (no_numbers && !settings->has_std)
    names[n++] = "'std'";
  if (n == 0)
    return NULL;
  return n == 1 ? g_strdup (names[0])
                : g_strdup_printf ("%s%s%s and %s", names[0],
                    n == 3 ? ", " : "", n == 3 ? names[1] : "", names[n - 1]);
}

static void
post_assumed (
    GstElement *element, const GstVitSettings *settings, const VitModel *model)
{
  gchar *names = list_assumed (settings, model);
  gchar *reason = vit_model_explain (
      model, settings->rule, settings->has_mean, settings->has_std);

  if (names != NULL)
    POST (element,
        "The files of %s do not say everything (%s). Where that is not how "
        "the model was trained, set %s.",
        model->id, reason, names);
  g_free (reason);
  g_free (names);
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
  post_assumed (element, settings, model);
}
