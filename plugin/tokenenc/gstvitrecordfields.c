/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvitrecordfields.h"

#include <math.h>

/* Whole numbers up to here are the same as real numbers. */
#define MOST_WHOLE 9007199254740992.0

static const gchar *
format_name (GstVitTokenFormat format)
{
  static const gchar *const names[] = {
    [GST_VIT_TOKEN_FORMAT_F32] = "f32",
    [GST_VIT_TOKEN_FORMAT_F16] = "f16",
    [GST_VIT_TOKEN_FORMAT_BF16] = "bf16",
  };

  return names[format];
}

json_t *
gst_vit_record_fields_text (const gchar *text)
{
  json_t *json = json_string (text);
  g_autofree gchar *valid = NULL;

  if (json)
    return json;
  valid = g_utf8_make_valid (text, -1);
  return json_string (valid);
}

static void
add_text (json_t *fields, const gchar *name, const gchar *text)
{
  if (text)
    json_object_set_new (fields, name, gst_vit_record_fields_text (text));
}

static void
add_number (json_t *fields, const gchar *name, guint number)
{
  json_object_set_new (fields, name, json_integer (number));
}

/* 16, not 16.0, which is as long again. */
static json_t *
real_to_json (gdouble real)
{
  return fabs (real) < MOST_WHOLE && real == floor (real)
             ? json_integer ((json_int_t) real)
             : json_real (real);
}

static json_t *
map_to_json (const GstVitTokensMeta *meta)
{
  json_t *list = json_array ();

  for (guint i = 0; i < G_N_ELEMENTS (meta->map); i++)
    json_array_append_new (list, real_to_json (meta->map[i]));
  return list;
}

static json_t *
kinds_to_json (const GstVitTokensMeta *meta)
{
  json_t *list = json_array ();

  for (guint i = 0; i < meta->n_prefix_tokens; i++)
    json_array_append_new (
        list, json_string (gst_vit_prefix_kind_get_name (
                  gst_vit_tokens_meta_get_prefix_kind (meta, i))));
  return list;
}

void
gst_vit_record_fields_add_grid (json_t *fields, const GstVitTokensMeta *tokens)
{
  add_number (fields, "n_prefix_tokens", tokens->n_prefix_tokens);
  if (tokens->prefix_kinds
      && tokens->n_prefix_tokens <= GST_VIT_RECORD_FIELDS_MAX_KINDS)
    json_object_set_new (fields, "prefix_kinds", kinds_to_json (tokens));
  add_number (fields, "grid_width", tokens->grid_width);
  add_number (fields, "grid_height", tokens->grid_height);
  add_number (fields, "patch_size", tokens->patch_size);
  json_object_set_new (fields, "map", map_to_json (tokens));
}

/* What tokens and embeddings say of the region in the same words. */
typedef struct {
  gint id;
  const gchar *type;
  guint x;
  guint y;
  guint width;
  guint height;
} Region;

static void
add_region (json_t *fields, const Region *region)
{
  json_object_set_new (fields, "roi_id", json_integer (region->id));
  add_text (fields, "roi_type", region->type);
  if (region->width > 0)
    json_object_set_new (fields, "roi_rect",
        json_pack ("[I,I,I,I]", (json_int_t) region->x, (json_int_t) region->y,
            (json_int_t) region->width, (json_int_t) region->height));
}

/* (nullable): one character a token: 1 where it changed. */
static json_t *
changed_to_json (const GstVitTokensMeta *meta)
{
  gchar *text = g_try_malloc ((gsize) meta->n_tokens + 1);
  json_t *json;

  if (!text)
    return NULL;
  for (guint i = 0; i < meta->n_tokens; i++)
    text[i] = gst_vit_tokens_meta_is_changed (meta, i) ? '1' : '0';
  text[meta->n_tokens] = '\0';
  json = json_string (text);
  g_free (text);

  return json;
}

static json_t *
tokens_to_json (const GstVitTokensMeta *meta, gsize max_changed)
{
  const Region region = { meta->roi_id, meta->roi_type, meta->roi_x,
    meta->roi_y, meta->roi_width, meta->roi_height };
  json_t *fields = json_object ();

  add_text (fields, "model_id", meta->model_id);
  add_number (fields, "n_blocks", meta->n_blocks);
  json_object_set_new (fields, "token_format",
      json_string (format_name (meta->format)));
  add_number (fields, "n_tokens", meta->n_tokens);
  add_number (fields, "embed_dim", meta->embed_dim);
  gst_vit_record_fields_add_grid (fields, meta);
  add_number (fields, "frame_width", meta->frame_width);
  add_number (fields, "frame_height", meta->frame_height);
  add_region (fields, &region);
  if (meta->changed && meta->n_tokens <= max_changed)
    json_object_set_new (fields, "changed", changed_to_json (meta));

  return fields;
}

static json_t *
embedding_to_json (const GstVitEmbeddingMeta *meta)
{
  const Region region = { meta->roi_id, meta->roi_type, meta->roi_x,
    meta->roi_y, meta->roi_width, meta->roi_height };
  json_t *fields = json_object ();

  add_text (fields, "model_id", meta->model_id);
  add_number (fields, "dim", meta->dim);
  json_object_set_new (
      fields, "normalized", json_boolean (meta->normalized));
  if (meta->frame_width > 0) {
    add_number (fields, "frame_width", meta->frame_width);
    add_number (fields, "frame_height", meta->frame_height);
  }
  add_region (fields, &region);

  return fields;
}

json_t *
gst_vit_record_fields_new (const GstVitRecord *record, gsize max_changed)
{
  return record->tokens ? tokens_to_json (record->tokens, max_changed)
                        : embedding_to_json (record->embedding);
}
