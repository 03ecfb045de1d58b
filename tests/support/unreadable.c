/* SPDX-License-Identifier: MIT */
#include "support/unreadable.h"

typedef struct {
  GstAllocator parent;
} UnreadableAllocator;

typedef struct {
  GstAllocatorClass parent;
} UnreadableAllocatorClass;

GType unreadable_allocator_get_type (void);
G_DEFINE_TYPE (UnreadableAllocator, unreadable_allocator, GST_TYPE_ALLOCATOR);

static GstMemory *
unreadable_alloc (
    GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  GstMemory *memory = g_new0 (GstMemory, 1);

  gst_memory_init (
      memory, (GstMemoryFlags) 0, allocator, NULL, size, 0, 0, size);
  return memory;
}

static void
unreadable_free (GstAllocator *allocator, GstMemory *memory)
{
  g_free (memory);
}

static gpointer
unreadable_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  return NULL;
}

static void
unreadable_allocator_class_init (UnreadableAllocatorClass *klass)
{
  klass->parent.alloc = unreadable_alloc;
  klass->parent.free = unreadable_free;
}

static void
unreadable_allocator_init (UnreadableAllocator *self)
{
  GST_ALLOCATOR (self)->mem_map = unreadable_map;
}

GstMemory *
unreadable_memory (gsize size)
{
  GstAllocator *allocator
      = g_object_new (unreadable_allocator_get_type (), NULL);
  GstMemory *memory;

  gst_object_ref_sink (allocator);
  memory = gst_allocator_alloc (allocator, size, NULL);
  gst_object_unref (allocator);
  return memory;
}
