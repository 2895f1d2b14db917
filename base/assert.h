/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ASSERT states what must hold, in release builds too: a programmer's error aborts, a peer's error is
 * returned. Never put a condition here that bytes from outside can make false.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include <stddef.h>

#define ASSERT(condition) \
	do { \
		if (__builtin_expect(!(condition), 0)) \
			assert_failed(#condition, __FILE__, __LINE__); \
	} while (0)

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds this member: for intrusive lists and callbacks. */
#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)(((unsigned char *)(pointer)) - offsetof(type, member)))

_Noreturn void assert_failed(const char *condition, const char *file, int line);

#endif
