/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a secret becomes public. The constant-time test (tests/crypto/constant_time.c) runs these
 * sources under valgrind with every secret marked undefined, so that a branch or an address that
 * depends on one is reported. What the standard itself publishes (a public key, a signature,
 * whether a tag matched) is marked defined again with CT_PUBLIC, each use with its reason. In every
 * other build it is nothing.
 *
 * And where a compiler must not know what it computes with: from a mask that it can follow back to one bit it may
 * make a branch on that bit.
 */
#ifndef CRYPTO_CT_H
#define CRYPTO_CT_H

#include <stdint.h>

#ifdef SOTTO_CT_TEST
#include <valgrind/memcheck.h>
#define CT_PUBLIC(pointer, len) ((void)VALGRIND_MAKE_MEM_DEFINED((pointer), (len)))
#else
#define CT_PUBLIC(pointer, len) ((void)(pointer), (void)(len))
#endif

/* The same value, of which the compiler knows nothing any more. */
static inline uint32_t ct_hide(uint32_t value)
{
	__asm__("" : "+r"(value));
	return value;
}

#endif
