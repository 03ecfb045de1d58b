/* SPDX-License-Identifier: MIT */
#include "base/error.h"

G_DEFINE_QUARK (vit-error, vit_error)
