/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderlabels.h"

#include "common/gstvittokenspool.h"

GstVitEncoderClasses
gst_vit_encoder_classes_of (
    const VitEncoderWeights *weights, const VitTextClasses *texts)
{
  VitLogitsMeaning meaning = weights->logits_meaning;

  if (texts != NULL)
    return (GstVitEncoderClasses) {
      .are_known = TRUE,
      .names = (const gchar *const *) texts->names,
      .rule = texts->has_bias ? VIT_PROBABILITY_SIGMOID
                              : VIT_PROBABILITY_SOFTMAX,
    };
  return (GstVitEncoderClasses){
    .are_known = meaning == VIT_LOGITS_ONE_OF || meaning == VIT_LOGITS_ANY_OF,
    .names = (const gchar *const *) weights->class_names,
    .rule = meaning == VIT_LOGITS_ANY_OF ? VIT_PROBABILITY_SIGMOID
                                         : VIT_PROBABILITY_SOFTMAX,
  };
}

void
gst_vit_encoder_labels_free (GstVitEncoderLabels *labels)
{
  if (labels == NULL)
    return;
  gst_clear_buffer (&labels->probabilities);
  g_free (labels);
}

/* (nullable) (transfer full) */
static GstBuffer *
new_probabilities (
    const gfloat *scores, guint n_classes, VitProbabilityRule rule)
{
  GstBuffer *buffer = gst_vit_tokens_buffer_new (n_classes * sizeof (gfloat));
  GstMapInfo map;

  if (buffer == NULL)
    return NULL;
  /* It is new, and nobody else has it yet. */
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  vit_probabilities (scores, n_classes, rule, (gfloat *) (gpointer) map.data);
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

GstVitEncoderLabels *
gst_vit_encoder_labels_new (GstBuffer *logits,
    const GstVitEncoderClasses *classes,
    const GstVitEncoderLabelsWanted *wanted)
{
  GstVitEncoderLabels *labels;
  const gfloat *scores;
  GstMapInfo map;
  guint n_classes;

  if (!gst_buffer_map (logits, &map, GST_MAP_READ))
    return NULL;
  scores = (const gfloat *) (gconstpointer) map.data;
  n_classes = (guint) (map.size / sizeof (gfloat));
  labels = g_malloc0 (sizeof *labels + wanted->top * sizeof (VitLabel));
  labels->n = vit_labels_find (scores, n_classes, classes->rule,
      wanted->threshold, wanted->top, labels->labels);
  if (wanted->has_probabilities)
    labels->probabilities
        = new_probabilities (scores, n_classes, classes->rule);
  gst_buffer_unmap (logits, &map);
  if (!wanted->has_probabilities || labels->probabilities != NULL)
    return labels;
  gst_vit_encoder_labels_free (labels);
  return NULL;
}

typedef struct {
  gchar text[16];
} Number;

/* What a class is called; `number` is written where it has no name. */
static const gchar *
name_of (guint class_id, const GstVitEncoderClasses *classes, Number *number)
{
  if (classes->names != NULL && *classes->names[class_id] != '\0')
    return classes->names[class_id];
  g_snprintf (number->text, sizeof number->text, "%u", class_id);
  return number->text;
}

void
gst_vit_encoder_labels_attach (const GstVitEncoderLabels *labels,
    const GstVitEncoderClasses *classes, GstVitEmbeddingMeta *meta)
{
  for (guint i = 0; i < labels->n; i++) {
    const VitLabel *label = &labels->labels[i];
    Number number;

    gst_vit_embedding_meta_add_label (meta, label->class_id,
        name_of (label->class_id, classes, &number),
        (gfloat) label->probability);
  }
}

GstStructure *
gst_vit_encoder_labels_describe (
    const GstVitEncoderLabels *labels, const GstVitEncoderClasses *classes)
{
  GstStructure *structure = gst_structure_new_empty ("labels");
  GValue names = G_VALUE_INIT, scores = G_VALUE_INIT;

  g_value_init (&names, GST_TYPE_ARRAY);
  g_value_init (&scores, GST_TYPE_ARRAY);
  for (guint i = 0; labels != NULL && i < labels->n; i++) {
    GValue text = G_VALUE_INIT, score = G_VALUE_INIT;
    Number number;

    g_value_init (&text, G_TYPE_STRING);
    g_value_set_string (
        &text, name_of (labels->labels[i].class_id, classes, &number));
    gst_value_array_append_and_take_value (&names, &text);
    g_value_init (&score, G_TYPE_DOUBLE);
    g_value_set_double (&score, labels->labels[i].probability);
    gst_value_array_append_and_take_value (&scores, &score);
  }
  gst_structure_take_value (structure, "labels", &names);
  gst_structure_take_value (structure, "label-scores", &scores);
  return structure;
}
