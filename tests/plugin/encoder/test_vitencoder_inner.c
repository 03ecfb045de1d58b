/* SPDX-License-Identifier: MIT
 *
 * Inner layers and attention as vitencoder attaches them, beside what the families'
 * own packages give in float64: `layers` in several combinations with each `norm`,
 * one meta each, of whole frames and of a region that holds the same picture; the
 * class token's attention.  Of the trained model, where its arrays are, too.
 *
 * Arrays: `block1` and `last` are transformers' hidden_states and what timm's
 * forward_intermediates() gives with norm=False; `normed1` is what transformers'
 * backbones (feature maps, so patches alone) or timm with norm=True give, and what
 * get_intermediate_layers(norm=True) of DINOv2's authors is defined as: the model's
 * norm of each block's output; `features` is the same of the last block.
 */
#include <string.h>

#include "gst/vit/vit.h"
#include "support/features.h"
#include "support/frames.h"

/* Packages resample positions in float32, which is most of it. */
#define MAX_ERROR 2e-6
#define MAX_ATTENTION_ERROR 1e-5
/* Where the picture lies in the frame that has it as a region. */
#define LEFT 21
#define TOP 10

static void
compare (const Features *features, guint i, const char *key, GstBuffer *found,
    guint *n)
{
  double relative, greatest;
  GstMapInfo map;

  g_assert_true (gst_buffer_map (found, &map, GST_MAP_READ));
  if (features_compare (features, i, key,
          (const float *) (gconstpointer) map.data, map.size / sizeof (float),
          &relative, &greatest)) {
    g_assert_cmpfloat (relative, <=, MAX_ERROR);
    if (strcmp (key, "attention") == 0)
      g_assert_cmpfloat (greatest, <=, MAX_ATTENTION_ERROR);
    ++*n;
  }
  gst_buffer_unmap (found, &map);
}

static GstHarness *
start (const Features *features, const char *embed, const char *encoder)
{
  g_autofree char *launch = g_strdup_printf (
      "vitpatchembed precision=f32 n-threads=1 model=\"%s\" %s ! "
      "vitencoder precision=f32 n-threads=2 %s",
      features->model, embed, encoder);

  return gst_harness_new_parse (launch);
}

/* (transfer full): the frame as it comes out.  `is_region`: the picture is a region
 * of a larger frame. */
static GstBuffer *
push (GstHarness *harness, const Features *features, guint i,
    gboolean is_region)
{
  guint left = is_region ? LEFT : 0, top = is_region ? TOP : 0, width, height;
  g_autofree char *pixels = features_frame (features, i, &width, &height);
  guint full_width = width + 2 * left, full_height = height + 2 * top;
  guint stride = (3 * full_width + 3) / 4 * 4;
  guint8 *bytes = g_malloc ((gsize) stride * full_height);
  GstBuffer *frame;

  memset (bytes, 77, (gsize) stride * full_height);
  for (guint y = 0; y < height; y++)
    memcpy (bytes + (gsize) (top + y) * stride + 3 * left,
        pixels + (gsize) y * width * 3, (gsize) width * 3);
  frame = gst_buffer_new_wrapped (bytes, (gsize) stride * full_height);
  if (is_region)
    gst_buffer_add_video_region_of_interest_meta (
        frame, "picture", left, top, width, height)->id = 4;
  gst_harness_set_src_caps (harness,
      frames_caps ("RGB", (gint) full_width, (gint) full_height, NULL));
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (frame);
  return frame;
}

/* Features after so many blocks, of which there are those of one region. */
static GstBuffer *
features_of (GstBuffer *frame, guint n_blocks, gboolean is_region)
{
  GstVitTokensMeta *meta, *found = NULL;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    if (meta->n_blocks == n_blocks) {
      g_assert_null (found);
      found = meta;
    }
  g_assert_nonnull (found);
  g_assert_cmpint (found->roi_id, ==, is_region ? 4 : -1);
  return gst_vit_tokens_meta_get_tokens (found);
}

/* What each norm makes of the layers. */
static const struct {
  const char *norm;
  const char *first, *last; /* names of arrays; of an inner layer, of the last */
} norms[] = {
  { "norm=none", "block1", "last" },
  { "norm=auto", "block1", "features" },
  { "norm=final", "normed1", "features" },
};

/* `layers`: 1, the first; 2, the last; 3, both.  The number of arrays compared. */
static guint
check_layers (const Features *features, guint i, guint norm, guint layers,
    gboolean is_region)
{
  guint depth = (guint) json_integer_value (
      json_object_get (features->description, "blocks"));
  g_autofree char *last = g_strdup_printf ("%s%u", layers & 1 ? "," : "", depth);
  g_autofree char *encoder
      = g_strdup_printf ("layers=\"<%s%s>\" embedding=none %s",
          layers & 1 ? "1" : "", layers & 2 ? last : "", norms[norm].norm);
  GstHarness *harness
      = start (features, is_region ? "regions=roi" : "", encoder);
  GstBuffer *frame = push (harness, features, i, is_region);
  guint n = 0, n_metas = 1 + (layers & 1) + (layers >> 1);

  g_test_message ("%s", encoder);
  g_assert_cmpuint (
      gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE), ==, n_metas);
  if (layers & 1)
    compare (features, i, norms[norm].first,
        features_of (frame, 1, is_region), &n);
  if (layers & 2)
    compare (features, i, norms[norm].last,
        features_of (frame, depth, is_region), &n);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  return n;
}

/* Where the model has a norm that is not that of the class token alone. */
static gboolean
has_norm (const Features *features)
{
  g_autoptr (Npy) normed = features_array (features, 0, "normed1");

  return normed != NULL;
}

static void
test_layers (gconstpointer data)
{
  const Features *features = data;
  guint n = 0;

  for (guint norm = 0; norm < G_N_ELEMENTS (norms); norm++)
    for (guint layers = 1; layers <= 3; layers++)
      if (strcmp (norms[norm].norm, "norm=final") != 0 || has_norm (features))
        n += check_layers (features, 0, norm, layers, FALSE);
  n += check_layers (features, 0, 1, 3, TRUE);
  /* At least what `auto` makes of both layers. */
  g_assert_cmpuint (n, >=, 4);
}

static void
check_attention (
    const Features *features, guint i, gboolean is_region, guint *n)
{
  GstHarness *harness = start (features, is_region ? "regions=roi" : "",
      "attention=true features=false embedding=none");
  GstBuffer *frame = push (harness, features, i, is_region);
  GstVitAttentionMeta *meta = gst_buffer_get_vit_attention_meta (frame);

  g_assert_nonnull (meta);
  g_assert_cmpint (meta->roi_id, ==, is_region ? 4 : -1);
  compare (features, i, "attention", gst_vit_attention_meta_get_values (meta),
      n);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
test_attention (gconstpointer data)
{
  const Features *features = data;
  guint n = 0;

  check_attention (features, 0, FALSE, &n);
  check_attention (features, 0, TRUE, &n);
  g_assert_cmpuint (n, ==, 2);
}

/* All at once, on every frame. */
static void
test_trained (gconstpointer data)
{
  const Features *features = data;
  GstHarness *harness
      = start (features, "", "layers=\"<6,12>\" attention=true");
  guint n = 0;

  for (guint i = 0; i < features_n_cases (features); i++) {
    GstBuffer *frame = push (harness, features, i, FALSE);

    compare (features, i, "block6", features_of (frame, 6, FALSE), &n);
    compare (features, i, "features", features_of (frame, 12, FALSE), &n);
    compare (features, i, "attention",
        gst_vit_attention_meta_get_values (
            gst_buffer_get_vit_attention_meta (frame)),
        &n);
    gst_buffer_unref (frame);
  }
  g_assert_cmpuint (n, ==, 7);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  Features *trained;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  features_add_kept_tests (
      "/vitencoder/inner/layers/", "block1", 20, test_layers);
  features_add_kept_tests (
      "/vitencoder/inner/attention/", "attention", 6, test_attention);
  trained = features_trained ();
  if (trained)
    g_test_add_data_func_full ("/vitencoder/inner/trained-dinov2-small",
        trained, test_trained, features_free);
  return g_test_run ();
}
