/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF (RFC 5869): extract concentrates, expand(i) = HMAC(prk, expand(i-1) || info || i). */
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"

void hkdf_extract(enum hash_alg alg, struct bytes salt, struct bytes ikm, struct secret *prk)
{
	uint8_t digest[HASH_LEN_MAX];

	/* HMAC pads its key with zeros, so an empty salt is hash_len zeros already. */
	hmac_digest(alg, salt, ikm, digest);
	secret_set(prk, digest, hash_len(alg));
	bytes_wipe(digest, sizeof(digest));
}

void hkdf_expand_parts(enum hash_alg alg, struct bytes prk, const struct bytes *info, size_t count,
		       uint8_t *out, size_t len)
{
	size_t block_len = hash_len(alg);
	uint8_t block[HASH_LEN_MAX];
	struct hmac keyed;

	ASSERT(len <= 255 * block_len);
	hmac_init(&keyed, alg, prk);
	for (size_t done = 0, number = 1; done < len; number++) {
		struct hmac hmac = keyed;
		uint8_t counter = (uint8_t)number;
		size_t take = len - done < block_len ? len - done : block_len;

		if (done != 0)
			hmac_update(&hmac, BYTES(block, block_len));
		for (size_t i = 0; i < count; i++)
			hmac_update(&hmac, info[i]);
		hmac_update(&hmac, BYTES(&counter, 1));
		hmac_final(&hmac, block);
		memcpy(out + done, block, take);
		done += take;
	}
	bytes_wipe(&keyed, sizeof(keyed));
	bytes_wipe(block, sizeof(block));
}

void hkdf_expand(enum hash_alg alg, struct bytes prk, struct bytes info, uint8_t *out, size_t len)
{
	hkdf_expand_parts(alg, prk, &info, 1, out, len);
}
