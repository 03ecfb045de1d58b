/* SPDX-License-Identifier: MIT
 *
 * The model as the element's properties choose it: which tower of a file with
 * several, what is told about the choice, and that elements with the same
 * model read it once.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"
#include "support/weights.h"

static gchar *folder;

static gchar *
in_folder (const gchar *name)
{
  return g_build_filename (folder, name, NULL);
}

static Weights *
new_tower (gfloat first_weight)
{
  Weights *weights = weights_new ();

  weights_add (weights, "patch_embed.proj.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "patch_embed.proj.bias", 1, 6);
  weights_add (weights, "cls_token", 3, 1, 1, 6);
  weights_add (weights, "mask_token", 2, 1, 6);
  weights_add (weights, "pos_embed", 3, 1, 10, 6);
  weights_set (weights, "patch_embed.proj.weight", 0, first_weight);
  return weights;
}

static gchar *
write_two_towers (void)
{
  gchar *path = in_folder ("two.safetensors");
  Weights *weights = new_tower (1.0f), *teacher = new_tower (2.0f);

  weights_add_prefix (weights, "student.");
  weights_add_prefix (teacher, "teacher.");
  weights_join (weights, teacher);
  weights_write (weights, path);
  weights_free (weights);
  return path;
}

/* (transfer full): the tokens of a random frame of 8 x 6, or NULL with the
 * error that the element posted on its way to PAUSED. */
static gfloat *
tokens_of (GstElement *element, gchar **text)
{
  GstBus *bus = gst_bus_new ();
  GstHarness *harness;
  GstVideoInfo info;
  gfloat *tokens;
  GstBuffer *out;
  GstCaps *caps;

  gst_element_set_bus (element, bus);
  if (gst_element_set_state (element, GST_STATE_PAUSED)
      == GST_STATE_CHANGE_FAILURE) {
    GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    GError *error = NULL;

    g_assert_nonnull (message);
    gst_message_parse_error (message, &error, NULL);
    *text = g_strdup (error->message);
    g_error_free (error);
    gst_message_unref (message);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL);
    gst_object_unref (bus);
    return NULL;
  }
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);

  caps = frames_caps ("RGB", 8, 6, NULL);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  harness = gst_harness_new_with_element (element, "sink", "src");
  gst_harness_set_caps (harness, gst_caps_ref (caps), caps);
  out = gst_harness_push_and_pull (harness, frames_random (&info, 5, FALSE));
  tokens = frames_get_tokens (out, (1 + 4 * 3) * 6);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  return tokens;
}

static GstElement *
new_element (const gchar *model, const gchar *prefix)
{
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);

  g_object_set (element, "model", model, "model-prefix", prefix, NULL);
  return gst_object_ref_sink (element);
}

static void
test_prefix_picks_the_tower (void)
{
  g_autofree gchar *two = write_two_towers ();
  g_autofree gchar *one = in_folder ("one.safetensors");
  Weights *weights = new_tower (2.0f);
  GstElement *picked = new_element (two, "teacher");
  GstElement *single = new_element (one, NULL);
  g_autofree gchar *prefix = NULL;
  gfloat *a, *b;

  weights_write (weights, one);
  weights_free (weights);
  a = tokens_of (picked, NULL);
  b = tokens_of (single, NULL);
  g_assert_cmpmem (a, 13 * 6 * 4, b, 13 * 6 * 4);
  g_object_get (picked, "model-prefix", &prefix, NULL);
  g_assert_cmpstr (prefix, ==, "teacher");
  g_free (a);
  g_free (b);
  gst_object_unref (picked);
  gst_object_unref (single);
}

static void
test_towers_to_choose_from_are_listed (void)
{
  static const gchar *const prefixes[] = { NULL, "", "tea" };
  g_autofree gchar *two = write_two_towers ();

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++) {
    GstElement *element = new_element (two, prefixes[i]);
    g_autofree gchar *text = NULL;

    g_assert_null (tokens_of (element, &text));
    g_test_message ("%s", text);
    g_assert_nonnull (strstr (text, "model-prefix"));
    g_assert_nonnull (strstr (text, "\"student.\""));
    g_assert_nonnull (strstr (text, "\"teacher.\""));
    gst_object_unref (element);
  }
}

static void
test_model_info_says_what_and_why (void)
{
  static const struct {
    const gchar *folder, *layout, *rule, *reason;
  } cases[] = {
    { "hf-llava", "hf-clip", "size", "clip_vision_model in config.json" },
    { "hf-aimv2-native", "hf-aimv2-native", "sincos", "aimv2_vision_model" },
    { "openclip", "openclip", "openclip", "open_clip_config.json" },
    { "timm-siglip", "timm-vit", "timm", "vit_base_patch16_siglip" },
    { "dino-p16/model.safetensors", "dino", "dino", "assumed, ImageNet" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path
        = g_build_filename (TEST_DATA_DIR, cases[i].folder, NULL);
    GstElement *element = new_element (path, NULL);
    GstStructure *info = NULL;

    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), !=,
        GST_STATE_CHANGE_FAILURE);
    g_object_get (element, "model-info", &info, NULL);
    g_test_message ("%s", gst_structure_get_string (info, "reason"));
    g_assert_cmpstr (
        gst_structure_get_string (info, "layout"), ==, cases[i].layout);
    g_assert_cmpstr (
        gst_structure_get_string (info, "position-rule"), ==, cases[i].rule);
    g_assert_nonnull (strstr (
        gst_structure_get_string (info, "reason"), cases[i].reason));
    gst_structure_free (info);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
  }
}

/* What model-info says of each prefix token, in one string. */
static gchar *
listed_kinds (GstElement *element)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GstStructure *info = NULL;
  const GValue *list;

  g_object_get (element, "model-info", &info, NULL);
  list = gst_structure_get_value (info, "prefix-tokens");
  for (guint i = 0; i < gst_value_array_get_size (list); i++)
    g_string_append_printf (text, "%s,",
        g_value_get_string (gst_value_array_get_value (list, i)));
  gst_structure_free (info);
  return g_strdup (text->str);
}

/* A name, "#" and eight digits, the same in both places. */
static void
assert_model_id (
    GstElement *element, const GstVitTokensMeta *meta, const gchar *name)
{
  g_auto (GStrv) parts = g_strsplit (meta->model_id, "#", -1);
  GstStructure *info = NULL;

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  g_assert_cmpstr (parts[0], ==, name);
  g_assert_cmpuint (strlen (parts[1]), ==, 8);
  g_assert_cmpuint (strspn (parts[1], "0123456789abcdef"), ==, 8);
  g_object_get (element, "model-info", &info, NULL);
  g_assert_cmpstr (
      gst_structure_get_string (info, "id"), ==, meta->model_id);
  gst_structure_free (info);
}

static void
test_prefix_tokens_have_kinds (void)
{
  static const struct {
    const gchar *folder, *name, *kinds;
    gboolean emitted;
  } cases[] = {
    { "dinov2-reg4-p14", "dinov2-reg4-p14",
        "class,register,register,register,register,", TRUE },
    { "timm-deit-distilled", "deit_tiny_distilled_patch16_224.fb_in1k",
        "class,distillation,", TRUE },
    { "hf-siglip", "hf-siglip", "", TRUE },
    { "hf-vit", "hf-vit", "class,", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path
        = g_build_filename (TEST_DATA_DIR, cases[i].folder, NULL);
    g_autofree gchar *listed = NULL;
    g_autoptr (GString) kinds = g_string_new (NULL);
    GstElement *element = new_element (path, NULL);
    GstHarness *harness;
    GstVitTokensMeta *meta;
    GstBuffer *frame;

    g_object_set (element, "prefix-tokens", cases[i].emitted, NULL);
    harness = gst_harness_new_with_element (element, "sink", "src");
    gst_harness_set_src_caps_str (
        harness, "video/x-raw,format=GRAY8,width=64,height=64,framerate=1/1");
    frame = gst_harness_create_buffer (harness, 64 * 64);
    gst_buffer_memset (frame, 0, 9, 64 * 64);
    frame = gst_harness_push_and_pull (harness, frame);
    meta = gst_buffer_get_vit_tokens_meta (frame);
    for (guint k = 0; k < meta->n_prefix_tokens; k++)
      g_string_append_printf (kinds, "%s,",
          gst_vit_prefix_kind_get_name (
              gst_vit_tokens_meta_get_prefix_kind (meta, k)));
    g_assert_cmpstr (kinds->str, ==, cases[i].emitted ? cases[i].kinds : "");
    listed = listed_kinds (element);
    g_assert_cmpstr (listed, ==, kinds->str);
    assert_model_id (element, meta, cases[i].name);
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
    gst_object_unref (element);
  }
}

/* What was set is not said to come from a file. */
static void
test_model_info_after_properties (void)
{
  g_autofree gchar *path = g_build_filename (TEST_DATA_DIR, "hf-llava", NULL);
  GstElement *element = new_element (path, NULL);
  GstStructure *info = NULL;
  const gchar *reason;

  gst_util_set_object_arg (G_OBJECT (element), "position-rule", "dino");
  gst_util_set_object_arg (G_OBJECT (element), "mean", "<0.1,0.2,0.3>");
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), !=,
      GST_STATE_CHANGE_FAILURE);
  g_object_get (element, "model-info", &info, NULL);
  reason = gst_structure_get_string (info, "reason");
  g_test_message ("%s", reason);
  g_assert_nonnull (strstr (reason, "position rule dino: as it was set"));
  g_assert_nonnull (strstr (reason, "mean: as it was set; std: "));
  g_assert_null (strstr (reason, "clip_vision_model"));
  gst_structure_free (info);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

/* Bytes this process has read from files; G_MAXUINT64 where the system does
 * not tell. */
static guint64
bytes_read (void)
{
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents ("/proc/self/io", &text, NULL, NULL)
      || !g_str_has_prefix (text, "rchar: "))
    return G_MAXUINT64;
  return g_ascii_strtoull (text + strlen ("rchar: "), NULL, 10);
}

static void
test_elements_read_one_model_once (void)
{
  const gchar *model = EXAMPLES_DIR "/models/dinov2-small";
  const gchar *file = EXAMPLES_DIR "/models/dinov2-small/model.safetensors";
  GstElement *elements[3];
  guint64 start, first = 0, others;

  if (bytes_read () == G_MAXUINT64) {
    g_test_skip ("no /proc/self/io");
    return;
  }
  start = bytes_read ();
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++) {
    elements[i] = new_element (model, NULL);
    gst_element_set_state (elements[i], GST_STATE_PAUSED);
    if (i == 0)
      first = bytes_read () - start;
  }
  others = bytes_read () - start - first;
  g_test_message ("read %" G_GUINT64_FORMAT " bytes, then %" G_GUINT64_FORMAT,
      first, others);
  /* The blocks, 42 MB more, are not read. */
  g_assert_cmpuint (first, >, 3000000);
  g_assert_cmpuint (first, <, 6000000);
  g_assert_cmpuint (others, <, 100000);

  /* The last one gone, it is read again. */
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    gst_element_set_state (elements[i], GST_STATE_NULL);
  start = bytes_read ();
  g_object_set (elements[0], "model", file, NULL);
  gst_element_set_state (elements[0], GST_STATE_PAUSED);
  g_assert_cmpuint (bytes_read () - start, >, 3000000);
  gst_element_set_state (elements[0], GST_STATE_NULL);
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    gst_object_unref (elements[i]);
}

static void
remove_folder (void)
{
  static const gchar *const names[]
      = { "one.safetensors", "two.safetensors" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = in_folder (names[i]);

    g_remove (path);
  }
  g_rmdir (folder);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  gint failed;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("vit-element-XXXXXX", NULL);
  g_test_add_func (
      "/model_element/prefix-picks-the-tower", test_prefix_picks_the_tower);
  g_test_add_func ("/model_element/towers-to-choose-from-are-listed",
      test_towers_to_choose_from_are_listed);
  g_test_add_func ("/model_element/model-info-says-what-and-why",
      test_model_info_says_what_and_why);
  g_test_add_func ("/model_element/prefix-tokens-have-kinds-and-the-model-a-name",
      test_prefix_tokens_have_kinds);
  g_test_add_func ("/model_element/model-info-after-properties",
      test_model_info_after_properties);
  g_test_add_func ("/model_element/elements-read-one-model-once",
      test_elements_read_one_model_once);
  failed = g_test_run ();
  remove_folder ();
  return failed;
}
