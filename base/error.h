/* SPDX-License-Identifier: Apache-2.0 */
/* The error enum, which is public, and how functions in the tree hand errors on. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <sotto/error.h>

#define MUST_USE __attribute__((warn_unused_result))

/* In a function with a local `enum sotto_err err` and an `out:` label: leave at the first failure. */
#define TRY(expr) \
	do { \
		err = (expr); \
		if (err != SOTTO_OK) \
			goto out; \
	} while (0)

/* Likewise, where a condition decides: FAIL_IF(len > MAX, SOTTO_ERR_LIMIT). */
#define FAIL_IF(condition, code) \
	do { \
		if (condition) { \
			err = (code); \
			goto out; \
		} \
	} while (0)

#endif
