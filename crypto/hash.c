/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-2, HMAC and HKDF over nettle's table of hash functions. */
#include "crypto/hash.h"

#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>

/* nettle renames its functions by macros, and would rename ours of the same name with them. */
#undef hmac_digest
#undef hmac_update

#include "base/assert.h"

#define HASH_STATE_LEN sizeof(((struct hash *)0)->state)

_Static_assert(sizeof(struct sha512_ctx) <= HASH_STATE_LEN, "struct hash is too small");
_Static_assert(sizeof(((struct hmac *)0)->state) == 3 * HASH_STATE_LEN, "outer, inner, running");

static const struct nettle_hash *hash_of(enum hash_alg alg)
{
	const struct nettle_hash *hash = NULL;

	switch (alg) {
	case HASH_SHA256:
		hash = &nettle_sha256;
		break;
	case HASH_SHA384:
		hash = &nettle_sha384;
		break;
	case HASH_SHA512:
		hash = &nettle_sha512;
		break;
	}
	ASSERT(hash != NULL);
	return hash;
}

size_t hash_len(enum hash_alg alg)
{
	return hash_of(alg)->digest_size;
}

void hash_init(struct hash *hash, enum hash_alg alg)
{
	hash->alg = alg;
	hash_of(alg)->init(hash->state);
}

void hash_update(struct hash *hash, struct bytes input)
{
	if (input.len != 0)
		hash_of(hash->alg)->update(hash->state, input.len, input.data);
}

void hash_final(struct hash *hash, uint8_t *out)
{
	hash_of(hash->alg)->digest(hash->state, hash_len(hash->alg), out);
	bytes_wipe(hash->state, sizeof(hash->state));
}

void hash_digest(enum hash_alg alg, struct bytes input, uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, alg);
	hash_update(&hash, input);
	hash_final(&hash, out);
}

/* nettle keeps an HMAC as three states of its hash: keyed outer, keyed inner, and the running one.
 */
static uint8_t *hmac_outer(struct hmac *hmac)
{
	return hmac->state;
}

static uint8_t *hmac_inner(struct hmac *hmac)
{
	return hmac->state + HASH_STATE_LEN;
}

static uint8_t *hmac_running(struct hmac *hmac)
{
	return hmac->state + 2 * HASH_STATE_LEN;
}

void hmac_init(struct hmac *hmac, enum hash_alg alg, struct bytes key)
{
	hmac->alg = alg;
	hmac_set_key(hmac_outer(hmac), hmac_inner(hmac), hmac_running(hmac), hash_of(alg), key.len,
		     key.data);
}

void hmac_update(struct hmac *hmac, struct bytes input)
{
	if (input.len != 0)
		hash_of(hmac->alg)->update(hmac_running(hmac), input.len, input.data);
}

void hmac_final(struct hmac *hmac, uint8_t *out)
{
	nettle_hmac_digest(hmac_outer(hmac), hmac_inner(hmac), hmac_running(hmac),
			   hash_of(hmac->alg), hash_len(hmac->alg), out);
	bytes_wipe(hmac->state, sizeof(hmac->state));
}

void hmac_digest(enum hash_alg alg, struct bytes key, struct bytes input, uint8_t *out)
{
	struct hmac hmac;

	hmac_init(&hmac, alg, key);
	hmac_update(&hmac, input);
	hmac_final(&hmac, out);
}
