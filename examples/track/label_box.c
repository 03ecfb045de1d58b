/* SPDX-License-Identifier: MIT */
#include "label_box.h"

typedef struct {
  const gfloat *labels; /* [grid_height][grid_width] */
  guint grid_width, grid_height;
  gfloat largest;
} Labels;

/* Of whole patches; the last two not in it. */
typedef struct {
  guint left, top, right, bottom;
} Patches;

/* Of [from, to), what lies in the patch at `place`. */
static gdouble
share (gdouble from, gdouble to, guint place)
{
  return MAX (MIN (to, place + 1.0) - MAX (from, place), 0);
}

gboolean
label_box_fill (
    const LabelBox *box, guint grid_width, guint grid_height, gfloat *labels)
{
  gboolean is_any = FALSE;

  for (guint row = 0; row < grid_height; row++) {
    for (guint column = 0; column < grid_width; column++) {
      gdouble label = share (box->left, box->right, column)
                      * share (box->top, box->bottom, row);

      labels[row * grid_width + column] = label;
      is_any |= label > 0;
    }
  }
  return is_any;
}

/* Among boxes from row `top` to `bottom`, of which `sums` are the columns' sums:
 * the one with the largest sum, by Kadane's algorithm. */
static gdouble
find_columns (const gdouble *sums, guint n, guint *left, guint *right)
{
  gdouble best = -1, sum = 0;
  guint start = 0;

  *left = *right = 0;
  for (guint column = 0; column < n; column++) {
    sum += sums[column];
    if (sum > best) {
      best = sum;
      *left = start;
      *right = column + 1;
    }
    if (sum < 0) {
      sum = 0;
      start = column + 1;
    }
  }
  return best;
}

static Patches
find_patches (const Labels *labels)
{
  gdouble *sums = g_new (gdouble, labels->grid_width), best = 0;
  Patches found = { 0, 0, 0, 0 };

  for (guint top = 0; top < labels->grid_height; top++) {
    for (guint column = 0; column < labels->grid_width; column++)
      sums[column] = 0;
    for (guint bottom = top; bottom < labels->grid_height; bottom++) {
      guint left, right;
      gdouble sum;

      for (guint column = 0; column < labels->grid_width; column++)
        sums[column] += labels->labels[bottom * labels->grid_width + column]
                        - labels->largest / 2;
      sum = find_columns (sums, labels->grid_width, &left, &right);
      if (sum > best) {
        best = sum;
        found = (Patches){ left, top, right, bottom + 1 };
      }
    }
  }
  g_free (sums);
  return found;
}

/* The mean label of a column, or with `is_row` of a row, between the two others'
 * sides; 0 outside of the grid. */
static gdouble
mean_label (
    const Labels *labels, const Patches *patches, gint64 place, gboolean is_row)
{
  guint from = is_row ? patches->left : patches->top;
  guint to = is_row ? patches->right : patches->bottom;
  gdouble sum = 0;

  if (place < 0 || place >= (is_row ? labels->grid_height : labels->grid_width))
    return 0;
  for (guint i = from; i < to; i++)
    sum += labels->labels[is_row ? place * labels->grid_width + i
                                 : i * labels->grid_width + place];
  return sum / (to - from);
}

/* Both ends of the box in one direction: each is as far out as the last column
 * inside and the first one outside are labelled, beside the one labelled most. */
static void
find_ends (const Labels *labels, const Patches *patches, gboolean is_row,
    gdouble *from, gdouble *to)
{
  gint64 first = is_row ? patches->top : patches->left;
  gint64 last = (gint64) (is_row ? patches->bottom : patches->right) - 1;
  gdouble most = 0;

  for (gint64 i = first; i <= last; i++)
    most = MAX (most, mean_label (labels, patches, i, is_row));
  *from = first + 1
          - (mean_label (labels, patches, first, is_row)
                + mean_label (labels, patches, first - 1, is_row))
                / most;
  *to = last
        + (mean_label (labels, patches, last, is_row)
              + mean_label (labels, patches, last + 1, is_row))
              / most;
}

gboolean
label_box_find (
    const gfloat *values, guint grid_width, guint grid_height, LabelBox *box)
{
  Labels labels = { values, grid_width, grid_height, 0 };
  Patches patches;

  for (guint i = 0; i < grid_width * grid_height; i++)
    labels.largest = MAX (labels.largest, values[i]);
  if (labels.largest <= 0)
    return FALSE;
  patches = find_patches (&labels);
  find_ends (&labels, &patches, FALSE, &box->left, &box->right);
  find_ends (&labels, &patches, TRUE, &box->top, &box->bottom);
  return TRUE;
}
