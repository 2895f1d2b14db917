/* SPDX-License-Identifier: Apache-2.0 */
/* LabeledExtract and LabeledExpand (RFC 9180 section 4): HKDF with the version, suite and label
 * bound in. */
#include "crypto/labeled.h"

#include "base/assert.h"
#include "crypto/keccak.h"

#define HPKE_VERSION BYTES_TEXT("HPKE-v1")

void labeled_extract(enum hash_alg alg, struct bytes suite_id, struct bytes salt,
		     struct bytes label, struct bytes ikm, struct secret *prk)
{
	labeled_extract_parts(alg, suite_id, salt, label, &ikm, 1, prk);
}

void labeled_extract_parts(enum hash_alg alg, struct bytes suite_id, struct bytes salt,
			   struct bytes label, const struct bytes *ikm, size_t count,
			   struct secret *prk)
{
	uint8_t digest[HASH_LEN_MAX];
	struct hmac hmac;

	hmac_init(&hmac, alg, salt);
	hmac_update(&hmac, HPKE_VERSION);
	hmac_update(&hmac, suite_id);
	hmac_update(&hmac, label);
	for (size_t i = 0; i < count; i++)
		hmac_update(&hmac, ikm[i]);
	hmac_final(&hmac, digest);
	secret_set(prk, digest, hash_len(alg));
	bytes_wipe(digest, sizeof(digest));
}

void labeled_expand(enum hash_alg alg, struct bytes suite_id, struct bytes prk, struct bytes label,
		    struct bytes info, uint8_t *out, size_t len)
{
	uint8_t out_len[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	struct bytes parts[] = {BYTES_OF(out_len), HPKE_VERSION, suite_id, label, info};

	hkdf_expand_parts(alg, prk, parts, ARRAY_LEN(parts), out, len);
}

void labeled_derive(struct bytes suite_id, struct bytes ikm, struct bytes label, uint8_t *out,
		    size_t len)
{
	uint8_t label_len[2] = {(uint8_t)(label.len >> 8), (uint8_t)label.len};
	uint8_t out_len[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	struct bytes parts[] = {ikm,   HPKE_VERSION,	 suite_id, BYTES_OF(label_len),
				label, BYTES_OF(out_len)};

	ASSERT(label.len <= UINT16_MAX && len <= UINT16_MAX);
	shake256(parts, ARRAY_LEN(parts), out, len);
}
