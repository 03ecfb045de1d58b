/* SPDX-License-Identifier: MIT
 *
 * Whether what vittokenoverlay compares patches with is that of the frame before:
 * here in place of the reader of files, all of whose vectors lie at one address, as
 * those of one file may where those of another lay.
 */
#include "support/overlay_frame.h"
#include "tokenoverlay/gstvitsimilarity.h"

void
gst_vit_query_clear (GstVitQuery *self)
{
  self->path = NULL;
}

const VitNpy *
gst_vit_query_get (GstVitQuery *self, GRefString *path, guint embed_dim)
{
  static gfloat values[2];
  static VitNpy npy = { .n_vectors = 1, .dim = 2, .values = values };

  if (path != self->path) {
    self->path = path;
    self->n_reads++;
    values[0]++;
  }
  return path && embed_dim == npy.dim ? &npy : NULL;
}

static void
map (GstVitGrids *grids, GstBuffer *frame, VitTokenPicture *picture,
    const GstVitDrawingSettings *settings)
{
  const gchar *fault = NULL, *reason = NULL;

  gst_vit_grids_init (grids);
  g_assert_true (
      gst_vit_grids_collect (grids, frame, settings, &fault, &reason));
  g_assert_true (gst_vit_grids_map (grids, picture, TRUE, &reason));
}

static void
test_new (void)
{
  GRefString *files[]
      = { g_ref_string_new ("a.npy"), g_ref_string_new ("b.npy"), NULL };
  static const struct {
    guint file;
    guint n_points;
    gboolean is_new;
  } frames[] = { { 0, 0, TRUE }, { 0, 0, FALSE }, { 1, 0, TRUE },
    { 1, 0, FALSE }, { 1, 1, TRUE }, { 1, 1, FALSE }, { 2, 1, TRUE },
    { 2, 1, FALSE }, { 0, 1, TRUE } };
  GstVitDrawingSettings settings = { .x = -1, .y = -1 };
  GstVitSimilarity similarity = { 0 };
  VitTokenPicture *picture = vit_token_picture_new ();
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstVitGrids grids;

  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  map (&grids, frame, picture, &settings);
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    gboolean is_new;

    settings.query = files[frames[i].file];
    settings.n_points = frames[i].n_points;
    g_assert_true (gst_vit_similarity_find (
        &similarity, &settings, &grids, WIDTH, HEIGHT, &is_new));
    g_test_message ("frame %u", i);
    g_assert_cmpint (is_new, ==, frames[i].is_new);
    g_assert_cmpuint (gst_vit_similarity_n_vectors (&similarity), ==,
        (frames[i].file < 2) + frames[i].n_points);
  }
  gst_vit_grids_unmap (&grids);
  gst_vit_grids_clear (&grids);
  gst_vit_similarity_clear (&similarity);
  vit_token_picture_free (picture);
  gst_buffer_unref (frame);
  for (guint i = 0; i < 2; i++)
    g_ref_string_release (files[i]);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-similarity/what-is-new", test_new);
  return g_test_run ();
}
