/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LabeledExtract and LabeledExpand (RFC 9180 section 4), shared by the KEMs and the key schedule, and LabeledDerive of
 * HPKE's successor (draft-ietf-hpke-hpke) for the KEMs whose private keys are seeds.
 */
#ifndef CRYPTO_LABELED_H
#define CRYPTO_LABELED_H

#include "crypto/hash.h"

/* suite_id is "KEM" || kem_id, or "HPKE" || kem_id || kdf_id || aead_id. */
void labeled_extract(enum hash_alg alg, struct bytes suite_id, struct bytes salt,
		     struct bytes label, struct bytes ikm, struct secret *prk);

/* The same of an ikm that lies in pieces. */
void labeled_extract_parts(enum hash_alg alg, struct bytes suite_id, struct bytes salt,
			   struct bytes label, const struct bytes *ikm, size_t count,
			   struct secret *prk);

/* len at most 255 * hash_len (asserted). */
void labeled_expand(enum hash_alg alg, struct bytes suite_id, struct bytes prk, struct bytes label,
		    struct bytes info, uint8_t *out, size_t len);

/* SHAKE256.LabeledDerive with an empty context. len: below 2^16, as label's. */
void labeled_derive(struct bytes suite_id, struct bytes ikm, struct bytes label, uint8_t *out,
		    size_t len);

#endif
