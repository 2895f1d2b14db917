/* SPDX-License-Identifier: Apache-2.0 */
/* What is set once in libsodium and GMP, and what the CPU can do. */
#include "crypto/init.h"

#include <gmp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "base/assert.h"
#include "base/bytes.h"

/*
 * hogweed's scratch memory holds scalars and comes from GMP's allocator, which must not return NULL: there
 * is no way back from inside a computation.
 */
static void *gmp_allocate(size_t len)
{
	void *memory = malloc(len);

	ASSERT(memory != NULL);
	return memory;
}

static void gmp_release(void *memory, size_t len)
{
	bytes_wipe(memory, len);
	free(memory);
}

static void *gmp_reallocate(void *old, size_t old_len, size_t new_len)
{
	void *memory = gmp_allocate(new_len);

	memcpy(memory, old, old_len < new_len ? old_len : new_len);
	gmp_release(old, old_len);
	return memory;
}

enum sotto_err crypto_sodium_init(void)
{
	return sodium_init() < 0 ? SOTTO_ERR_IO : SOTTO_OK;
}

void crypto_gmp_wipe(void)
{
	mp_set_memory_functions(gmp_allocate, gmp_reallocate, gmp_release);
}

enum sotto_err crypto_init(void)
{
	crypto_gmp_wipe();
	return crypto_sodium_init();
}

bool crypto_aes_is_constant_time(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	unsigned long features = getauxval(AT_HWCAP);

	return (features & HWCAP_AES) != 0 && (features & HWCAP_PMULL) != 0;
#else
	return false;
#endif
}
