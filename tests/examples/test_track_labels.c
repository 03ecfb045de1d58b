/* SPDX-License-Identifier: MIT
 *
 * How examples/track carries labels from frame to frame, against DINO's definition in
 * double; and how it finds the box of what is labelled.
 */
#include <math.h>
#include <string.h>

#include "label_box.h"
#include "label_propagation.h"

#define COLUMNS 9
#define ROWS 7
#define PATCHES (COLUMNS * ROWS)
#define DIM 21
#define FRAMES 12

typedef struct {
  gfloat features[FRAMES][PATCHES * DIM];
  double labels[FRAMES][PATCHES];
} Video;

/* Frames like the one before, so that cosines are large and small. */
static Video *
new_video (guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  Video *video = g_new0 (Video, 1);

  for (guint frame = 0; frame < FRAMES; frame++) {
    for (guint i = 0; i < PATCHES * DIM; i++)
      video->features[frame][i]
          = (frame > 0 ? 0.8 * video->features[frame - 1][i] : 0)
            + g_rand_double_range (rand, -1, 1);
  }
  for (guint i = 0; i < PATCHES; i++)
    video->labels[0][i] = g_rand_double (rand) < 0.3 ? g_rand_double (rand) : 0;
  g_rand_free (rand);
  return video;
}

static double
cosine (const gfloat *a, const gfloat *b)
{
  double product = 0, first = 0, second = 0;

  for (guint d = 0; d < DIM; d++) {
    product += (double) a[d] * b[d];
    first += (double) a[d] * a[d];
    second += (double) b[d] * b[d];
  }
  return product / sqrt (first * second);
}

static int
compare_descending (const void *a, const void *b)
{
  double first = *(const double *) a, second = *(const double *) b;

  return (first < second) - (first > second);
}

/* One patch of label_propagation() in eval_video_segmentation.py: an affinity with
 * every patch of every context, 0 outside of the neighbourhood; those under the
 * top-th largest are 0; a mean by the rest. */
static double
define_label (const Video *video, const LabelPropagationSettings *settings,
    guint now, guint patch, double *largest_cosine)
{
  double affinities[FRAMES * PATCHES], sorted[FRAMES * PATCHES];
  double labels[FRAMES * PATCHES], sum = 0, sum_of_affinities = 0;
  guint n = 0;

  for (guint frame = 0; frame < now; frame++) {
    if (frame > 0 && frame + settings->n_last_frames < now)
      continue;
    for (guint i = 0; i < PATCHES; i++) {
      gint column = (gint) (i % COLUMNS) - (gint) (patch % COLUMNS);
      gint row = (gint) (i / COLUMNS) - (gint) (patch / COLUMNS);
      gint far = settings->neighbourhood;
      gboolean is_near = ABS (column) <= far && ABS (row) <= far;

      affinities[n] = is_near
                      * exp (cosine (&video->features[now][patch * DIM],
                                 &video->features[frame][i * DIM])
                             / settings->temperature);
      labels[n++] = video->labels[frame][i];
    }
  }
  memcpy (sorted, affinities, n * sizeof (double));
  qsort (sorted, n, sizeof (double), compare_descending);
  for (guint i = 0; i < n; i++) {
    if (affinities[i] >= sorted[MIN (settings->top, n) - 1]) {
      sum += affinities[i] * labels[i];
      sum_of_affinities += affinities[i];
    }
  }
  *largest_cosine = log (sorted[0]) * settings->temperature;
  return sum / sum_of_affinities;
}

static void
check_video (guint32 seed, const LabelPropagationSettings *settings)
{
  LabelPropagation *propagation
      = label_propagation_new (settings, COLUMNS, ROWS, DIM);
  Video *video = new_video (seed);
  gfloat labels[PATCHES];

  for (guint i = 0; i < PATCHES; i++)
    labels[i] = video->labels[0][i];
  label_propagation_start (propagation, video->features[0], labels);
  for (guint now = 1; now < FRAMES; now++) {
    double sum = 0, sum_of_labels = 0;
    gdouble found
        = label_propagation_run (propagation, video->features[now], labels);

    label_propagation_keep (propagation);
    for (guint i = 0; i < PATCHES; i++) {
      double largest, label = define_label (video, settings, now, i, &largest);

      video->labels[now][i] = label;
      g_assert_cmpfloat_with_epsilon (labels[i], label, 1e-5);
      sum += label * largest;
      sum_of_labels += label;
    }
    g_assert_cmpfloat_with_epsilon (found, sum / sum_of_labels, 1e-5);
  }
  label_propagation_free (propagation);
  g_free (video);
}

static void
test_definition (void)
{
  static const LabelPropagationSettings settings[] = {
    LABEL_PROPAGATION_DEFAULTS,
    { 3, 2, 4, 0.1 },
    { 0, 3, 5, 0.05 },
    { 2, 1, 1, 1.0 },
    { 20, 0, 3, 0.1 },
    { 1, 30, 100, 0.3 },
    /* More than a neighbourhood has: all of it. */
    { 1, 1, 30, 0.2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    for (guint32 seed = 0; seed < 4; seed++)
      check_video (seed, &settings[i]);
  }
}

/* A frame that was not kept is looked at by none. */
static void
test_kept_or_not (void)
{
  static const LabelPropagationSettings settings = { 7, 3, 5, 0.1 };
  LabelPropagation *propagation
      = label_propagation_new (&settings, COLUMNS, ROWS, DIM);
  Video *video = new_video (9);
  gfloat first[PATCHES], second[PATCHES], labels[PATCHES];

  for (guint i = 0; i < PATCHES; i++)
    labels[i] = i % 3 == 0;
  label_propagation_start (propagation, video->features[0], labels);
  label_propagation_run (propagation, video->features[1], first);
  label_propagation_run (propagation, video->features[5], labels);
  label_propagation_run (propagation, video->features[1], second);
  g_assert_cmpmem (first, sizeof first, second, sizeof second);
  label_propagation_keep (propagation);
  label_propagation_run (propagation, video->features[1], second);
  g_assert_cmpint (memcmp (first, second, sizeof first), !=, 0);
  label_propagation_free (propagation);
  g_free (video);
}

static void
test_nothing_labelled (void)
{
  static const LabelPropagationSettings settings = LABEL_PROPAGATION_DEFAULTS;
  LabelPropagation *propagation
      = label_propagation_new (&settings, COLUMNS, ROWS, DIM);
  Video *video = new_video (1);
  gfloat labels[PATCHES] = { 0 };
  LabelBox box;

  label_propagation_start (propagation, video->features[0], labels);
  g_assert_cmpfloat (
      label_propagation_run (propagation, video->features[1], labels), ==, 0);
  for (guint i = 0; i < PATCHES; i++)
    g_assert_cmpfloat (labels[i], ==, 0);
  g_assert_false (label_box_find (labels, COLUMNS, ROWS, &box));
  label_propagation_free (propagation);
  g_free (video);
}

static void
assert_box (const LabelBox *found, const LabelBox *expected, gdouble error)
{
  g_assert_cmpfloat_with_epsilon (found->left, expected->left, error);
  g_assert_cmpfloat_with_epsilon (found->top, expected->top, error);
  g_assert_cmpfloat_with_epsilon (found->right, expected->right, error);
  g_assert_cmpfloat_with_epsilon (found->bottom, expected->bottom, error);
}

/* Wherever its sides lie within patches. */
static void
test_box_of_its_own_labels (void)
{
  GRand *rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < 2000; i++) {
    LabelBox box = { g_rand_double_range (rand, 0, COLUMNS - 2),
      g_rand_double_range (rand, 0, ROWS - 2), 0, 0 };
    gfloat labels[PATCHES];
    LabelBox found;

    box.right = g_rand_double_range (rand, box.left + 2, COLUMNS);
    box.bottom = g_rand_double_range (rand, box.top + 2, ROWS);
    g_assert_true (label_box_fill (&box, COLUMNS, ROWS, labels));
    g_assert_true (label_box_find (labels, COLUMNS, ROWS, &found));
    assert_box (&found, &box, 1e-5);
  }
  g_rand_free (rand);
}

static void
test_box_of_holes_and_strays (void)
{
  static const LabelBox box = { 1, 1, 6, 5 };
  gfloat labels[PATCHES];
  LabelBox found;

  label_box_fill (&box, COLUMNS, ROWS, labels);
  labels[3 * COLUMNS + 3] = 0;
  labels[6 * COLUMNS + 8] = 1;
  g_assert_true (label_box_find (labels, COLUMNS, ROWS, &found));
  assert_box (&found, &box, 1e-6);
}

static void
test_box_outside (void)
{
  static const LabelBox outside[] = { { -3, 0, -1, 2 },
    { 0, ROWS, 2, ROWS + 1 }, { 3, 3, 3, 5 }, { 5, 2, 4, 3 } };
  gfloat labels[PATCHES];

  for (guint i = 0; i < G_N_ELEMENTS (outside); i++)
    g_assert_false (label_box_fill (&outside[i], COLUMNS, ROWS, labels));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/track-labels/" name, function)
  TEST ("as-dino-defines-them", test_definition);
  TEST ("frames-are-kept-or-not", test_kept_or_not);
  TEST ("nothing-labelled", test_nothing_labelled);
  TEST ("a-box-of-its-own-labels", test_box_of_its_own_labels);
  TEST ("holes-and-strays-move-no-side", test_box_of_holes_and_strays);
  TEST ("a-box-outside-of-the-grid", test_box_outside);
  return g_test_run ();
}
