/* SPDX-License-Identifier: MIT
 *
 * From the scores of classes, a classifier's logits or those of texts, to the
 * probabilities of all and to the best few.
 *
 * Scores [n_classes] are float32; sums are double.  A score s_i has
 *
 *     softmax: exp (s_i - m) / sum over j of exp (s_j - m), m the greatest score
 *     sigmoid: 1 / (1 + exp (-s_i))
 *
 * as torch.softmax() and torch.sigmoid() define them.  So by softmax all are NaN
 * where one score is NaN or infinite upwards; by sigmoid one that is NaN spoils
 * no other.
 *
 * Thread-safety: pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  VIT_PROBABILITY_SOFTMAX, /* one of the classes is there */
  VIT_PROBABILITY_SIGMOID, /* each is there or not, whatever the others */
} VitProbabilityRule;

/* One of the best classes. */
typedef struct {
  guint class_id;     /* below n_classes */
  double probability; /* [0,1] */
} VitLabel;

/* `probabilities` [n_classes], which may be `scores`. */
void vit_probabilities (const float *scores, guint n_classes,
    VitProbabilityRule rule, float *probabilities);

/* How many of `labels` [top] were filled in: the classes of the greatest scores,
 * greatest first, of equal ones the lower class_id first, whose probability is at
 * least `threshold`.  At most `top` and n_classes; none where the probability is
 * NaN. */
guint vit_labels_find (const float *scores, guint n_classes,
    VitProbabilityRule rule, double threshold, guint top, VitLabel *labels);

G_END_DECLS
