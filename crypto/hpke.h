/* SPDX-License-Identifier: Apache-2.0 */
/* Hybrid public key encryption (RFC 9180), base and PSK mode. */
#ifndef CRYPTO_HPKE_H
#define CRYPTO_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kem.h"

struct hpke_suite {
	enum kem_alg kem;
	enum hash_alg kdf; /* registry numbers 1 to 3 are those of enum hash_alg */
	enum aead_alg aead;
};

/* A context of RFC 9180 section 5: sender's or receiver's. Wiped by hpke_finish. */
struct hpke_context {
	struct hpke_suite suite;
	struct secret key;
	struct secret base_nonce;
	struct secret exporter_secret;
	uint64_t sequence;
};

/* psk and psk_id both empty (base mode) or both not (PSK mode; asserted). enc: kem_enc_len bytes.
 */
MUST_USE enum sotto_err hpke_init_sender(struct hpke_context *context, struct hpke_suite suite,
					 const struct random_source *random,
					 struct bytes public_key, struct bytes info,
					 struct bytes psk, struct bytes psk_id, uint8_t *enc);
MUST_USE enum sotto_err hpke_init_receiver(struct hpke_context *context, struct hpke_suite suite,
					   struct bytes private_key, struct bytes enc,
					   struct bytes info, struct bytes psk,
					   struct bytes psk_id);

/* out: plaintext.len + AEAD_TAG_LEN. SOTTO_ERR_LIMIT when the sequence would wrap. */
MUST_USE enum sotto_err hpke_seal(struct hpke_context *context, struct bytes aad,
				  struct bytes plaintext, uint8_t *out);

/* out: sealed.len - AEAD_TAG_LEN. The sequence advances on success only. */
MUST_USE enum sotto_err hpke_open(struct hpke_context *context, struct bytes aad,
				  struct bytes sealed, uint8_t *out);

/* RFC 9180 5.3. */
void hpke_export(const struct hpke_context *context, struct bytes exporter_context, uint8_t *out,
		 size_t len);
void hpke_finish(struct hpke_context *context);

/*
 * What the key schedule (5.1) takes of an info: its hash; and, as it takes the same every time, that of
 * having no PSK. Made once where many messages have the same long info, as the newcomers' parts of an MLS
 * Welcome have.
 */
struct hpke_info {
	struct secret hash;
	struct secret no_psk_id_hash;
};

/* info: all parts, one after the other. */
void hpke_info_init(struct hpke_info *prepared, struct hpke_suite suite, const struct bytes *parts,
		    size_t count);

/* SealBase and OpenBase (RFC 9180 6.1) with such an info of the same suite. */
MUST_USE enum sotto_err hpke_seal_prepared(struct hpke_suite suite,
					   const struct random_source *random,
					   struct bytes public_key, const struct hpke_info *info,
					   struct bytes aad, struct bytes plaintext, uint8_t *enc,
					   uint8_t *out);
MUST_USE enum sotto_err hpke_open_prepared(struct hpke_suite suite, struct bytes private_key,
					   struct bytes enc, const struct hpke_info *info,
					   struct bytes aad, struct bytes sealed, uint8_t *out);

/* SealBase and OpenBase (RFC 9180 6.1): one message. */
MUST_USE enum sotto_err hpke_seal_once(struct hpke_suite suite, const struct random_source *random,
				       struct bytes public_key, struct bytes info, struct bytes aad,
				       struct bytes plaintext, uint8_t *enc, uint8_t *out);
MUST_USE enum sotto_err hpke_open_once(struct hpke_suite suite, struct bytes private_key,
				       struct bytes enc, struct bytes info, struct bytes aad,
				       struct bytes sealed, uint8_t *out);

#endif
