/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of an open vault, and sealing with them.
 *
 *     passphrase, salt --Argon2id--> KEK --opens--> master --HKDF-SHA256--> meta key, and for each
 *     domain: value key, owner key, wrap key (of its erasure key)
 *
 * Everything is sealed with XChaCha20-Poly1305 as nonce (24 random bytes), ciphertext, tag (16). The
 * additional data names what is sealed and where it stands, so nothing can be moved to another place.
 */
#ifndef VAULT_KEYS_H
#define VAULT_KEYS_H

#include "base/random.h"
#include "base/store.h"
#include "crypto/password.h"

#define VAULT_KEY_LEN	32
#define VAULT_NONCE_LEN 24
#define VAULT_SEAL_LEN	40 /* what sealing adds: nonce and tag */
#define VAULT_OWNER_LEN 16 /* of the keyed hash that stands for an owner */
#define VAULT_MAC_LEN	32

/* Ring: what a locked phone needs to receive and to ring. Full: everything else. */
enum vault_domain {
	VAULT_RING = 0,
	VAULT_FULL = 1,
};
#define VAULT_DOMAINS 2

static inline enum vault_domain vault_domain_of(uint8_t table)
{
	return (table & STORE_TABLE_RING) != 0 ? VAULT_RING : VAULT_FULL;
}

struct vault_domain_keys {
	uint8_t value[VAULT_KEY_LEN];
	uint8_t owner[VAULT_KEY_LEN];
	uint8_t wrap[VAULT_KEY_LEN];
	uint8_t erasure
		[VAULT_KEY_LEN]; /* of the current generation; set by whoever opened the key file */
};

struct vault_keys {
	struct vault_domain_keys domain[VAULT_DOMAINS];
	uint8_t meta[VAULT_KEY_LEN];
};

/* All but the erasure keys, which are left alone. */
void vault_keys_derive(struct vault_keys *keys, struct bytes master);

/* What is sealed: the first byte of the additional data. */
enum vault_sealed {
	VAULT_SEALED_MASTER = 1,
	VAULT_SEALED_ERASURE = 2,
	VAULT_SEALED_ROW = 3,
	VAULT_SEALED_NODE = 4,
};

/* Where it stands; fields that a kind does not use are zero. */
struct vault_place {
	enum vault_sealed kind;
	uint8_t table; /* or domain */
	uint8_t class; /* or level */
	uint64_t index;
	uint64_t slot;
	uint8_t owner[VAULT_OWNER_LEN]; /* or salt */
};

/* out: plaintext.len + VAULT_SEAL_LEN bytes, not overlapping. SOTTO_ERR_RANDOM. */
MUST_USE enum sotto_err vault_seal(const uint8_t *key, const struct vault_place *place,
				   const struct random_source *random, struct bytes plaintext,
				   uint8_t *out);

/* out: sealed.len - VAULT_SEAL_LEN bytes. SOTTO_ERR_VERIFY, also if shorter than that. */
MUST_USE enum sotto_err vault_unseal(const uint8_t *key, const struct vault_place *place,
				     struct bytes sealed, uint8_t *out);

/* The keyed hash that stands for an owner of a table. */
void vault_owner_hash(const struct vault_keys *keys, uint8_t table, struct bytes owner,
		      uint8_t *out);

#endif
