/* SPDX-License-Identifier: MIT */
#include "common/gstvittokenspool.h"

#include <stdlib.h>

#define CACHE_LINE 64

struct _GstVitTokensPool {
  GstBufferPool parent;

  gsize n_bytes;
};

G_DEFINE_TYPE (
    GstVitTokensPool, gst_vit_tokens_pool, GST_TYPE_BUFFER_POOL)

GstBuffer *
gst_vit_tokens_buffer_new (gsize n_bytes)
{
  gpointer bytes = NULL;

  if (posix_memalign (&bytes, CACHE_LINE, n_bytes) != 0)
    return NULL;
  return gst_buffer_new_wrapped_full (
      (GstMemoryFlags) 0, bytes, n_bytes, 0, n_bytes, bytes, free);
}

static GstFlowReturn
gst_vit_tokens_pool_alloc_buffer (GstBufferPool *pool, GstBuffer **buffer,
    GstBufferPoolAcquireParams *params)
{
  *buffer = gst_vit_tokens_buffer_new (GST_VIT_TOKENS_POOL (pool)->n_bytes);
  return *buffer != NULL ? GST_FLOW_OK : GST_FLOW_ERROR;
}

GstBufferPool *
gst_vit_tokens_pool_new (gsize n_bytes)
{
  GstVitTokensPool *self;
  GstBufferPool *pool;
  GstStructure *config;

  if (n_bytes == 0 || n_bytes > G_MAXUINT)
    return NULL;
  self = g_object_new (GST_TYPE_VIT_TOKENS_POOL, NULL);
  gst_object_ref_sink (self);
  self->n_bytes = n_bytes;

  pool = GST_BUFFER_POOL (self);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, NULL, (guint) n_bytes, 0, 0);
  if (!gst_buffer_pool_set_config (pool, config)
      || !gst_buffer_pool_set_active (pool, TRUE)) {
    gst_object_unref (pool);
    return NULL;
  }
  return pool;
}

static void
gst_vit_tokens_pool_class_init (GstVitTokensPoolClass *klass)
{
  GST_BUFFER_POOL_CLASS (klass)->alloc_buffer
      = gst_vit_tokens_pool_alloc_buffer;
}

static void
gst_vit_tokens_pool_init (GstVitTokensPool *self)
{
}
