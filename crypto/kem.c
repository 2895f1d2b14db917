/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DHKEM (RFC 9180 4.1): one table of what differs between the five, then Encap, Decap,
 * ExtractAndExpand and DeriveKeyPair over crypto/dh.h.
 */
#include "crypto/kem.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/dh.h"
#include "crypto/labeled.h"

struct kem {
	enum kem_alg alg;
	enum dh_group group;
	enum hash_alg hash;
	uint8_t private_len;
	uint8_t public_len; /* Nenc too */
	uint8_t secret_len;
	bool rejects;	 /* DeriveKeyPair draws candidates until one is in range (7.1.3) */
	uint8_t bitmask; /* of a candidate's first byte */
};

static const struct kem kems[] = {
	{KEM_P256_SHA256, DH_P256, HASH_SHA256, 32, 65, 32, true, 0xff},
	{KEM_P384_SHA384, DH_P384, HASH_SHA384, 48, 97, 48, true, 0xff},
	{KEM_P521_SHA512, DH_P521, HASH_SHA512, 66, 133, 64, true, 0x01},
	{KEM_X25519_SHA256, DH_X25519, HASH_SHA256, 32, 32, 32, false, 0},
	{KEM_X448_SHA512, DH_X448, HASH_SHA512, 56, 56, 64, false, 0},
};

static const struct kem *kem_of(enum kem_alg alg)
{
	for (size_t i = 0; i < ARRAY_LEN(kems); i++)
		if (kems[i].alg == alg)
			return &kems[i];
	assert_failed("known KEM", __FILE__, __LINE__);
}

size_t kem_private_len(enum kem_alg alg)
{
	return kem_of(alg)->private_len;
}

size_t kem_public_len(enum kem_alg alg)
{
	return kem_of(alg)->public_len;
}

size_t kem_enc_len(enum kem_alg alg)
{
	return kem_of(alg)->public_len;
}

size_t kem_secret_len(enum kem_alg alg)
{
	return kem_of(alg)->secret_len;
}

#define SUITE_ID_LEN 5

static struct bytes suite_id(const struct kem *kem, uint8_t out[SUITE_ID_LEN])
{
	memcpy(out, "KEM", 3);
	out[3] = (uint8_t)((unsigned)kem->alg >> 8);
	out[4] = (uint8_t)kem->alg;
	return BYTES(out, SUITE_ID_LEN);
}

/* DeriveKeyPair for NIST curves: candidates until one is a scalar. */
static enum sotto_err derive_rejecting(const struct kem *kem, struct bytes suite,
				       const struct secret *prk, uint8_t *private_key,
				       uint8_t *public_key)
{
	enum sotto_err err = SOTTO_ERR_INVALID;

	for (unsigned number = 0; number <= 255 && err == SOTTO_ERR_INVALID; number++) {
		uint8_t counter = (uint8_t)number;

		labeled_expand(kem->hash, suite, secret_bytes(prk), BYTES_TEXT("candidate"),
			       BYTES(&counter, 1), private_key, kem->private_len);
		private_key[0] &= kem->bitmask;
		err = dh_public(kem->group, BYTES(private_key, kem->private_len), public_key);
	}
	return err;
}

enum sotto_err kem_derive(enum kem_alg alg, struct bytes ikm, struct secret *private_key,
			  uint8_t *public_key)
{
	const struct kem *kem = kem_of(alg);
	uint8_t suite_data[SUITE_ID_LEN];
	struct bytes suite = suite_id(kem, suite_data);
	uint8_t derived[DH_PRIVATE_LEN_MAX];
	struct secret prk;
	enum sotto_err err;

	labeled_extract(kem->hash, suite, BYTES_NONE, BYTES_TEXT("dkp_prk"), ikm, &prk);
	if (kem->rejects) {
		err = derive_rejecting(kem, suite, &prk, derived, public_key);
	} else {
		labeled_expand(kem->hash, suite, secret_bytes(&prk), BYTES_TEXT("sk"), BYTES_NONE,
			       derived, kem->private_len);
		err = dh_public(kem->group, BYTES(derived, kem->private_len), public_key);
	}
	if (err == SOTTO_OK)
		secret_set(private_key, derived, kem->private_len);
	secret_wipe(&prk);
	bytes_wipe(derived, sizeof(derived));
	return err;
}

enum sotto_err kem_generate(enum kem_alg alg, const struct random_source *random,
			    struct secret *private_key, uint8_t *public_key)
{
	uint8_t ikm[DH_PRIVATE_LEN_MAX];
	size_t len = kem_private_len(alg);
	enum sotto_err err;

	TRY(random_fill(random, ikm, len));
	TRY(kem_derive(alg, BYTES(ikm, len), private_key, public_key));
out:
	bytes_wipe(ikm, sizeof(ikm));
	return err;
}

enum sotto_err kem_public(enum kem_alg alg, struct bytes private_key, uint8_t *public_key)
{
	return dh_public(kem_of(alg)->group, private_key, public_key);
}

enum sotto_err kem_check_public(enum kem_alg alg, struct bytes public_key)
{
	return dh_check_public(kem_of(alg)->group, public_key);
}

/* ExtractAndExpand (4.1) over kem_context = enc || public key of the receiver. */
static void extract_and_expand(const struct kem *kem, const struct secret *dh, struct bytes enc,
			       struct bytes public_key, struct secret *shared)
{
	uint8_t suite_data[SUITE_ID_LEN];
	struct bytes suite = suite_id(kem, suite_data);
	uint8_t kem_context[2 * DH_PUBLIC_LEN_MAX];
	uint8_t expanded[HASH_LEN_MAX];
	struct secret prk;

	memcpy(kem_context, enc.data, enc.len);
	memcpy(kem_context + enc.len, public_key.data, public_key.len);
	labeled_extract(kem->hash, suite, BYTES_NONE, BYTES_TEXT("eae_prk"), secret_bytes(dh),
			&prk);
	labeled_expand(kem->hash, suite, secret_bytes(&prk), BYTES_TEXT("shared_secret"),
		       BYTES(kem_context, enc.len + public_key.len), expanded, kem->secret_len);
	secret_set(shared, expanded, kem->secret_len);
	secret_wipe(&prk);
	bytes_wipe(expanded, sizeof(expanded));
}

enum sotto_err kem_encap(enum kem_alg alg, const struct random_source *random,
			 struct bytes public_key, uint8_t *enc, struct secret *shared)
{
	const struct kem *kem = kem_of(alg);
	uint8_t ephemeral_public[DH_PUBLIC_LEN_MAX];
	struct secret ephemeral;
	struct secret dh;
	enum sotto_err err;

	secret_set(&ephemeral, NULL, 0);
	secret_set(&dh, NULL, 0);
	TRY(kem_generate(alg, random, &ephemeral, ephemeral_public));
	TRY(dh_shared(kem->group, secret_bytes(&ephemeral), public_key, &dh));
	extract_and_expand(kem, &dh, BYTES(ephemeral_public, kem->public_len), public_key, shared);
	memcpy(enc, ephemeral_public, kem->public_len);
out:
	secret_wipe(&ephemeral);
	secret_wipe(&dh);
	return err;
}

enum sotto_err kem_decap(enum kem_alg alg, struct bytes private_key, struct bytes enc,
			 struct secret *shared)
{
	const struct kem *kem = kem_of(alg);
	uint8_t public_key[DH_PUBLIC_LEN_MAX];
	struct secret dh;
	enum sotto_err err;

	secret_set(&dh, NULL, 0);
	TRY(dh_shared(kem->group, private_key, enc, &dh));
	TRY(dh_public(kem->group, private_key, public_key));
	extract_and_expand(kem, &dh, enc, BYTES(public_key, kem->public_len), shared);
out:
	secret_wipe(&dh);
	return err;
}
