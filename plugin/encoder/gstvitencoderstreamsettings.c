/* SPDX-License-Identifier: MIT
 *
 * A stream is made of its settings, and parts of it anew where these change.
 */
#include "encoder/gstvitencoderstream.h"

#include "common/gstvitmodelid.h"
#include "common/gstvitreading.h"
#include "encoder/gstvitencoderinfo.h"
#include "encoder/gstvitencoderresult.h"

static GQuark
append (GQuark id, const gchar *text)
{
  gchar *name;
  GQuark longer;

  if (id == 0)
    return 0;
  name = g_strconcat (g_quark_to_string (id), "-", text, NULL);
  longer = g_quark_from_string (name);
  g_free (name);
  return longer;
}

/* Of several layers each has an id of its own. */
static void
set_tensor_ids (GstVitEncoderStream *stream)
{
  GQuark id = stream->settings.tensor_id;
  guint n;
  const guint *layers
      = vit_encoder_layers (gst_vit_encoder_sizes_peek (stream->sizes), &n);

  stream->tensor_ids = g_new0 (GQuark, n);
  for (guint i = 0; i < n; i++) {
    gchar *number = g_strdup_printf ("%u", layers[i]);

    stream->tensor_ids[i] = n > 1 ? append (id, number) : id;
    g_free (number);
  }
  stream->embedding_id = append (id, "embedding");
  stream->logits_id = append (id, "logits");
  stream->attention_id = append (id, "attention");
}

static GstVitEncoderSizes *
make_sizes (VitEncoderWeights *weights, VitTextClasses *texts,
    const GstVitEncoderSettings *settings, GError **error)
{
  VitEncoderSettings library = gst_vit_encoder_settings_for_library (settings);

  library.classes = texts;
  return gst_vit_encoder_sizes_new (
      weights, &library, settings->max_memory, error);
}

/* *texts: NULL where none are set. */
static gboolean
load_texts (const VitEncoderWeights *weights, GQuark path,
    VitTextClasses **texts, GError **error)
{
  *texts = path != 0 ? vit_text_classes_load (
                           g_quark_to_string (path), weights, error)
                     : NULL;
  return path == 0 || *texts != NULL;
}

static GstStructure *
describe (const GstVitEncoderStream *stream)
{
  return gst_vit_encoder_info_new (stream->weights, stream->model_id,
      gst_vit_encoder_sizes_peek (stream->sizes),
      g_quark_to_string (stream->settings.live.classes));
}

GstVitEncoderStream *
gst_vit_encoder_stream_new (const GstVitEncoderSettings *settings,
    const gchar *path, const gchar *prefix, GstStructure **model_info,
    GError **error)
{
  VitEncoderWeights *weights = vit_encoder_weights_share (
      path, prefix, &settings->overrides, error);
  GstVitEncoderSizes *sizes = NULL;
  GstVitEncoderStream *stream;
  VitTextClasses *texts = NULL;

  if (weights != NULL
      && load_texts (weights, settings->live.classes, &texts, error))
    sizes = make_sizes (weights, texts, settings, error);
  if (sizes == NULL) {
    vit_text_classes_unref (texts);
    vit_encoder_weights_unref (weights);
    return NULL;
  }
  stream = g_new0 (GstVitEncoderStream, 1);
  stream->weights = weights;
  stream->texts = texts;
  stream->model_id = gst_vit_model_id_new (weights->id, weights->digest);
  stream->sizes = sizes;
  gst_vit_encoder_settings_copy (settings, &stream->settings);
  stream->workers
      = gst_vit_workers_new (gst_vit_encoder_settings_n_workers (settings));
  set_tensor_ids (stream);
  stream->classes = gst_vit_encoder_classes_of (weights, texts);
  stream->inputs.tokens = g_ptr_array_new ();
  stream->known = g_ptr_array_new ();
  stream->jobs = g_array_new (FALSE, FALSE, sizeof (GstVitEncoderJob));
  stream->readings = g_ptr_array_new_with_free_func (
      (GDestroyNotify) gst_vit_reading_unref);
  stream->outputs = g_array_new (FALSE, FALSE, sizeof (GstVitEncoderOutput));
  stream->grids = g_array_new (FALSE, FALSE, sizeof (VitEncoderGrid));
  stream->results
      = g_ptr_array_new_with_free_func (gst_vit_encoder_result_unref);
  stream->last
      = g_ptr_array_new_with_free_func (gst_vit_encoder_result_unref);
  *model_info = describe (stream);
  return stream;
}

void
gst_vit_encoder_stream_free (GstVitEncoderStream *stream)
{
  if (stream == NULL)
    return;
  g_ptr_array_unref (stream->last);
  g_ptr_array_unref (stream->results);
  g_array_unref (stream->grids);
  g_ptr_array_unref (stream->inputs.tokens);
  g_ptr_array_unref (stream->known);
  g_array_unref (stream->jobs);
  g_ptr_array_unref (stream->readings);
  g_array_unref (stream->outputs);
  g_free (stream->model_id);
  g_free (stream->tensor_ids);
  gst_vit_encoder_sizes_free (stream->sizes);
  gst_vit_workers_free (stream->workers);
  gst_vit_encoder_settings_clear (&stream->settings);
  vit_text_classes_unref (stream->texts);
  vit_encoder_weights_unref (stream->weights);
  g_free (stream);
}

static void
forget_labels (gpointer result, gpointer data G_GNUC_UNUSED)
{
  gst_vit_encoder_result_forget_labels (result);
}

/* Another encoder, for what is set now: nothing is known of the last frame then. */
static gboolean
renew_sizes (GstVitEncoderStream *stream, VitTextClasses *texts, GError **error)
{
  GstVitEncoderSizes *sizes
      = make_sizes (stream->weights, texts, &stream->settings, error);

  if (sizes == NULL)
    return FALSE;
  g_ptr_array_set_size (stream->last, 0);
  gst_vit_encoder_sizes_free (stream->sizes);
  stream->sizes = sizes;
  return TRUE;
}

gboolean
gst_vit_encoder_stream_set_classes (GstVitEncoderStream *stream,
    const GstVitEncoderLiveSettings *live, GstStructure **model_info,
    GError **error)
{
  VitTextClasses *texts;

  *model_info = NULL;
  if (live->n_times_classes == stream->settings.live.n_times_classes)
    return TRUE;
  /* Whatever comes of it, it is tried once. */
  stream->settings.live.n_times_classes = live->n_times_classes;
  if (!load_texts (stream->weights, live->classes, &texts, error))
    return FALSE;
  if (!renew_sizes (stream, texts, error)) {
    vit_text_classes_unref (texts);
    return FALSE;
  }
  vit_text_classes_unref (stream->texts);
  stream->texts = texts;
  stream->classes = gst_vit_encoder_classes_of (stream->weights, texts);
  stream->settings.live.classes = live->classes;
  *model_info = describe (stream);
  return TRUE;
}

gboolean
gst_vit_encoder_stream_set_live (GstVitEncoderStream *stream,
    const GstVitEncoderLiveSettings *live, GError **error)
{
  GstVitEncoderLiveSettings before = stream->settings.live;

  stream->settings.live = *live;
  stream->settings.live.classes = before.classes;
  if (live->features != before.features)
    g_ptr_array_set_size (stream->last, 0);
  if (live->top != before.top || live->threshold != before.threshold)
    g_ptr_array_foreach (stream->last, forget_labels, NULL);
  if (live->embedding == before.embedding
      && live->normalize == before.normalize
      && live->attention == before.attention)
    return TRUE;
  if (renew_sizes (stream, stream->texts, error))
    return TRUE;
  stream->settings.live = before;
  return FALSE;
}
