/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot of the key file: the header of a vault, 4,096 bytes (a sector, so that two never share one).
 *
 *     opaque magic[8]         "sottokey"
 *     uint16 version          1
 *     uint64 sequence         the highest one that fits the database counts
 *     uint64 generation[2]    of the erasure keys of the ring and the full domain
 *     uint32 passes, memory_kib; opaque salt[16]          what Argon2id wants
 *     opaque master[72]       the master key, sealed by the key from the passphrase
 *     opaque erasure[2][72]   erasure keys, sealed by their domain's wrap key
 *     zeros
 *     opaque checksum[32]     SHA-256 of the 4,064 bytes before, in every version at this place
 *
 * The checksum finds torn writes and tells damage from a wrong passphrase; it protects from nobody who
 * writes on purpose. A slot of zeros is empty.
 */
#ifndef VAULT_SLOT_H
#define VAULT_SLOT_H

#include "vault/keys.h"

#define VAULT_SLOT_LEN	     4096
#define VAULT_SEALED_KEY_LEN (VAULT_KEY_LEN + VAULT_SEAL_LEN)

struct vault_slot {
	uint64_t sequence;
	uint64_t generation[VAULT_DOMAINS];
	struct password_cost cost;
	uint8_t salt[PASSWORD_SALT_LEN];
	uint8_t master[VAULT_SEALED_KEY_LEN];
	uint8_t erasure[VAULT_DOMAINS][VAULT_SEALED_KEY_LEN];
};

/* out: VAULT_SLOT_LEN bytes. */
void vault_slot_encode(const struct vault_slot *slot, uint8_t *out);

/*
 * SOTTO_ERR_NOT_FOUND: empty. SOTTO_ERR_CORRUPT: torn or damaged. SOTTO_ERR_VERSION: whole, and of a later
 * program. bytes.len other than VAULT_SLOT_LEN is SOTTO_ERR_CORRUPT.
 */
MUST_USE enum sotto_err vault_slot_decode(struct bytes bytes, struct vault_slot *slot);

/* Draws a salt and seals the master key by the passphrase at slot->cost. */
MUST_USE enum sotto_err vault_slot_wrap(struct vault_slot *slot, struct bytes passphrase,
					struct bytes master, const struct random_source *random);

/* master: VAULT_KEY_LEN bytes. SOTTO_ERR_DENIED: wrong passphrase. SOTTO_ERR_CORRUPT: an unusable cost. */
MUST_USE enum sotto_err vault_slot_unwrap(const struct vault_slot *slot, struct bytes passphrase,
					  uint8_t *master);

/* Seals keys' erasure key of a domain under slot->generation of it. */
MUST_USE enum sotto_err vault_slot_put_erasure(struct vault_slot *slot, enum vault_domain domain,
					       const uint8_t *erasure,
					       const struct vault_keys *keys,
					       const struct random_source *random);

/* Opens it into keys. SOTTO_ERR_CORRUPT. */
MUST_USE enum sotto_err vault_slot_get_erasure(const struct vault_slot *slot,
					       enum vault_domain domain, struct vault_keys *keys);

#endif
