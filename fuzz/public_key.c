/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys of the signature schemes and KEMs: a byte that chooses, then the key. What is taken has the one
 * length that it may have; both folders agree on the NIST curves; no key makes zeros a signature; and what the
 * KEMs of ML-KEM take is what they encapsulate to.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "crypto/kem.h"
#include "crypto/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)i;
	return SOTTO_OK;
}

static void check_encapsulation_key(enum kem_alg alg, struct bytes key)
{
	static const struct random_source random = {.fill = fill};
	uint8_t enc[KEM_ENC_LEN_MAX];
	enum sotto_err taken = kem_check_public(alg, key);
	struct secret shared = {.len = 0};

	ASSERT(taken != SOTTO_OK || key.len == kem_public_len(alg));
	ASSERT(kem_encap(alg, &random, key, enc, &shared) == taken);
	ASSERT((shared.len != 0) == (taken == SOTTO_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		enum sign_alg sign;
		enum kem_alg kem;
		bool same; /* the scheme and the KEM have one kind of key */
	} table[] = {
		{SIGN_ED25519, KEM_X25519_SHA256, false},
		{SIGN_ED448, KEM_X448_SHA512, false},
		{SIGN_ECDSA_P256_SHA256, KEM_P256_SHA256, true},
		{SIGN_ECDSA_P384_SHA384, KEM_P384_SHA384, true},
		{SIGN_ECDSA_P521_SHA512, KEM_P521_SHA512, true},
	};
	static const enum kem_alg kems[] = {KEM_MLKEM512, KEM_MLKEM768, KEM_MLKEM1024, KEM_XWING};
	static const uint8_t zeros[SIGN_SIGNATURE_LEN_MAX];
	struct bytes key;
	bool signs, agrees;
	size_t at;

	if (size == 0)
		return 0;
	at = data[0] % (ARRAY_LEN(table) + ARRAY_LEN(kems));
	key = BYTES(data + 1, size - 1);
	if (at >= ARRAY_LEN(table)) {
		check_encapsulation_key(kems[at - ARRAY_LEN(table)], key);
		return 0;
	}
	signs = sign_check_public(table[at].sign, key) == SOTTO_OK;
	agrees = kem_check_public(table[at].kem, key) == SOTTO_OK;
	ASSERT(!signs || key.len == sign_public_len(table[at].sign));
	ASSERT(!agrees || key.len == kem_public_len(table[at].kem));
	ASSERT(!table[at].same || signs == agrees);
	for (size_t len = 64; len <= sizeof(zeros); len += 50) /* Ed25519's length, Ed448's */
		ASSERT(sign_verify(table[at].sign, key, BYTES("", 0), BYTES(zeros, len)) ==
		       SOTTO_ERR_VERIFY);
	return 0;
}
