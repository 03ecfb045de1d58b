/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderpools.h"

#include "common/gstvittokenspool.h"

typedef struct {
  gsize n_bytes;
  GstBufferPool *pool;
} Pool;

struct _GstVitEncoderPools {
  GArray *all; /* of Pool */
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

  pools->all = g_array_new (FALSE, FALSE, sizeof (Pool));
  g_array_set_clear_func (pools->all, clear_pool);
  return pools;
}

void
gst_vit_encoder_pools_free (GstVitEncoderPools *pools)
{
  g_array_unref (pools->all);
  g_free (pools);
}

/* (nullable) (transfer none) */
static GstBufferPool *
find_pool (GstVitEncoderPools *pools, gsize n_bytes)
{
  Pool made = { .n_bytes = n_bytes };

  for (guint i = 0; i < pools->all->len; i++) {
    const Pool *pool = &g_array_index (pools->all, Pool, i);

    if (pool->n_bytes == n_bytes)
      return pool->pool;
  }
  made.pool = gst_vit_tokens_pool_new (n_bytes);
  if (made.pool != NULL)
    g_array_append_val (pools->all, made);
  return made.pool;
}

GstBuffer *
gst_vit_encoder_pools_acquire (GstVitEncoderPools *pools, gsize n_values)
{
  GstBufferPool *pool = find_pool (pools, n_values * sizeof (gfloat));
  GstBuffer *buffer = NULL;

  if (pool == NULL
      || gst_buffer_pool_acquire_buffer (pool, &buffer, NULL) != GST_FLOW_OK)
    return NULL;
  return buffer;
}
