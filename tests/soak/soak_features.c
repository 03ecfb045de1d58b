/* SPDX-License-Identifier: MIT */
#include "soak/soak_features.h"

#include <string.h>

#include "gst/vit/vit.h"
#include "soak/soak_frames.h"
#include "soak/soak_memory.h"

/* By turns, while formats change all the time. */
#define FEATURES_A_FORMAT 10
#define FEATURES_A_ROUND (FEATURES_A_FORMAT * N_FORMATS)
#define N_SETTLED (3 * 2 * FEATURES_A_ROUND)

typedef struct {
  GstHarness *harness;
  GstElement *embed, *encoder;
  const gchar *layers; /* after which blocks */
  guint n_layers;
  gboolean of_regions;
} Encoding;

static void
encoding_init (Encoding *self, const gchar *launch)
{
  self->harness = gst_harness_new_parse (launch);
  self->embed = gst_harness_find_element (self->harness, "vitpatchembed");
  self->encoder = gst_harness_find_element (self->harness, "vitencoder");
}

static void
encoding_clear (Encoding *self)
{
  gst_object_unref (self->embed);
  gst_object_unref (self->encoder);
  gst_harness_teardown (self->harness);
}

/* Which layers takes a start of the encoder. */
static void
encoding_set (Encoding *self, const gchar *layers, gboolean of_regions)
{
  gst_element_set_state (self->encoder, GST_STATE_READY);
  gst_util_set_object_arg (G_OBJECT (self->encoder), "layers", layers);
  gst_element_set_state (self->encoder, GST_STATE_PLAYING);
  gst_util_set_object_arg (
      G_OBJECT (self->embed), "regions", of_regions ? "roi" : "frame");
  self->layers = layers;
  self->n_layers = strchr (layers, ',') ? 2 : 1;
  self->of_regions = of_regions;
}

/* Regions first, so that a short run has them too. */
static void
encoding_set_round (Encoding *self, guint round)
{
  static const gchar *const layers[] = { "<1,2>", "<2>", "<1>" };

  encoding_set (self, layers[round % G_N_ELEMENTS (layers)], round / 3 % 2 == 0);
}

static GstBuffer *
encode (Encoding *self, guint format, guint frame)
{
  GstBuffer *out = gst_buffer_copy (frames[format][frame]);

  if (self->of_regions)
    for (guint i = 0; i < 2; i++)
      gst_buffer_add_video_region_of_interest_meta (
          out, "thing", 8 * i, 0, 16, 16 - 4 * i);
  out = gst_harness_push_and_pull (self->harness, out);
  g_assert_nonnull (out);
  return out;
}

static void
compare_values (GstBuffer *found, GstBuffer *expected)
{
  GstMapInfo a, b;

  g_assert_true (gst_buffer_map (found, &a, GST_MAP_READ));
  g_assert_true (gst_buffer_map (expected, &b, GST_MAP_READ));
  g_assert_cmpmem (a.data, a.size, b.data, b.size);
  gst_buffer_unmap (found, &a);
  gst_buffer_unmap (expected, &b);
}

/* All that both frames carry, in order. */
static void
compare_features (GstBuffer *found, GstBuffer *expected)
{
  gpointer one = NULL, other = NULL;
  GstVitTokensMeta *tokens;
  GstVitEmbeddingMeta *vector;

  while ((tokens = gst_buffer_iterate_vit_tokens_meta (expected, &other)))
    compare_values (gst_buffer_iterate_vit_tokens_meta (found, &one)->tokens,
        tokens->tokens);
  g_assert_null (gst_buffer_iterate_vit_tokens_meta (found, &one));
  one = other = NULL;
  while ((vector = gst_buffer_iterate_vit_embedding_meta (expected, &other)))
    compare_values (
        gst_buffer_iterate_vit_embedding_meta (found, &one)->values,
        vector->values);
  g_assert_null (gst_buffer_iterate_vit_embedding_meta (found, &one));
}

/* With elements made for this frame alone. */
static void
compare_with_fresh_features (
    const Encoding *self, GstBuffer *out, guint format, guint frame)
{
  Encoding fresh;
  GstBuffer *other;

  encoding_init (&fresh, ENCODER);
  encoding_set (&fresh, self->layers, self->of_regions);
  gst_harness_set_src_caps (fresh.harness, gst_caps_ref (caps[format]));
  other = encode (&fresh, format, frame);
  compare_features (out, other);
  gst_buffer_unref (other);
  encoding_clear (&fresh);
}

/* What is made of a frame's tokens, and what is made of that.  The second region is
 * smaller than a patch. */
static void
check_features (const Encoding *self, GstBuffer *frame)
{
  g_assert_cmpuint (
      gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE), ==,
      1 + self->n_layers);
  g_assert_nonnull (gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_EMBEDDING));
  g_assert_nonnull (
      gst_buffer_get_vit_embedding_meta (frame, GST_VIT_EMBEDDING_KIND_LOGITS));
}

static GstHarness *
make_writer (guint content)
{
  GstHarness *writer = gst_harness_new ("vittokenenc");

  g_object_set (writer->element, "content", content, NULL);
  gst_harness_set_sink_caps_str (writer, "application/x-safetensors");
  return writer;
}

#define N_WRITERS 5 /* one for each content */

static void
write_frame (GstHarness *writer, GstBuffer *frame)
{
  GstBuffer *written;
  guint n = 0;

  drop_events (writer);
  g_assert_cmpint (gst_harness_push (writer, frame), ==, GST_FLOW_OK);
  while ((written = gst_harness_try_pull (writer))) {
    gst_buffer_unref (written);
    n++;
  }
  g_assert_cmpuint (n, >, 0);
}

static void
announce (Encoding *encoding, GstHarness **writers, guint format)
{
  gst_harness_set_src_caps (encoding->harness, gst_caps_ref (caps[format]));
  for (guint i = 0; i < N_WRITERS; i++)
    gst_harness_set_src_caps (writers[i], gst_caps_ref (caps[format]));
}

void
soak_features (guint n_frames)
{
  GstHarness *writers[N_WRITERS];
  Encoding encoding;
  guint n_sampled = 0;
  Memory memory;

  memory_init (&memory);
  encoding_init (&encoding, ENCODER "! vittokenoverlay");
  for (guint i = 0; i < N_WRITERS; i++)
    writers[i] = make_writer (i);
  for (guint i = 0; i < n_frames; i++) {
    guint format = i / FEATURES_A_FORMAT % N_FORMATS, frame = i / 3 % 2 * 2;
    GstBuffer *out;

    if (i == MIN (n_frames / 2, N_SETTLED))
      memory.n_unsettled = memory.samples->len;
    if (i % FEATURES_A_ROUND == 0)
      encoding_set_round (&encoding, i / FEATURES_A_ROUND);
    if (i % FEATURES_A_FORMAT == 0)
      announce (&encoding, writers, format);
    drop_events (encoding.harness);
    out = encode (&encoding, format, frame);
    check_features (&encoding, out);
    if (i % FRAMES_A_SAMPLE == 0) {
      compare_with_fresh_features (&encoding, out, format, frame);
      n_sampled++;
    }
    write_frame (writers[i % N_WRITERS], out);
    memory_sample (&memory);
  }
  memory_report (&memory, "features", n_frames);
  g_print ("%-10s %8u  as by elements of their own\n", "sampled", n_sampled);
  for (guint i = 0; i < N_WRITERS; i++)
    gst_harness_teardown (writers[i]);
  encoding_clear (&encoding);
}
