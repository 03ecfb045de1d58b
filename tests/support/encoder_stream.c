/* SPDX-License-Identifier: MIT */
#include "support/encoder_stream.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/token_type.h"

gchar *
encoder_model_path (const gchar *name)
{
  return g_build_filename (TEST_DATA_DIR, "features", name, NULL);
}

gchar *
encoder_copy_model (void)
{
  static const gchar *const names[]
      = { "model.safetensors", "config.json", "preprocessor_config.json" };
  g_autofree gchar *golden = encoder_model_path (SMALL_MODEL);
  gchar *folder = g_dir_make_tmp ("vitencoder-XXXXXX", NULL);

  g_assert_nonnull (folder);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *from = g_build_filename (golden, names[i], NULL);
    g_autofree gchar *to = g_build_filename (folder, names[i], NULL);
    g_autofree gchar *text = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (from, &text, &length, NULL));
    g_assert_true (g_file_set_contents (to, text, (gssize) length, NULL));
  }
  return folder;
}

void
encoder_remove_copy (const gchar *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_dir_close (dir);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

void
encoder_stream_set_size (EncoderStream *stream, gint width, gint height)
{
  GstCaps *caps = frames_caps ("RGB", width, height, NULL);

  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
}

void
encoder_stream_init (
    EncoderStream *stream, const gchar *embed, const gchar *encoder)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *launch = g_strdup_printf (
      "vitpatchembed n-threads=1 precision=f32 model=\"%s\" %s ! vitencoder %s",
      path, embed, encoder);

  stream->harness = gst_harness_new_parse (launch);
  stream->embed = gst_harness_find_element (stream->harness, "vitpatchembed");
  stream->encoder = gst_harness_find_element (stream->harness, "vitencoder");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->encoder, stream->bus);
  encoder_stream_set_size (stream, 96, 64);
}

void
encoder_stream_clear (EncoderStream *stream)
{
  gst_element_set_bus (stream->encoder, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->embed);
  gst_object_unref (stream->encoder);
  gst_harness_teardown (stream->harness);
}

void
encoder_stream_restart_embed (EncoderStream *stream, const gchar *path)
{
  GstSegment segment;

  gst_element_set_state (stream->embed, GST_STATE_READY);
  g_object_set (stream->embed, "model", path, NULL);
  gst_element_set_state (stream->embed, GST_STATE_PLAYING);
  gst_harness_push_event (
      stream->harness, gst_event_new_stream_start ("another"));
  encoder_stream_set_size (stream, 96, 64);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (stream->harness, gst_event_new_segment (&segment));
}

GstBuffer *
encoder_stream_push (
    EncoderStream *stream, guint32 seed, GstFlowReturn *result)
{
  GstFlowReturn flow = gst_harness_push (
      stream->harness, frames_random (&stream->info, seed, FALSE));

  if (result != NULL)
    *result = flow;
  else
    g_assert_cmpint (flow, ==, GST_FLOW_OK);
  return flow == GST_FLOW_OK ? gst_harness_pull (stream->harness) : NULL;
}

gchar *
encoder_stream_message (
    EncoderStream *stream, GstMessageType type, GQuark *domain, gint *code)
{
  GstMessage *message = gst_bus_pop_filtered (stream->bus, type);
  g_autoptr (GError) error = NULL;

  if (message == NULL)
    return NULL;
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  gst_message_unref (message);
  if (domain != NULL) {
    *domain = error->domain;
    *code = error->code;
  }
  return g_strdup (error->message);
}

static gboolean
is_of_region (const GstVitTokensMeta *features, const GstVitTokensMeta *tokens)
{
  return features->roi_id == tokens->roi_id && features->roi_x == tokens->roi_x
         && features->roi_y == tokens->roi_y
         && features->n_tokens == tokens->n_tokens;
}

static void
check_values (GstBuffer *found, const float *expected, gsize n)
{
  GstMapInfo map;

  g_assert_true (gst_buffer_map (found, &map, GST_MAP_READ));
  g_assert_cmpmem (map.data, map.size, expected, n * sizeof (float));
  gst_buffer_unmap (found, &map);
}

static void
check_features (GstBuffer *frame, const GstVitTokensMeta *tokens,
    guint n_blocks, const float *expected)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;
  guint n = 0;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    if (meta->n_blocks != n_blocks || !is_of_region (meta, tokens))
      continue;
    n++;
    g_assert_true (gst_vit_tokens_meta_is_valid (meta, NULL));
    g_assert_cmpint (meta->format, ==, GST_VIT_TOKEN_FORMAT_F32);
    g_assert_cmpuint (meta->grid_width, ==, tokens->grid_width);
    g_assert_cmpuint (meta->n_prefix_tokens, ==, tokens->n_prefix_tokens);
    g_assert_cmpmem (
        meta->map, sizeof meta->map, tokens->map, sizeof tokens->map);
    g_assert_cmpstr (meta->model_id, ==, tokens->model_id);
    check_values (meta->tokens, expected,
        (gsize) meta->n_tokens * meta->embed_dim);
  }
  g_assert_cmpuint (n, ==, 1);
}

static void
check_vector (GstBuffer *frame, const GstVitTokensMeta *tokens,
    GstVitEmbeddingKind kind, const float *expected, guint dim,
    gboolean normalized)
{
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;
  guint n = 0;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (frame, &state))) {
    if (meta->kind != kind || meta->roi_id != tokens->roi_id
        || meta->roi_x != tokens->roi_x || meta->roi_y != tokens->roi_y)
      continue;
    n++;
    g_assert_true (gst_vit_embedding_meta_is_valid (meta, NULL));
    g_assert_cmpuint (meta->dim, ==, dim);
    g_assert_cmpint (meta->normalized, ==, normalized);
    g_assert_cmpstr (meta->model_id, ==, tokens->model_id);
    check_values (meta->values, expected, dim);
  }
  g_assert_cmpuint (n, ==, dim > 0 ? 1 : 0);
}

/* `expected` (nullable): there is none. */
static void
check_attention (GstBuffer *frame, const GstVitTokensMeta *tokens,
    const float *expected, guint n_heads, guint block)
{
  GstVitAttentionMeta *meta;
  gpointer state = NULL;
  guint n = 0;

  while ((meta = gst_buffer_iterate_vit_attention_meta (frame, &state))) {
    if (meta->roi_id != tokens->roi_id || meta->roi_x != tokens->roi_x
        || meta->roi_y != tokens->roi_y)
      continue;
    n++;
    g_assert_true (gst_vit_attention_meta_is_valid (meta, NULL));
    g_assert_cmpuint (meta->n_heads, ==, n_heads);
    g_assert_cmpuint (meta->block, ==, block);
    g_assert_cmpuint (meta->n_tokens, ==, tokens->n_tokens);
    g_assert_cmpuint (meta->n_prefix_tokens, ==, tokens->n_prefix_tokens);
    g_assert_cmpuint (meta->grid_width, ==, tokens->grid_width);
    g_assert_cmpmem (
        meta->map, sizeof meta->map, tokens->map, sizeof tokens->map);
    g_assert_cmpstr (meta->model_id, ==, tokens->model_id);
    g_assert_cmpstr (meta->roi_type, ==, tokens->roi_type);
    check_values (
        meta->values, expected, (gsize) n_heads * tokens->n_tokens);
  }
  g_assert_cmpuint (n, ==, expected != NULL ? 1 : 0);
}

static void
check_tokens (GstBuffer *frame, const GstVitTokensMeta *tokens,
    const VitEncoderWeights *weights, VitEncoder *encoder,
    const VitEncoderSettings *settings, gboolean features)
{
  guint n_heads = weights->choices.n_heads;
  VitEncoderGrid grid = { tokens->grid_height, tokens->grid_width };
  gsize n = (gsize) tokens->n_tokens * tokens->embed_dim;
  guint dim = vit_encoder_embedding_dim (encoder);
  guint n_classes = vit_encoder_n_classes (encoder), n_layers;
  const guint *layers = vit_encoder_layers (encoder, &n_layers);
  g_autofree float *values = g_new (float, n);
  g_autofree float *vector = g_new (float, dim + 1);
  g_autofree float *logits = g_new (float, n_classes + 1);
  g_autofree float *attention
      = settings->attention
            ? g_new (float, (gsize) n_heads * tokens->n_tokens)
            : NULL;
  const float *const input = values;
  float *rows[8];
  VitEncoderFrame run = { &input, rows, &vector, &logits, &attention };
  g_autoptr (GError) error = NULL;
  GstMapInfo map;

  g_assert_cmpuint (n_layers, <=, G_N_ELEMENTS (rows));
  g_assert_true (gst_buffer_map (tokens->tokens, &map, GST_MAP_READ));
  vit_token_type_read ((VitTokenType) tokens->format, map.data, n, values);
  gst_buffer_unmap (tokens->tokens, &map);
  for (guint i = 0; i < n_layers; i++)
    rows[i] = g_new (float, n);
  vit_encoder_configure (encoder, &grid, 1, tokens->n_prefix_tokens, &error);
  g_assert_no_error (error);
  vit_encoder_run (encoder, &run, NULL, NULL);
  for (guint i = 0; i < n_layers; i++) {
    if (features)
      check_features (frame, tokens, layers[i], rows[i]);
    else
      g_assert_cmpuint (encoder_count_metas (frame, layers[i]), ==, 0);
    g_free (rows[i]);
  }
  check_vector (frame, tokens, GST_VIT_EMBEDDING_KIND_EMBEDDING, vector, dim,
      settings->normalize);
  check_vector (frame, tokens, GST_VIT_EMBEDDING_KIND_LOGITS, logits,
      n_classes, FALSE);
  check_attention (frame, tokens, attention, n_heads, weights->depth);
}

void
encoder_check_frame (GstBuffer *frame, const gchar *model,
    const VitEncoderSettings *settings, gboolean features)
{
  g_autofree gchar *path = encoder_model_path (model);
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_share (path, NULL, NULL, &error);
  VitEncoder *encoder;
  GstVitTokensMeta *tokens;
  gpointer state = NULL;
  guint n = 0;

  g_assert_no_error (error);
  encoder = vit_encoder_new (weights, settings, &error);
  g_assert_no_error (error);
  g_assert_nonnull (frame);
  while ((tokens = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    if (tokens->n_blocks > 0)
      continue;
    check_tokens (frame, tokens, weights, encoder, settings, features);
    n++;
  }
  g_assert_cmpuint (n, >, 0);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
}

guint
encoder_count_metas (GstBuffer *frame, guint n_blocks)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;
  guint n = 0;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    n += meta->n_blocks == n_blocks;
  return n;
}

guint64
encoder_stat (const EncoderStream *stream, const gchar *field)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  g_object_get (stream->encoder, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  gst_structure_free (stats);
  return value;
}
