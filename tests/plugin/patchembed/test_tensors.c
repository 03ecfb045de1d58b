/* SPDX-License-Identifier: MIT
 *
 * vitpatchembed's tokens as GStreamer's own tensors: GstTensorMeta, from 1.26
 * on, and the caps that announce it, from 1.28 on.
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define SMALL "vitpatchembed embed-dim=24 precision=f32"

/* Takes the caps. */
static GstBuffer *
push_frame (GstHarness *harness, GstCaps *caps)
{
  GstVideoInfo info;
  GstBuffer *out;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  out = gst_harness_push_and_pull (harness, frames_random (&info, 1, FALSE));
  g_assert_nonnull (out);
  return out;
}

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>

static void
assert_tensor (const gchar *element, GstTensorDataType type, const gchar *id)
{
  GstHarness *harness = gst_harness_new_parse (element);
  GstBuffer *out = push_frame (harness, frames_caps ("RGB", 64, 48, NULL));
  GstVitTokensMeta *tokens = gst_buffer_get_vit_tokens_meta (out);
  GstTensorMeta *meta = gst_buffer_get_tensor_meta (out);
  const gsize dims[] = { 1, 13, 24 };
  const GstTensor *tensor;

  g_assert_nonnull (meta);
  g_assert_cmpuint (
      gst_buffer_get_n_meta (out, GST_TENSOR_META_API_TYPE), ==, 1);
  g_assert_cmpuint (meta->num_tensors, ==, 1);
  tensor = gst_tensor_meta_get (meta, 0);
  g_assert_cmpstr (g_quark_to_string (tensor->id), ==, id);
  g_assert_cmpint (tensor->data_type, ==, type);
  g_assert_cmpint (tensor->layout, ==, GST_TENSOR_LAYOUT_CONTIGUOUS);
  g_assert_cmpint (tensor->dims_order, ==, GST_TENSOR_DIM_ORDER_ROW_MAJOR);
  g_assert_cmpmem (
      tensor->dims, tensor->num_dims * sizeof (gsize), dims, sizeof dims);
  g_assert_true (tensor->data == tokens->tokens);

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static void
test_attached (void)
{
  assert_tensor (SMALL, GST_TENSOR_DATA_TYPE_FLOAT32, "vit-patch-tokens");
  assert_tensor (SMALL " token-format=f16 tensor-id=mine",
      GST_TENSOR_DATA_TYPE_FLOAT16, "mine");
  assert_tensor (SMALL " token-format=bf16", GST_TENSOR_DATA_TYPE_BFLOAT16,
      "vit-patch-tokens");
}

static void
test_none (void)
{
  GstElement *element = gst_element_factory_make_full (
      "vitpatchembed", "tensor-id", NULL, NULL);
  GstHarness *harness = gst_harness_new_with_element (element, "sink", "src");
  GstBuffer *out;

  out = push_frame (harness, frames_caps ("RGB", 64, 48, NULL));
  g_assert_null (gst_buffer_get_tensor_meta (out));
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (out));

  gst_buffer_unref (out);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* What may change in NULL and READY alone is as it was at the start. */
static void
test_set_too_late (void)
{
  GstHarness *harness = gst_harness_new_parse (SMALL);
  GstBuffer *out;
  const GstTensor *tensor;

  gst_harness_set (harness, "vitpatchembed", "tensor-id", "late", NULL);
  out = push_frame (harness, frames_caps ("RGB", 64, 48, NULL));
  tensor = gst_tensor_meta_get (gst_buffer_get_tensor_meta (out), 0);
  g_assert_cmpstr (g_quark_to_string (tensor->id), ==, "vit-patch-tokens");

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* Each element of two attaches its own and leaves the other's alone, whether
 * in one meta (1.26) or two. */
static void
test_two (void)
{
  GstHarness *harness = gst_harness_new_parse (
      SMALL " tensor-id=first ! vitpatchembed embed-dim=6 tensor-id=second");
  GstBuffer *out = push_frame (harness, frames_caps ("RGB", 64, 48, NULL));
  const gchar *const ids[] = { "first", "second" };
  const gsize embed_dims[] = { 24, 6 };
  gpointer state = NULL;
  GstTensorMeta *meta;
  guint n = 0;

  while ((meta = (GstTensorMeta *) gst_buffer_iterate_meta_filtered (
              out, &state, GST_TENSOR_META_API_TYPE))) {
    for (gsize i = 0; i < meta->num_tensors; i++) {
      const GstTensor *tensor = gst_tensor_meta_get (meta, i);

      g_assert_cmpuint (n, <, 2);
      g_assert_cmpstr (g_quark_to_string (tensor->id), ==, ids[n]);
      g_assert_cmpuint (tensor->dims[2], ==, embed_dims[n]);
      n++;
    }
  }
  g_assert_cmpuint (n, ==, 2);

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* In the order of their tokens, beside what another element attached. */
static void
test_regions (void)
{
  GstHarness *harness = gst_harness_new_parse (
      SMALL " tensor-id=first ! " SMALL " regions=roi tensor-id=second");
  GstCaps *caps = frames_caps ("RGB", 64, 48, NULL);
  GstVideoInfo info;
  gpointer state = NULL, tokens_state = NULL;
  GstTensorMeta *meta;
  GstBuffer *out;
  guint n = 0;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  out = frames_random (&info, 1, FALSE);
  for (guint i = 0; i < 300; i++)
    gst_buffer_add_video_region_of_interest_meta (
        out, "face", i % 33, i % 17, 32, 32);
  gst_harness_set_src_caps (harness, caps);
  out = gst_harness_push_and_pull (harness, out);

  while ((meta = (GstTensorMeta *) gst_buffer_iterate_meta_filtered (
              out, &state, GST_TENSOR_META_API_TYPE))) {
    for (gsize i = 0; i < meta->num_tensors; i++) {
      const GstTensor *tensor = gst_tensor_meta_get (meta, i);
      GstVitTokensMeta *tokens
          = gst_buffer_iterate_vit_tokens_meta (out, &tokens_state);

      g_assert_nonnull (tokens);
      g_assert_cmpstr (g_quark_to_string (tensor->id), ==,
          n == 0 ? "first" : "second");
      g_assert_true (tensor->data == tokens->tokens);
      n++;
    }
  }
  g_assert_cmpuint (n, ==, 301);

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* What becomes of the tensor where the frame is copied, and where its picture
 * is scaled or cropped: GStreamer's own business, but told to users. */
static void
test_passages (void)
{
  static const struct {
    const gchar *elements;
    gboolean is_kept; /* on 1.28; 1.26 copies no tensors */
  } passages[] = {
    { "queue", TRUE },
    { "videoconvert ! capsfilter caps=video/x-raw,format=I420", TRUE },
    { "videoscale ! capsfilter caps=video/x-raw,width=32,height=24", TRUE },
    { "videocrop left=16", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (passages); i++) {
    g_autofree gchar *elements
        = g_strdup_printf (SMALL " ! %s", passages[i].elements);
    GstHarness *harness = gst_harness_new_parse (elements);
    GstBuffer *out = push_frame (harness, frames_caps ("RGB", 64, 48, NULL));
    GstTensorMeta *meta = gst_buffer_get_tensor_meta (out);

    g_test_message ("%s: %s", passages[i].elements, meta ? "kept" : "dropped");
    g_assert_cmpint (meta != NULL, ==,
        i == 0 || (passages[i].is_kept && GST_CHECK_VERSION (1, 28, 0)));
    gst_buffer_unref (out);
    gst_harness_teardown (harness);
  }
}
#endif

#if defined HAVE_GST_ANALYTICS && GST_CHECK_VERSION(1, 28, 0)
#define TOKENS_CAPS(id, dim)                                                   \
  "tensor/strided,tensor-id=(string)" id ",dims=(int)<1,0," dim                \
  ">,dims-order=(string)row-major,type=(string)float32"
/* As yolov8tensordec takes them. */
#define YOLO_CAPS                                                              \
  "tensor/strided,tensor-id=(string)yolo-v8-out,dims=(int)<1,84,8400>,"        \
  "dims-order=(string)col-major,type=(string)float32"

/* (transfer full): RGB frames with these groups, of one tensor each. */
static GstCaps *
frame_caps (const gchar *const *names, const gchar *const *tensors)
{
  GstCaps *caps = frames_caps ("RGB", 64, 48, NULL);
  GstStructure *groups = gst_structure_new_empty ("tensorgroups");

  for (guint i = 0; names[i]; i++) {
    GValue set = G_VALUE_INIT, value = G_VALUE_INIT;

    g_value_init (&value, GST_TYPE_CAPS);
    g_value_take_boxed (&value, gst_caps_from_string (tensors[i]));
    g_assert_nonnull (g_value_get_boxed (&value));
    g_value_init (&set, GST_TYPE_UNIQUE_LIST);
    gst_value_unique_list_append_and_take_value (&set, &value);
    gst_structure_take_value (groups, names[i], &set);
  }
  if (names[0])
    gst_caps_set_simple (caps, "tensors", GST_TYPE_STRUCTURE, groups, NULL);
  gst_structure_free (groups);
  return caps;
}

static const gchar *const nothing[] = { NULL };
static const gchar *const yolo_names[] = { "yolo-v8-out", NULL };
static const gchar *const yolo_tensors[] = { YOLO_CAPS, NULL };
static const gchar *const both_names[]
    = { "yolo-v8-out", "vit-patch-tokens", NULL };
static const gchar *const both_tensors[]
    = { YOLO_CAPS, TOKENS_CAPS ("vit-patch-tokens", "24"), NULL };

static void
assert_out_caps (const gchar *element, GstCaps *in, GstCaps *expected)
{
  GstHarness *harness = gst_harness_new_parse (element);
  GstCaps *caps;

  gst_harness_set_src_caps (harness, in);
  caps = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_nonnull (caps);
  g_assert_true (gst_caps_is_fixed (caps));
  g_assert_true (gst_caps_is_equal (caps, expected));

  gst_caps_unref (caps);
  gst_caps_unref (expected);
  gst_harness_teardown (harness);
}

static void
test_caps_by_default (void)
{
  assert_out_caps (
      SMALL, frame_caps (nothing, nothing), frame_caps (nothing, nothing));
  assert_out_caps (SMALL, frame_caps (yolo_names, yolo_tensors),
      frame_caps (yolo_names, yolo_tensors));
}

static void
test_caps_appended (void)
{
  assert_out_caps (SMALL " advertise-tensors=true",
      frame_caps (nothing, nothing),
      frame_caps (both_names + 1, both_tensors + 1));
  assert_out_caps (SMALL " advertise-tensors=true",
      frame_caps (yolo_names, yolo_tensors),
      frame_caps (both_names, both_tensors));
  assert_out_caps (SMALL " advertise-tensors=true tensor-id=2/x",
      frame_caps (nothing, nothing), frame_caps (nothing, nothing));
}

/* What downstream asks for, less what this element adds, is asked of upstream;
 * what it does not ask for is not. */
static void
assert_asked (GstCaps *downstream, GstCaps *expected)
{
  GstHarness *harness = gst_harness_new_parse (SMALL " advertise-tensors=true");
  GstCaps *asked;

  gst_harness_set_sink_caps (harness, downstream);
  asked = gst_pad_peer_query_caps (harness->srcpad, NULL);
  g_assert_true (gst_caps_is_equal (asked, expected));

  gst_caps_unref (asked);
  gst_caps_unref (expected);
  gst_harness_teardown (harness);
}

static void
test_caps_removed (void)
{
  assert_asked (frame_caps (both_names, both_tensors),
      frame_caps (yolo_names, yolo_tensors));
  assert_asked (frame_caps (both_names + 1, both_tensors + 1),
      frame_caps (nothing, nothing));
  assert_asked (frame_caps (nothing, nothing), frame_caps (nothing, nothing));
}

/* Tensors for which tensordecodebin knows a decoder keep theirs. */
static void
assert_decoder (const gchar *element, GstCaps *in, const gchar *expected)
{
  g_autofree gchar *description
      = g_strdup_printf ("%s ! tensordecodebin name=bin", element);
  GstHarness *harness;
  GstElementFactory *factory = gst_element_factory_find ("tensordecodebin");
  GstElement *bin;
  GstBuffer *out;

  if (!factory) {
    g_test_skip ("no tensordecodebin");
    gst_caps_unref (in);
    return;
  }
  gst_object_unref (factory);
  harness = gst_harness_new_parse (description);
  out = push_frame (harness, in);
  bin = gst_harness_find_element (harness, "tensordecodebin");
  g_assert_cmpint (GST_BIN_NUMCHILDREN (bin), ==, 1);
  factory = gst_element_get_factory (GST_BIN_CHILDREN (bin)->data);
  g_assert_cmpstr (GST_OBJECT_NAME (factory), ==, expected);

  gst_buffer_unref (out);
  gst_object_unref (bin);
  gst_harness_teardown (harness);
}

static void
test_decode_bin (void)
{
  assert_decoder (SMALL, frame_caps (nothing, nothing), "identity");
  assert_decoder (
      SMALL, frame_caps (yolo_names, yolo_tensors), "yolov8tensordec");
  assert_decoder (SMALL " advertise-tensors=true",
      frame_caps (yolo_names, yolo_tensors), "yolov8tensordec");
}

/* The sample in examples/ is one that GStreamer reads, and its input is what
 * vitpatchembed attaches. */
static void
test_model_info (void)
{
  GstAnalyticsModelInfo *info
      = gst_analytics_modelinfo_load (EXAMPLES_DIR "/models/vit-encoder.onnx");
  gsize dims[] = { 1, 13, 384 };
  g_autofree gchar *input = NULL, *output = NULL, *id = NULL;
  GParamSpecString *tensor_id;
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);

  g_assert_nonnull (info);
  input = gst_analytics_modelinfo_find_tensor_name (info,
      MODELINFO_DIRECTION_INPUT, 0, NULL, GST_TENSOR_DATA_TYPE_FLOAT32, 3,
      dims);
  output = gst_analytics_modelinfo_find_tensor_name (info,
      MODELINFO_DIRECTION_OUTPUT, 0, NULL, GST_TENSOR_DATA_TYPE_FLOAT32, 3,
      dims);
  g_assert_cmpstr (input, ==, "tokens");
  g_assert_cmpstr (output, ==, "features");
  id = gst_analytics_modelinfo_get_id (info, input);
  tensor_id = G_PARAM_SPEC_STRING (
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), "tensor-id"));
  g_assert_cmpstr (id, ==, tensor_id->default_value);
  g_assert_cmpint (gst_analytics_modelinfo_get_dims_order (info, input), ==,
      GST_TENSOR_DIM_ORDER_ROW_MAJOR);

  gst_object_unref (element);
  gst_analytics_modelinfo_free (info);
}
#endif

/* An empty text is none too. */
static void
test_empty (void)
{
  static const gchar *const names[] = { "vitpatchembed", "vitencoder" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = gst_element_factory_make_full (
        names[i], "tensor-id", "", NULL);
    g_autofree gchar *id = NULL;

    g_object_get (element, "tensor-id", &id, NULL);
    g_assert_null (id);
    gst_object_unref (gst_object_ref_sink (element));
  }
}

/* On every release the properties are there and do no harm. */
static void
test_everywhere (void)
{
  GstHarness *harness
      = gst_harness_new_parse (SMALL " advertise-tensors=true tensor-id=mine");
  GstBuffer *out = push_frame (harness, frames_caps ("RGB", 64, 48, NULL));
  g_autofree gchar *id = NULL;
  gboolean advertises;

  gst_harness_get (harness, "vitpatchembed", "tensor-id", &id,
      "advertise-tensors", &advertises, NULL);
  g_assert_cmpstr (id, ==, "mine");
  g_assert_true (advertises);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (out));

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tensors/" name, function)
  TEST ("properties-do-no-harm-on-any-release", test_everywhere);
  TEST ("an-empty-id-is-none", test_empty);
#ifdef HAVE_GST_ANALYTICS
  TEST ("attached-with-the-same-memory", test_attached);
  TEST ("no-id-attaches-none", test_none);
  TEST ("id-is-that-of-the-start", test_set_too_late);
  TEST ("two-elements-attach-their-own", test_two);
  TEST ("every-region-has-its-own", test_regions);
  TEST ("passages-keep-it-as-the-release-does", test_passages);
#endif
#if defined HAVE_GST_ANALYTICS && GST_CHECK_VERSION(1, 28, 0)
  TEST ("caps-say-nothing-by-default", test_caps_by_default);
  TEST ("caps-are-appended-to-those-of-upstream", test_caps_appended);
  TEST ("caps-are-removed-towards-upstream", test_caps_removed);
  TEST ("tensordecodebin-finds-its-decoder-still", test_decode_bin);
  TEST ("sample-modelinfo-is-read", test_model_info);
#endif
  return g_test_run ();
}
