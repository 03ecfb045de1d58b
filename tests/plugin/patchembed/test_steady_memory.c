/* SPDX-License-Identifier: MIT
 *
 * Once a stream runs, no frame allocates memory for tokens, plan, matrices, scaled
 * pictures, features or what the encoder works in: what the first frames took is
 * used again.
 */
#include <stdlib.h>

#include "support/frames.h"

#define WIDTH 96
#define HEIGHT 64
/* So that a frame's tokens, even in 16 bits and of a region, count as large. */
#define ELEMENT "vitpatchembed embed-dim=384 n-threads=2 "
#define LARGE 4096
#define ENCODED                                                               \
  "vitpatchembed n-threads=2 model=\"" TEST_DATA_DIR                           \
  "/features/hf-vit-classifier\" "

/* Sanitizers have allocators of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef COUNTS_ALLOCATIONS
#define COUNTS_ALLOCATIONS 1
#endif

static gint n_large;

#if COUNTS_ALLOCATIONS
/* Every allocation of this process, its plugins' too, passes here. */
extern void *__libc_malloc (size_t n);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t n);
extern void *__libc_memalign (size_t alignment, size_t n);

static void
count (size_t n)
{
  if (n >= LARGE)
    g_atomic_int_inc (&n_large);
}

void *
malloc (size_t n)
{
  count (n);
  return __libc_malloc (n);
}

void *
calloc (size_t n, size_t size)
{
  /* What overflows is refused behind. */
  count (n * size);
  return __libc_calloc (n, size);
}

void *
realloc (void *memory, size_t n)
{
  count (n);
  return __libc_realloc (memory, n);
}

void *
aligned_alloc (size_t alignment, size_t n)
{
  count (n);
  return __libc_memalign (alignment, n);
}

int
posix_memalign (void **memory, size_t alignment, size_t n)
{
  count (n);
  *memory = __libc_memalign (alignment, n);
  return *memory == NULL;
}
#endif

static GstBuffer *
make_frame (const GstVideoInfo *info, guint32 seed)
{
  GstBuffer *frame = frames_random (info, seed, FALSE);

  gst_buffer_add_video_region_of_interest_meta (
      frame, "even", 16, 16, 48, 48);
  gst_buffer_add_video_region_of_interest_meta (frame, "odd", 1, 3, 64, 32);
  return frame;
}

static void
check_steady_frames (const gchar *launch)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  GstCaps *caps = frames_caps ("NV12", WIDTH, HEIGHT, NULL);
  GstBuffer *frames[2];
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 2; i++)
    frames[i] = make_frame (&info, i);
  g_atomic_int_set (&n_large, 0);
  for (guint i = 0; i < 60; i++) {
    /* The frame's memory is shared, not copied. */
    GstBuffer *in = gst_buffer_copy (frames[i % 2]);

    gst_buffer_unref (gst_harness_push_and_pull (harness, in));
    /* What the first frame needs is seen, so that later none would be missed. */
    if (i == 0)
      g_assert_cmpint (g_atomic_int_get (&n_large), >, 0);
    if (i < 20)
      g_atomic_int_set (&n_large, 0);
  }
  g_assert_cmpint (g_atomic_int_get (&n_large), ==, 0);
  gst_buffer_unref (frames[0]);
  gst_buffer_unref (frames[1]);
  gst_harness_teardown (harness);
}

static void
test_steady_frames_allocate_nothing_large (gconstpointer data)
{
  if (!COUNTS_ALLOCATIONS) {
    g_test_skip ("the sanitizer has its own allocator");
    return;
  }
  check_steady_frames (data);
}

/* `element` and these properties; its test is called `name`. */
static void
add_test (const gchar *element, const gchar *name)
{
  gchar *test = g_strconcat ("/steady-memory/", name, NULL);

  g_test_add_data_func_full (test, g_strconcat (element, name, NULL),
      test_steady_frames_allocate_nothing_large, g_free);
  g_free (test);
}

int
main (int argc, char **argv)
{
  static const gchar *const settings[] = { "precision=int16", "precision=f32",
    "token-format=f16", "max-tokens=13", "regions=roi",
    "regions=roi max-tokens=7", "reuse-tokens=false", "fit=pad patch-size=20" };
  static const gchar *const encoded[]
      = { "! vitencoder n-threads=2", "token-format=f16 ! vitencoder",
          "regions=roi ! vitencoder layers=<1,2> embedding=class-mean",
          "! vitencoder features=false n-threads=1" };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    add_test (ELEMENT, settings[i]);
  for (guint i = 0; i < G_N_ELEMENTS (encoded); i++)
    add_test (ENCODED, encoded[i]);
  return g_test_run ();
}
