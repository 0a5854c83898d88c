/* SPDX-License-Identifier: MIT */
/* Is this build instrumented by a sanitizer? For tests that make no sense there. */
#ifndef LULL_TESTS_SANITIZED_H
#define LULL_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
