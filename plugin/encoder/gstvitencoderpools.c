/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderpools.h"

#include "common/gstvittokenspool.h"

/* As many sizes as are kept ready. */
#define MAX_POOLS 32

typedef struct {
  gsize n_bytes;
  GstBufferPool *pool;
  guint64 last_use;
} Pool;

struct _GstVitEncoderPools {
  GArray *all; /* of Pool */
  guint64 n_uses;
};

static void
clear_pool (gpointer data)
{
  Pool *pool = data;

  gst_buffer_pool_set_active (pool->pool, FALSE);
  gst_object_unref (pool->pool);
}

GstVitEncoderPools *
gst_vit_encoder_pools_new (void)
{
  GstVitEncoderPools *pools = g_new0 (GstVitEncoderPools, 1);

  pools->all = g_array_sized_new (FALSE, FALSE, sizeof (Pool), MAX_POOLS);
  g_array_set_clear_func (pools->all, clear_pool);
  return pools;
}

void
gst_vit_encoder_pools_free (GstVitEncoderPools *pools)
{
  g_array_unref (pools->all);
  g_free (pools);
}

void
gst_vit_encoder_pools_clear (GstVitEncoderPools *pools)
{
  g_array_set_size (pools->all, 0);
}

/* (nullable) (transfer none) */
static Pool *
make_pool (GstVitEncoderPools *pools, gsize n_bytes)
{
  Pool made = { n_bytes, gst_vit_tokens_pool_new (n_bytes), 0 };
  guint oldest = 0;

  if (made.pool == NULL)
    return NULL;
  for (guint i = 1; i < pools->all->len; i++)
    if (g_array_index (pools->all, Pool, i).last_use
        < g_array_index (pools->all, Pool, oldest).last_use)
      oldest = i;
  if (pools->all->len == MAX_POOLS)
    g_array_remove_index_fast (pools->all, oldest);
  g_array_append_val (pools->all, made);
  return &g_array_index (pools->all, Pool, pools->all->len - 1);
}

static Pool *
find_pool (GstVitEncoderPools *pools, gsize n_bytes)
{
  for (guint i = 0; i < pools->all->len; i++) {
    Pool *pool = &g_array_index (pools->all, Pool, i);

    if (pool->n_bytes == n_bytes)
      return pool;
  }
  return make_pool (pools, n_bytes);
}

GstBuffer *
gst_vit_encoder_pools_acquire (GstVitEncoderPools *pools, gsize n_values)
{
  Pool *pool = find_pool (pools, n_values * sizeof (gfloat));
  GstBuffer *buffer = NULL;

  if (pool == NULL)
    return NULL;
  pool->last_use = ++pools->n_uses;
  if (gst_buffer_pool_acquire_buffer (pool->pool, &buffer, NULL) != GST_FLOW_OK)
    return NULL;
  return buffer;
}
