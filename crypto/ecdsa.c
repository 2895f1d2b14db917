/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA over hogweed's low-level signer, with a nonce of our own making: hogweed's high-level one takes its
 * random bytes from a callback that cannot fail, and compares candidates in variable time.
 */
#include "crypto/ecdsa.h"

#include <nettle/dsa.h>
#include <nettle/ecdsa.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/ct.h"
#include "crypto/der.h"
#include "crypto/sign.h"

/* A candidate is out of range once in 2^32 at most (P-256), so this many mean a broken source. */
#define NONCE_TRIES_MAX 16

/* hogweed asks for 99 (P-521). */
#define SCRATCH_LIMBS_MAX 256

/*
 * The source of one signature's nonces: random bytes, hardened by the key and the digest (as RFC 6979 3.6
 * allows), so that a random source that repeats itself (a restored virtual machine) does not give away the
 * key by one nonce under two messages.
 */
static enum sotto_err nonce_seed(enum hash_alg hash, const struct random_source *random,
				 struct bytes private_key, struct bytes digest, struct secret *seed)
{
	uint8_t fresh[HASH_LEN_MAX];
	uint8_t mixed[HASH_LEN_MAX];
	struct hmac hmac;
	enum sotto_err err;

	err = random_fill(random, fresh, hash_len(hash));
	if (err != SOTTO_OK)
		return err;
	hmac_init(&hmac, hash, BYTES(fresh, hash_len(hash)));
	hmac_update(&hmac, private_key);
	hmac_update(&hmac, digest);
	hmac_final(&hmac, mixed);
	secret_set(seed, mixed, hash_len(hash));
	bytes_wipe(fresh, sizeof(fresh));
	bytes_wipe(mixed, sizeof(mixed));
	return SOTTO_OK;
}

/* Candidate number `number`; false if it is out of range and to be thrown away. */
static bool nonce_candidate(const struct nist_curve *curve, enum hash_alg hash,
			    const struct secret *seed, uint8_t number, mp_limb_t *nonce)
{
	uint8_t candidate[NIST_LEN_MAX];
	bool valid;

	hkdf_expand(hash, secret_bytes(seed), BYTES(&number, 1), candidate, curve->len);
	candidate[0] &= curve->top_mask;
	valid = nist_scalar_valid(curve, BYTES(candidate, curve->len));
	if (valid)
		nist_limbs_get(curve, candidate, nonce);
	bytes_wipe(candidate, sizeof(candidate));
	return valid;
}

/* One signature with this nonce; false in the case, never seen, that r or s is zero. */
static bool sign_with(const struct nist_curve *curve, const mp_limb_t *key, const mp_limb_t *nonce,
		      struct bytes digest, mp_limb_t *scratch, uint8_t *r, uint8_t *s)
{
	mp_limb_t r_limbs[NIST_LIMBS_MAX];
	mp_limb_t s_limbs[NIST_LIMBS_MAX];

	ecc_ecdsa_sign(curve->ecc(), key, nonce, digest.len, digest.data, r_limbs, s_limbs,
		       scratch);
	nist_limbs_put(curve, r_limbs, r);
	nist_limbs_put(curve, s_limbs, s);
	CT_PUBLIC(r, curve->len); /* r and s are the signature */
	CT_PUBLIC(s, curve->len);
	return nist_scalar_valid(curve, BYTES(r, curve->len)) &&
	       nist_scalar_valid(curve, BYTES(s, curve->len));
}

enum sotto_err ecdsa_create(const struct nist_curve *curve, enum hash_alg hash,
			    const struct random_source *random, struct bytes private_key,
			    struct bytes message, uint8_t *signature, size_t *signature_len)
{
	mp_limb_t scratch[SCRATCH_LIMBS_MAX];
	uint8_t digest_data[HASH_LEN_MAX];
	struct bytes digest = BYTES(digest_data, hash_len(hash));
	mp_limb_t key[NIST_LIMBS_MAX];
	mp_limb_t nonce[NIST_LIMBS_MAX];
	uint8_t r[NIST_LEN_MAX], s[NIST_LEN_MAX];
	struct secret seed = {.len = 0};
	enum sotto_err err;

	ASSERT(ecc_ecdsa_sign_itch(curve->ecc()) <= SCRATCH_LIMBS_MAX);
	if (!nist_scalar_valid(curve, private_key))
		return SOTTO_ERR_INVALID;
	hash_digest(hash, message, digest_data);
	err = nonce_seed(hash, random, private_key, digest, &seed);
	if (err != SOTTO_OK)
		return err;
	nist_limbs_get(curve, private_key.data, key);
	err = SOTTO_ERR_RANDOM;
	for (uint8_t number = 0; number < NONCE_TRIES_MAX && err != SOTTO_OK; number++) {
		if (nonce_candidate(curve, hash, &seed, number, nonce) &&
		    sign_with(curve, key, nonce, digest, scratch, r, s))
			err = SOTTO_OK;
	}
	if (err == SOTTO_OK)
		*signature_len = der_put_signature(r, s, curve->len, signature);
	bytes_wipe(key, sizeof(key));
	bytes_wipe(nonce, sizeof(nonce));
	bytes_wipe(scratch, sizeof(scratch));
	secret_wipe(&seed);
	return err;
}

/* scalar * point, or scalar * G where point is NULL; false for a scalar of zero. Public data. */
static bool multiply(const struct nist_curve *curve, const mpz_t scalar,
		     const struct ecc_point *point, mpz_t x, mpz_t y)
{
	struct ecc_point product;
	struct ecc_scalar n;
	bool set;

	ecc_scalar_init(&n, curve->ecc());
	ecc_point_init(&product, curve->ecc());
	set = ecc_scalar_set(&n, scalar);
	if (set && point != NULL)
		ecc_point_mul(&product, &n, point);
	else if (set)
		ecc_point_mul_g(&product, &n);
	if (set)
		ecc_point_get(&product, x, y);
	ecc_point_clear(&product);
	ecc_scalar_clear(&n);
	return set;
}

/*
 * The sum u1 G + u2 Q of a verification (FIPS 186-5 6.4.2) where both are one point. hogweed's formula for a sum
 * cannot double, so it refuses such a signature. Only the owner of Q can make one, and other programs take
 * it: members of a group would disagree. Then the sum is 2 u1 G.
 */
static bool verifies_doubled(const struct nist_curve *curve, const struct ecc_point *key,
			     struct bytes digest, const struct dsa_signature *rs)
{
	mpz_t order, u1, u2, x1, y1, x2, y2;
	bool verifies = false;

	mpz_inits(order, u1, u2, x1, y1, x2, y2, NULL);
	mpz_import(order, curve->len, 1, 1, 0, 0, curve->order);
	/* No digest is longer than its curve's order here, so none is cut. */
	mpz_import(u1, digest.len, 1, 1, 0, 0, digest.data);
	mpz_invert(u2, rs->s, order);
	mpz_mul(u1, u1, u2);
	mpz_mul(u2, u2, rs->r);
	mpz_mod(u1, u1, order);
	mpz_mod(u2, u2, order);
	if (multiply(curve, u1, NULL, x1, y1) && multiply(curve, u2, key, x2, y2) &&
	    mpz_cmp(x1, x2) == 0 && mpz_cmp(y1, y2) == 0) {
		mpz_mul_2exp(u1, u1, 1);
		mpz_mod(u1, u1, order);
		verifies = multiply(curve, u1, NULL, x1, y1);
		mpz_mod(x1, x1, order);
		verifies = verifies && mpz_cmp(x1, rs->r) == 0;
	}
	mpz_clears(order, u1, u2, x1, y1, x2, y2, NULL);
	return verifies;
}

enum sotto_err ecdsa_check(const struct nist_curve *curve, enum hash_alg hash,
			   struct bytes public_key, struct bytes message, struct bytes signature)
{
	mp_limb_t limbs[2 * NIST_LIMBS_MAX];
	uint8_t digest_data[HASH_LEN_MAX];
	struct bytes digest = BYTES(digest_data, hash_len(hash));
	uint8_t r[NIST_LEN_MAX], s[NIST_LEN_MAX];
	struct dsa_signature rs;
	struct ecc_point point;
	bool genuine;

	if (nist_point_get(curve, public_key, limbs, &point) != SOTTO_OK ||
	    der_get_signature(signature, curve->len, r, s) != SOTTO_OK ||
	    !nist_scalar_valid(curve, BYTES(r, curve->len)) ||
	    !nist_scalar_valid(curve, BYTES(s, curve->len)))
		return SOTTO_ERR_VERIFY;
	hash_digest(hash, message, digest_data);
	dsa_signature_init(&rs);
	mpz_import(rs.r, curve->len, 1, 1, 0, 0, r);
	mpz_import(rs.s, curve->len, 1, 1, 0, 0, s);
	genuine = ecdsa_verify(&point, digest.len, digest.data, &rs) ||
		  verifies_doubled(curve, &point, digest, &rs);
	dsa_signature_clear(&rs);
	return genuine ? SOTTO_OK : SOTTO_ERR_VERIFY;
}
