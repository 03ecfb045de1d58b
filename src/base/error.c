/* SPDX-License-Identifier: MIT */
#include "error.h"

G_DEFINE_QUARK (vit-error, vit_error)
