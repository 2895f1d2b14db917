/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key from a passphrase: Argon2id version 1.3 (RFC 9106), one lane, by libsodium. The cost is stored
 * beside what the key opens, so that it can grow; it is checked against limits before any memory is taken.
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define PASSWORD_SALT_LEN 16
#define PASSWORD_KEY_LEN  32

struct password_cost {
	uint32_t passes;
	uint32_t memory_kib;
};

/*
 * Twice the memory that RFC 9106 section 4 recommends where memory is scarce, and its three passes: 0.6 s on
 * a server's core, a few seconds on a slow phone, once when its agent starts. A guess costs an attacker as
 * much memory; past that, the passphrase has to be good.
 */
#define PASSWORD_COST_DEFAULT ((struct password_cost){.passes = 3, .memory_kib = 128 * 1024})

/* The least that Argon2 takes: for tests, where waiting proves nothing. */
#define PASSWORD_COST_TESTING ((struct password_cost){.passes = 1, .memory_kib = 8})

/* What a stored cost may ask for: a file that was tampered with must not take all memory of a phone. */
#define PASSWORD_PASSES_MAX	16
#define PASSWORD_MEMORY_KIB_MAX (1024 * 1024)

/*
 * key gets PASSWORD_KEY_LEN bytes. SOTTO_ERR_LIMIT: a cost outside of what is allowed; SOTTO_ERR_ARGUMENT: a
 * salt that has not PASSWORD_SALT_LEN bytes; SOTTO_ERR_NO_MEMORY.
 */
MUST_USE enum sotto_err password_derive(struct password_cost cost, struct bytes password,
					struct bytes salt, struct secret *key);

#endif
