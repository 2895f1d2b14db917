/* SPDX-License-Identifier: Apache-2.0 */
/* What this folder needs once in a process, before anything else and before a sandbox closes. */
#ifndef CRYPTO_INIT_H
#define CRYPTO_INIT_H

#include <stdbool.h>

#include "base/error.h"

/*
 * For programs of our own: lets libsodium choose its code for this CPU and open its random source, and has GMP
 * wipe what it frees. SOTTO_ERR_IO if there is no random source; then the program must end. More calls do nothing.
 */
MUST_USE enum sotto_err crypto_init(void);

/*
 * The two halves of it, for the MLS library. GMP's memory functions are the whole process's, so which they are is
 * for the program to decide: no library sets them unasked.
 */
MUST_USE enum sotto_err crypto_sodium_init(void);
void crypto_gmp_wipe(void);

/*
 * Does this CPU have the instructions (AES and carry-less multiplication) with which nettle's AES-GCM and
 * AES-CTR are constant time? Without them nettle uses tables, and a program of another user on the same
 * phone may learn keys from the cache: `status` says so. ChaCha20-Poly1305 never depends on it.
 */
bool crypto_aes_is_constant_time(void);

#endif
