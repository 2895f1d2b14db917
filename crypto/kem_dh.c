/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DHKEM (RFC 9180 4.1): one table of what differs between the five, then Encap, Decap,
 * ExtractAndExpand and DeriveKeyPair over crypto/dh.h.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/dh.h"
#include "crypto/kem_scheme.h"
#include "crypto/labeled.h"

struct dhkem {
	enum kem_alg alg;
	enum dh_group group;
	enum hash_alg hash;
	bool rejects;	 /* DeriveKeyPair draws candidates until one is in range (7.1.3) */
	uint8_t bitmask; /* of a candidate's first byte */
};

static const struct dhkem dhkems[] = {
	{KEM_P256_SHA256, DH_P256, HASH_SHA256, true, 0xff},
	{KEM_P384_SHA384, DH_P384, HASH_SHA384, true, 0xff},
	{KEM_P521_SHA512, DH_P521, HASH_SHA512, true, 0x01},
	{KEM_X25519_SHA256, DH_X25519, HASH_SHA256, false, 0},
	{KEM_X448_SHA512, DH_X448, HASH_SHA512, false, 0},
};

static const struct dhkem *dhkem_of(const struct kem *kem)
{
	for (size_t i = 0; i < ARRAY_LEN(dhkems); i++)
		if (dhkems[i].alg == kem->alg)
			return &dhkems[i];
	assert_failed("known DHKEM", __FILE__, __LINE__);
}

/* DeriveKeyPair for NIST curves: candidates until one is a scalar. */
static enum sotto_err derive_rejecting(const struct kem *kem, struct bytes suite,
				       const struct secret *prk, uint8_t *private_key,
				       uint8_t *public_key)
{
	const struct dhkem *dhkem = dhkem_of(kem);
	enum sotto_err err = SOTTO_ERR_INVALID;

	for (unsigned number = 0; number <= 255 && err == SOTTO_ERR_INVALID; number++) {
		uint8_t counter = (uint8_t)number;

		labeled_expand(dhkem->hash, suite, secret_bytes(prk), BYTES_TEXT("candidate"),
			       BYTES(&counter, 1), private_key, kem->private_len);
		private_key[0] &= dhkem->bitmask;
		err = dh_public(dhkem->group, BYTES(private_key, kem->private_len), public_key);
	}
	return err;
}

static enum sotto_err derive(const struct kem *kem, struct bytes ikm, struct secret *private_key,
			     uint8_t *public_key)
{
	const struct dhkem *dhkem = dhkem_of(kem);
	uint8_t suite_data[KEM_SUITE_ID_LEN];
	struct bytes suite = kem_suite_id(kem, suite_data);
	uint8_t derived[DH_PRIVATE_LEN_MAX];
	struct secret prk;
	enum sotto_err err;

	labeled_extract(dhkem->hash, suite, BYTES_NONE, BYTES_TEXT("dkp_prk"), ikm, &prk);
	if (dhkem->rejects) {
		err = derive_rejecting(kem, suite, &prk, derived, public_key);
	} else {
		labeled_expand(dhkem->hash, suite, secret_bytes(&prk), BYTES_TEXT("sk"), BYTES_NONE,
			       derived, kem->private_len);
		err = dh_public(dhkem->group, BYTES(derived, kem->private_len), public_key);
	}
	if (err == SOTTO_OK)
		secret_set(private_key, derived, kem->private_len);
	secret_wipe(&prk);
	bytes_wipe(derived, sizeof(derived));
	return err;
}

static enum sotto_err generate(const struct kem *kem, const struct random_source *random,
			       struct secret *private_key, uint8_t *public_key)
{
	uint8_t ikm[DH_PRIVATE_LEN_MAX];
	enum sotto_err err;

	TRY(random_fill(random, ikm, kem->private_len));
	TRY(derive(kem, BYTES(ikm, kem->private_len), private_key, public_key));
out:
	bytes_wipe(ikm, sizeof(ikm));
	return err;
}

static enum sotto_err public_of(const struct kem *kem, struct bytes private_key,
				uint8_t *public_key)
{
	return dh_public(dhkem_of(kem)->group, private_key, public_key);
}

static enum sotto_err check_public(const struct kem *kem, struct bytes public_key)
{
	return dh_check_public(dhkem_of(kem)->group, public_key);
}

/* ExtractAndExpand (4.1) over kem_context = enc || public key of the receiver. */
static void extract_and_expand(const struct kem *kem, const struct secret *dh, struct bytes enc,
			       struct bytes public_key, struct secret *shared)
{
	enum hash_alg hash = dhkem_of(kem)->hash;
	uint8_t suite_data[KEM_SUITE_ID_LEN];
	struct bytes suite = kem_suite_id(kem, suite_data);
	uint8_t kem_context[2 * DH_PUBLIC_LEN_MAX];
	uint8_t expanded[HASH_LEN_MAX];
	struct secret prk;

	memcpy(kem_context, enc.data, enc.len);
	memcpy(kem_context + enc.len, public_key.data, public_key.len);
	labeled_extract(hash, suite, BYTES_NONE, BYTES_TEXT("eae_prk"), secret_bytes(dh), &prk);
	labeled_expand(hash, suite, secret_bytes(&prk), BYTES_TEXT("shared_secret"),
		       BYTES(kem_context, enc.len + public_key.len), expanded, kem->secret_len);
	secret_set(shared, expanded, kem->secret_len);
	secret_wipe(&prk);
	bytes_wipe(expanded, sizeof(expanded));
}

static enum sotto_err encap(const struct kem *kem, const struct random_source *random,
			    struct bytes public_key, uint8_t *enc, struct secret *shared)
{
	uint8_t ephemeral_public[DH_PUBLIC_LEN_MAX];
	struct secret ephemeral;
	struct secret dh;
	enum sotto_err err;

	secret_set(&ephemeral, NULL, 0);
	secret_set(&dh, NULL, 0);
	TRY(generate(kem, random, &ephemeral, ephemeral_public));
	TRY(dh_shared(dhkem_of(kem)->group, secret_bytes(&ephemeral), public_key, &dh));
	extract_and_expand(kem, &dh, BYTES(ephemeral_public, kem->public_len), public_key, shared);
	memcpy(enc, ephemeral_public, kem->public_len);
out:
	secret_wipe(&ephemeral);
	secret_wipe(&dh);
	return err;
}

static enum sotto_err decap(const struct kem *kem, struct bytes private_key, struct bytes enc,
			    struct secret *shared)
{
	enum dh_group group = dhkem_of(kem)->group;
	uint8_t public_key[DH_PUBLIC_LEN_MAX];
	struct secret dh;
	enum sotto_err err;

	secret_set(&dh, NULL, 0);
	TRY(dh_shared(group, private_key, enc, &dh));
	TRY(dh_public(group, private_key, public_key));
	extract_and_expand(kem, &dh, enc, BYTES(public_key, kem->public_len), shared);
out:
	secret_wipe(&dh);
	return err;
}

const struct kem_ops kem_dh = {
	.derive = derive,
	.generate = generate,
	.public_of = public_of,
	.check_public = check_public,
	.encap = encap,
	.decap = decap,
};
