/* SPDX-License-Identifier: MIT
 *
 * No memory for tokens: frames pass without them, and that is said once, until
 * there is memory again.
 */
#include <errno.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"
#include "support/sanitizer.h"

#if defined(__GLIBC__) && !defined(SANITIZER)
#define CAN_FAIL 1

/* The largest buffer of tokens that there is memory for, in bytes. */
static gsize largest = G_MAXSIZE;

extern void *__libc_memalign (size_t alignment, size_t n);

/* Buffers of tokens, in the plugin, come from here, at a cache line each; and
 * what GLib cannot do without. */
int
posix_memalign (void **memory, size_t alignment, size_t n)
{
  if (alignment == 64 && n > largest)
    return ENOMEM;
  *memory = __libc_memalign (alignment, n);
  return *memory == NULL ? ENOMEM : 0;
}

#define ELEMENT "vitpatchembed embed-dim=24 n-threads=1 precision=f32 reuse-tokens=false "
#define TOKEN (24 * sizeof (gfloat))

typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
  GPtrArray *kept; /* frames, so that no buffer of tokens comes back */
} Stream;

static void
stream_init (Stream *stream, const gchar *launch)
{
  GstCaps *caps = frames_caps ("GRAY8", 160, 128, NULL);

  largest = G_MAXSIZE;
  stream->harness = gst_harness_new_parse (launch);
  stream->element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
  stream->kept
      = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
}

static void
stream_clear (Stream *stream)
{
  largest = G_MAXSIZE;
  g_ptr_array_unref (stream->kept);
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_harness_teardown (stream->harness);
}

/* The next frame, with regions of 4, 9 and 16 patches: its sets of tokens. */
static guint
push (Stream *stream)
{
  GstBuffer *frame = frames_random (&stream->info, stream->kept->len, FALSE);
  gpointer state = NULL;
  guint n = 0;

  for (guint i = 2; i <= 4; i++)
    gst_buffer_add_video_region_of_interest_meta (
        frame, "thing", 0, 0, 16 * i, 16 * i);
  frame = gst_harness_push_and_pull (stream->harness, frame);
  g_assert_nonnull (frame);
  g_ptr_array_add (stream->kept, frame);
  while (gst_buffer_iterate_vit_tokens_meta (frame, &state))
    n++;
  return n;
}

static guint
count_warnings (Stream *stream)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (
              stream->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR))) {
    GError *error = NULL;

    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
    gst_message_parse_warning (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
    g_error_free (error);
    gst_message_unref (message);
    n++;
  }
  return n;
}

static void
check_said_once (const gchar *options, guint n_sets)
{
  gchar *launch = g_strconcat (ELEMENT, options, NULL);
  Stream stream;

  stream_init (&stream, launch);
  g_assert_cmpuint (push (&stream), ==, n_sets);
  g_assert_cmpuint (count_warnings (&stream), ==, 0);
  for (guint round = 0; round < 2; round++) {
    largest = 0;
    for (guint i = 0; i < 5; i++)
      g_assert_cmpuint (push (&stream), ==, 0);
    g_assert_cmpuint (count_warnings (&stream), ==, 1);
    /* When there is memory again, it can be short again. */
    largest = G_MAXSIZE;
    for (guint i = 0; i < 3; i++)
      g_assert_cmpuint (push (&stream), ==, n_sets);
    g_assert_cmpuint (count_warnings (&stream), ==, 0);
  }
  stream_clear (&stream);
  g_free (launch);
}

static void
test_it_is_said_once_for_all_frames (void)
{
  check_said_once ("", 1);
}

static void
test_it_is_said_once_for_all_regions (void)
{
  check_said_once ("regions=roi", 3);
}

/* What there is memory for has tokens; the rest is as short as before. */
static void
test_it_is_said_once_while_some_have_tokens (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT "regions=roi");
  /* What else is made once is made. */
  g_assert_cmpuint (push (&stream), ==, 3);
  for (guint i = 0; i < 12; i++) {
    largest = i % 2 ? TOKEN * (1 + 4) : TOKEN * (1 + 9);
    g_assert_cmpuint (push (&stream), ==, i % 2 ? 1 : 2);
  }
  g_assert_cmpuint (count_warnings (&stream), ==, 1);
  stream_clear (&stream);
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#ifdef CAN_FAIL
#define TEST(name, function) g_test_add_func ("/short-memory/" name, function)
  TEST ("it-is-said-once-for-all-frames", test_it_is_said_once_for_all_frames);
  TEST ("it-is-said-once-for-all-regions",
      test_it_is_said_once_for_all_regions);
  TEST ("it-is-said-once-while-some-have-tokens",
      test_it_is_said_once_while_some_have_tokens);
#endif
  return g_test_run ();
}
