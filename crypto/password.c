/* SPDX-License-Identifier: Apache-2.0 */
/* Argon2id by libsodium, with limits. */
#include "crypto/password.h"

#include <sodium.h>

_Static_assert(PASSWORD_SALT_LEN == crypto_pwhash_argon2id_SALTBYTES, "libsodium's salt");

#define PASSWORD_MEMORY_KIB_MIN 8

enum sotto_err password_derive(struct password_cost cost, struct bytes password, struct bytes salt,
			       struct secret *key)
{
	uint8_t derived[PASSWORD_KEY_LEN];
	enum sotto_err err = SOTTO_OK;

	if (salt.len != PASSWORD_SALT_LEN)
		return SOTTO_ERR_ARGUMENT;
	if (cost.passes < 1 || cost.passes > PASSWORD_PASSES_MAX ||
	    cost.memory_kib < PASSWORD_MEMORY_KIB_MIN || cost.memory_kib > PASSWORD_MEMORY_KIB_MAX)
		return SOTTO_ERR_LIMIT;
	FAIL_IF(crypto_pwhash_argon2id(derived, sizeof(derived), (const char *)password.data,
				       password.len, salt.data, cost.passes,
				       (size_t)cost.memory_kib * 1024,
				       crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0,
		SOTTO_ERR_NO_MEMORY);
	secret_set(key, derived, sizeof(derived));
out:
	bytes_wipe(derived, sizeof(derived));
	return err;
}
