/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cipher suites (RFC 9420 section 5.1, 17.1) and the labelled operations on them: RefHash,
 * ExpandWithLabel, DeriveSecret, SignWithLabel, EncryptWithLabel. Nothing else of the library
 * touches crypto/ directly but for plain hashes and MACs.
 */
#ifndef MLS_SUITE_H
#define MLS_SUITE_H

#include "base/reader.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/sign.h"
#include "mls/include/sotto/mls.h"

struct suite {
	uint16_t id;
	struct hpke_suite hpke;
	enum sign_alg sign;
};

/* NULL: not one of ours. */
const struct suite *suite_find(uint16_t id);

static inline size_t suite_hash_len(const struct suite *suite)
{
	return hash_len(suite->hpke.kdf);
}

/* A hash in the making; a vector is hashed with its header. */
void hash_put_u8(struct hash *hash, uint8_t value);
void hash_put_u32(struct hash *hash, uint32_t value);
void hash_put_vector(struct hash *hash, struct bytes bytes);

/* RefHash (5.2); label in full. out: hash_len bytes. */
void suite_ref_hash(const struct suite *suite, const char *label, struct bytes value, uint8_t *out);

/* ExpandWithLabel (8): label without "MLS 1.0 ". len at most 255 hash lengths (asserted). */
void suite_expand(const struct suite *suite, struct bytes secret, const char *label,
		  struct bytes context, uint8_t *out, size_t len);

/* The same into a secret of hash_len bytes. out may be where secret comes from. */
void suite_expand_secret(const struct suite *suite, const struct secret *secret, const char *label,
			 struct bytes context, struct secret *out);

/* DeriveSecret (8): no context. */
void suite_derive(const struct suite *suite, const struct secret *secret, const char *label,
		  struct secret *out);

/* DeriveTreeSecret (9.1): the context is a generation. */
void suite_derive_tree(const struct suite *suite, struct bytes secret, const char *label,
		       uint32_t generation, uint8_t *out, size_t len);

/* HMAC of the suite's hash. suite_mac_check is constant time and refuses another length first. */
void suite_mac(const struct suite *suite, const struct secret *key, struct bytes input,
	       uint8_t *out);
MUST_USE enum sotto_err suite_mac_check(const struct suite *suite, const uint8_t *expected,
					struct bytes tag);

/*
 * SignContent (5.1.2): begin, write the content to be signed, end. What lies in the writer then,
 * from where it was at begin, is what the signature covers.
 */
size_t sign_content_begin(struct writer *writer, const char *label);
void sign_content_end(struct writer *writer, size_t start);

/*
 * The same around content that lies in memory of the caller's own: what belongs before it is written there, into
 * at most SIGN_CONTENT_HEAD_MAX bytes. Returns all of it; content is at most VECTOR_LEN_MAX long (asserted).
 */
#define SIGN_CONTENT_HEAD_MAX 68
struct bytes sign_content_around(const char *label, uint8_t *content, size_t len);

/* Signs a SignContent. *len: the signature's. */
MUST_USE enum sotto_err suite_sign(const struct suite *suite, const struct random_source *random,
				   const struct secret *private_key, const struct writer *content,
				   uint8_t signature[SIGN_SIGNATURE_LEN_MAX], size_t *len);
MUST_USE enum sotto_err suite_verify(const struct suite *suite, struct bytes public_key,
				     const struct writer *content, struct bytes signature);

/*
 * EncryptContext (5.1.3), the info of one or many encryptions, hashed once for all of them and without a copy: a
 * Welcome's context is as long as the group.
 */
void suite_encrypt_info(const struct suite *suite, const char *label, struct bytes context,
			struct hpke_info *info);

/* EncryptWithLabel (5.1.3): appends an HPKECiphertext (7.6): kem_output<V>, ciphertext<V>. */
void suite_encrypt(const struct suite *suite, const struct random_source *random,
		   struct bytes public_key, const struct hpke_info *info, struct bytes plaintext,
		   struct writer *out);

struct hpke_ciphertext {
	struct bytes kem_output;
	struct bytes ciphertext;
};

struct hpke_ciphertext hpke_ciphertext_read(struct reader *reader);

/* DecryptWithLabel; out: room for ciphertext.len bytes, *len what is used. */
MUST_USE enum sotto_err suite_decrypt(const struct suite *suite, struct bytes private_key,
				      const struct hpke_info *info,
				      const struct hpke_ciphertext *sealed, uint8_t *out,
				      size_t *len);

#endif
