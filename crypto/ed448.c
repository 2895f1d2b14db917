/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed448 by hogweed. Its verifier takes points of small order, under which one signature fits many messages,
 * and any last byte of S; ours refuses both, as libsodium does for Ed25519, and can say whether a key is a
 * point before it is stored, for which hogweed has no public function.
 */
#include <gmp.h>
#include <nettle/eddsa.h>

#include "crypto/ct.h"
#include "crypto/eddsa.h"

_Static_assert(ED448_SIGNATURE_SIZE == ED448_SIGNATURE_LEN, "one length");

enum sotto_err ed448_public(struct bytes seed, uint8_t *public_key)
{
	if (seed.len != ED448_KEY_SIZE)
		return SOTTO_ERR_INVALID;
	ed448_shake256_public_key(public_key, seed.data);
	CT_PUBLIC(public_key, ED448_KEY_SIZE); /* a public key, by its name */
	return SOTTO_OK;
}

enum sotto_err ed448_create(struct bytes seed, struct bytes message, uint8_t *signature)
{
	uint8_t public_key[ED448_KEY_SIZE];
	enum sotto_err err = ed448_public(seed, public_key);

	if (err == SOTTO_OK)
		ed448_shake256_sign(public_key, seed.data, message.len, message.data, signature);
	return err;
}

/*
 * Is x^2 = (y^2 - 1) / (d y^2 - 1), with d = -39081, a square other than 0 and 1 modulo p = 2^448 - 2^224 - 1?
 * 0 belongs to y = 1 and y = -1, 1 to y = 0: the points of order 1, 2 and 4, which are all of small order.
 */
static bool names_point(const mpz_t y, const mpz_t p)
{
	mpz_t numerator, denominator;
	bool found;

	mpz_init(numerator);
	mpz_init(denominator);
	mpz_mul(numerator, y, y);
	mpz_mul_si(denominator, numerator, -39081);
	mpz_sub_ui(numerator, numerator, 1);
	mpz_sub_ui(denominator, denominator, 1);
	/* A quotient is a square if the product is one; d is none, so the denominator is never 0. */
	mpz_mul(numerator, numerator, denominator);
	mpz_mod(numerator, numerator, p);
	found = mpz_sgn(y) != 0 && mpz_legendre(numerator, p) == 1;
	mpz_clear(denominator);
	mpz_clear(numerator);
	return found;
}

enum sotto_err ed448_check_public(struct bytes public_key)
{
	mpz_t p, y;
	bool valid;

	/* The last byte holds the sign of x and nothing else (RFC 8032 5.2.2). */
	if (public_key.len != ED448_KEY_SIZE || (public_key.data[ED448_KEY_SIZE - 1] & 0x7f) != 0)
		return SOTTO_ERR_INVALID;
	mpz_init_set_ui(p, 1);
	mpz_init(y);
	mpz_mul_2exp(p, p, 224);
	mpz_sub_ui(p, p, 1);
	mpz_mul_2exp(p, p, 224);
	mpz_sub_ui(p, p, 1);
	mpz_import(y, ED448_KEY_SIZE - 1, -1, 1, 0, 0, public_key.data);
	valid = mpz_cmp(y, p) < 0 && names_point(y, p);
	mpz_clear(y);
	mpz_clear(p);
	return valid ? SOTTO_OK : SOTTO_ERR_INVALID;
}

enum sotto_err ed448_verify(struct bytes public_key, struct bytes message, struct bytes signature)
{
	if (signature.len != ED448_SIGNATURE_LEN || ed448_check_public(public_key) != SOTTO_OK)
		return SOTTO_ERR_VERIFY;
	/* S is below 2^446, and hogweed does not look at its last byte: it could be anything. */
	if (signature.data[ED448_SIGNATURE_LEN - 1] != 0)
		return SOTTO_ERR_VERIFY;
	if (!ed448_shake256_verify(public_key.data, message.len, message.data, signature.data))
		return SOTTO_ERR_VERIFY;
	return SOTTO_OK;
}
