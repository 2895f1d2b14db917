/* SPDX-License-Identifier: Apache-2.0 */
/* Guarded memory over sodium_malloc. */
#include "crypto/guarded.h"

#include <sodium.h>
#include <stdint.h>

enum sotto_err guarded_create(size_t len, bool *locked, void **memory)
{
	/* libsodium puts the end, not the start, of the data at a page's edge. */
	size_t rounded = (len + 15) & ~(size_t)15;
	void *taken;

	if (rounded < len)
		return SOTTO_ERR_NO_MEMORY;
	taken = sodium_malloc(rounded);
	if (taken == NULL)
		return SOTTO_ERR_NO_MEMORY;
	sodium_memzero(taken, rounded);
	/* sodium_malloc locks too, but does not say whether it could; locking twice is harmless. */
	if (locked != NULL)
		*locked = sodium_mlock(taken, rounded) == 0;
	*memory = taken;
	return SOTTO_OK;
}

enum sotto_err guarded_protect(void *memory, enum guarded_access access)
{
	int refused = -1;

	switch (access) {
	case GUARDED_NONE:
		refused = sodium_mprotect_noaccess(memory);
		break;
	case GUARDED_READ:
		refused = sodium_mprotect_readonly(memory);
		break;
	case GUARDED_WRITE:
		refused = sodium_mprotect_readwrite(memory);
		break;
	}
	return refused == 0 ? SOTTO_OK : SOTTO_ERR_IO;
}

void guarded_destroy(void *memory)
{
	sodium_free(memory);
}
