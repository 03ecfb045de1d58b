/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitcomponents.h"

#include "patchembed/gstvitconverter.h"

#define MAX_COMPONENTS 3
/* Pixels: a row of chroma may have only two samples. */
#define FEW_PIXELS 4

typedef struct {
  GstVideoConverter *converter; /* NULL: nothing was made */
  GstVideoFrame from;
  GstVideoFrame to;
} Gray;

struct _GstVitComponents {
  VitImageFormat format;
  guint n_components;
  gboolean is_wide; /* the gray pictures have 16 bits */
  Gray gray[MAX_COMPONENTS];
  GstVideoFrame joined; /* no buffer: none was made */
};

static gboolean
is_packed_with_chroma (const VitPixelFormat *pixel)
{
  return pixel->n_planes == 1 && pixel->component[1].shift_x > 0;
}

gboolean
gst_vit_components_needed (const VitImageFormat *format)
{
  return is_packed_with_chroma (format->pixel) || format->pixel->depth > 8
      || format->width <= FEW_PIXELS;
}

static guint
component_side (guint side, guint shift)
{
  return ((side - 1) >> shift) + 1;
}

static gboolean
make_gray (Gray *gray, const VitComponent *component, GstVideoFormat format,
    const VitImageFormat *whole, const GstVideoInfo *to)
{
  guint out_width = (guint) GST_VIDEO_INFO_WIDTH (to);
  guint out_height = (guint) GST_VIDEO_INFO_HEIGHT (to);
  GstVideoInfo in, out;

  if (!gst_vit_converter_describe (&in, format,
          component_side (whole->width, component->shift_x),
          component_side (whole->height, component->shift_y))
      || !gst_vit_converter_describe (&out, format,
          component_side (out_width, component->shift_x),
          component_side (out_height, component->shift_y)))
    return FALSE;
  gray->converter = gst_vit_converter_new (&in, &out);
  return gray->converter != NULL
      && gst_vit_converter_map_new_frame (&gray->from, &in)
      && gst_vit_converter_map_new_frame (&gray->to, &out);
}

GstVitComponents *
gst_vit_components_new (const VitImageFormat *format, const GstVideoInfo *to)
{
  GstVitComponents *components = g_new0 (GstVitComponents, 1);
  gboolean made;

  components->format = *format;
  components->n_components
      = format->pixel->family == VIT_COLOUR_GRAY ? 1 : MAX_COMPONENTS;
  components->is_wide
      = format->pixel->depth > 8 || format->width <= FEW_PIXELS;
  made = gst_vit_converter_map_new_frame (&components->joined, to);
  for (guint c = 0; c < components->n_components && made; c++)
    made = make_gray (&components->gray[c], &format->pixel->component[c],
        components->is_wide ? GST_VIDEO_FORMAT_GRAY16_LE
                            : GST_VIDEO_FORMAT_GRAY8,
        format, to);
  if (made)
    return components;
  gst_vit_components_free (components);
  return NULL;
}

static void
unmap (GstVideoFrame *frame)
{
  if (frame->buffer != NULL)
    gst_video_frame_unmap (frame);
}

void
gst_vit_components_free (GstVitComponents *components)
{
  if (components == NULL)
    return;
  for (guint c = 0; c < components->n_components; c++) {
    Gray *gray = &components->gray[c];

    g_clear_pointer (&gray->converter, gst_video_converter_free);
    unmap (&gray->from);
    unmap (&gray->to);
  }
  unmap (&components->joined);
  g_free (components);
}

static inline void
copy_bytes (
    guint8 *to, gsize to_step, const guint8 *from, gsize from_step, gsize n)
{
  for (gsize i = 0; i < n; i++)
    to[i * to_step] = from[i * from_step];
}

/* Steps that the compiler knows make vectors of the loop. */
static void
split_row (guint8 *to, const guint8 *from, gsize step, gsize n)
{
  if (step == 2)
    copy_bytes (to, 1, from, 2, n);
  else if (step == 4)
    copy_bytes (to, 1, from, 4, n);
  else
    copy_bytes (to, 1, from, step, n);
}

/* To the high bits of 16, so that what the filter overshoots is clamped. */
static inline void
widen_words (guint16 *to, const guint8 *from, gsize step, gsize n,
    const VitPixelFormat *pixel)
{
  for (gsize i = 0; i < n; i++) {
    guint16 word = (guint16) (from[i * step] | from[i * step + 1] << 8);

    to[i] = (guint16) (vit_pixel_format_sample (pixel, word)
        << (16 - pixel->depth));
  }
}

static void
widen_row (guint16 *to, const guint8 *from, gsize step, gsize n,
    const VitPixelFormat *pixel)
{
  if (pixel->sample_bytes == 1) {
    for (gsize i = 0; i < n; i++)
      to[i] = (guint16) (from[i * step] << 8);
  } else if (step == 2) {
    widen_words (to, from, 2, n, pixel);
  } else {
    widen_words (to, from, step, n, pixel);
  }
}

static void
narrow_row (guint8 *to, gsize step, const guint16 *from, gsize n,
    const VitPixelFormat *pixel)
{
  guint shift = 16u - pixel->depth, most = (1u << pixel->depth) - 1;

  for (gsize i = 0; i < n; i++) {
    guint rounded = (from[i] + (1u << (shift - 1))) >> shift;
    guint word = MIN (rounded, most) << pixel->sample_shift;

    to[i * step] = (guint8) word;
    if (pixel->sample_bytes == 2)
      to[i * step + 1] = (guint8) (word >> 8);
  }
}

static void
split (const GstVitComponents *components, guint c, const VitImage *image)
{
  const VitPixelFormat *pixel = components->format.pixel;
  const VitComponent *component = &pixel->component[c];
  const GstVideoFrame *gray = &components->gray[c].from;
  const guint8 *from = image->plane[component->plane] + component->offset;
  guint8 *to = GST_VIDEO_FRAME_PLANE_DATA (gray, 0);
  gsize n = (gsize) GST_VIDEO_FRAME_WIDTH (gray);

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (gray); y++) {
    if (components->is_wide)
      widen_row ((gpointer) to, from, component->step, n, pixel);
    else
      split_row (to, from, component->step, n);
    from += image->stride[component->plane];
    to += GST_VIDEO_FRAME_PLANE_STRIDE (gray, 0);
  }
}

static void
join (GstVitComponents *components, guint c)
{
  const VitPixelFormat *pixel = components->format.pixel;
  const VitComponent *component = &pixel->component[c];
  const GstVideoFrame *gray = &components->gray[c].to;
  GstVideoFrame *joined = &components->joined;
  const guint8 *from = GST_VIDEO_FRAME_PLANE_DATA (gray, 0);
  guint8 *to = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (joined, component->plane)
      + component->offset;
  gsize n = (gsize) GST_VIDEO_FRAME_WIDTH (gray);

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (gray); y++) {
    if (components->is_wide)
      narrow_row (to, component->step, (gconstpointer) from, n, pixel);
    else
      copy_bytes (to, component->step, from, 1, n);
    from += GST_VIDEO_FRAME_PLANE_STRIDE (gray, 0);
    to += GST_VIDEO_FRAME_PLANE_STRIDE (joined, component->plane);
  }
}

void
gst_vit_components_run (GstVitComponents *components, VitImage *image)
{
  for (guint c = 0; c < components->n_components; c++) {
    Gray *gray = &components->gray[c];

    split (components, c, image);
    gst_video_converter_frame (gray->converter, &gray->from, &gray->to);
    join (components, c);
  }
  for (guint p = 0; p < components->format.pixel->n_planes; p++) {
    image->plane[p] = GST_VIDEO_FRAME_PLANE_DATA (&components->joined, p);
    image->stride[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&components->joined, p);
  }
}
