/* SPDX-License-Identifier: MIT */
#include "encoder/block_layout.h"

#define BOTH(name) { name ".weight", name ".bias" }
#define VECTOR(name) { name, NULL }

typedef struct {
  const char *title;
  VitPartName names[VIT_PART_MAX_NAMES + 1];
} Part;

/* Of two names that are there the first counts, and the other is then a tensor
 * that nothing uses. */
static const Part parts[VIT_N_PARTS] = {
  [VIT_PART_NORM1] = { "the norm before its attention",
      { BOTH ("layernorm_before"), BOTH ("norm1"), BOTH ("layer_norm1"),
          BOTH ("rms_norm1"), BOTH ("ln_1"), BOTH ("norm_1") } },
  [VIT_PART_QKV] = { "its queries, keys and values",
      { BOTH ("attn.qkv"), BOTH ("self_attn.qkv"),
          { "attn.in_proj_weight", "attn.in_proj_bias" } } },
  [VIT_PART_QUERY] = { "its queries",
      { BOTH ("attention.attention.query"), BOTH ("attention.q_proj"),
          BOTH ("self_attn.q_proj"), BOTH ("attn.q_proj") } },
  [VIT_PART_KEY] = { "its keys",
      { BOTH ("attention.attention.key"), BOTH ("attention.k_proj"),
          BOTH ("self_attn.k_proj"), BOTH ("attn.k_proj") } },
  [VIT_PART_VALUE] = { "its values",
      { BOTH ("attention.attention.value"), BOTH ("attention.v_proj"),
          BOTH ("self_attn.v_proj"), BOTH ("attn.v_proj") } },
  [VIT_PART_QUERY_NORM] = { "the norm of its queries",
      { BOTH ("attention.q_norm"), BOTH ("attn.q_norm") } },
  [VIT_PART_KEY_NORM] = { "the norm of its keys",
      { BOTH ("attention.k_norm"), BOTH ("attn.k_norm") } },
  [VIT_PART_ATTENTION_NORM] = { "the norm of its attention's output",
      { BOTH ("attn.norm") } },
  [VIT_PART_PROJECTION] = { "the map of its attention's output",
      { BOTH ("attention.output.dense"), BOTH ("attention.o_proj"),
          BOTH ("attention.out_proj"), BOTH ("self_attn.out_proj"),
          BOTH ("self_attn.projection"), BOTH ("attention.projection_layer"),
          BOTH ("attn.proj"), BOTH ("attn.out_proj") } },
  [VIT_PART_SCALE1] = { "the scale of its attention",
      { VECTOR ("lambda_1"), VECTOR ("layer_scale1.lambda1"),
          VECTOR ("ls1.gamma"), VECTOR ("gamma_1"), VECTOR ("ls_1.gamma") } },
  [VIT_PART_NORM2] = { "the norm before its MLP",
      { BOTH ("layernorm_after"), BOTH ("norm2"), BOTH ("layer_norm2"),
          BOTH ("rms_norm2"), BOTH ("ln_2"), BOTH ("norm_2") } },
  [VIT_PART_GATE] = { "the gate of its MLP",
      { BOTH ("mlp.gate_proj"), BOTH ("ffn.gate_proj"), BOTH ("mlp.fc1_g") } },
  [VIT_PART_UP] = { "the first map of its MLP",
      { BOTH ("mlp.up_proj"), BOTH ("ffn.up_proj"), BOTH ("mlp.fc1_x"),
          BOTH ("mlp.w12"), BOTH ("mlp.weights_in"), BOTH ("mlp.c_fc"),
          BOTH ("intermediate.dense"), BOTH ("mlp.fc1") } },
  [VIT_PART_MLP_NORM] = { "the norm inside its MLP", { BOTH ("mlp.norm") } },
  [VIT_PART_DOWN] = { "the second map of its MLP",
      { BOTH ("mlp.down_proj"), BOTH ("ffn.down_proj"), BOTH ("mlp.w3"),
          BOTH ("mlp.weights_out"), BOTH ("mlp.c_proj"), BOTH ("output.dense"),
          BOTH ("mlp.fc2") } },
  [VIT_PART_SCALE2] = { "the scale of its MLP",
      { VECTOR ("lambda_2"), VECTOR ("layer_scale2.lambda1"),
          VECTOR ("ls2.gamma"), VECTOR ("gamma_2"), VECTOR ("ls_2.gamma") } },
};

const char *const *
vit_block_paths (void)
{
  static const char *const paths[]
      = { "encoder.layer.", "encoder.layers.", "layer.", "model.layer.",
          "layers.", "blocks.", "transformer.resblocks.", "trunk.blocks.",
          NULL };

  return paths;
}

const VitPartName *
vit_part_names (VitPart part)
{
  return parts[part].names;
}

const char *
vit_part_title (VitPart part)
{
  return parts[part].title;
}
