/* SPDX-License-Identifier: MIT
 *
 * SANITIZER: whether the program is built with one that takes memory, threads or
 * allocations for itself, so that nothing can be said of them.
 */
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER 1
#endif
#endif
