/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One door to the four AEADs: AES-GCM in crypto/gcm.c, the ChaCha20 family in libsodium, whose
 * vector code is faster than nettle's one block at a time (docs/crypto.md has the numbers).
 */
#include "crypto/aead.h"

#include <sodium.h>

#include "base/assert.h"
#include "crypto/ct.h"
#include "crypto/gcm.h"

struct aead_lengths {
	size_t key;
	size_t nonce;
};

static struct aead_lengths aead_lengths(enum aead_alg alg)
{
	struct aead_lengths lengths = {0, 0};

	switch (alg) {
	case AEAD_AES128GCM:
		lengths = (struct aead_lengths){16, 12};
		break;
	case AEAD_AES256GCM:
	case AEAD_CHACHA20POLY1305:
		lengths = (struct aead_lengths){32, 12};
		break;
	case AEAD_XCHACHA20POLY1305:
		lengths = (struct aead_lengths){32, 24};
		break;
	}
	ASSERT(lengths.key != 0);
	return lengths;
}

size_t aead_key_len(enum aead_alg alg)
{
	return aead_lengths(alg).key;
}

size_t aead_nonce_len(enum aead_alg alg)
{
	return aead_lengths(alg).nonce;
}

void aead_seal(enum aead_alg alg, struct bytes key, struct bytes nonce, struct bytes aad,
	       struct bytes plaintext, uint8_t *out)
{
	struct aead_lengths lengths = aead_lengths(alg);
	uint8_t *tag = out + plaintext.len;

	ASSERT(key.len == lengths.key && nonce.len == lengths.nonce);
	switch (alg) {
	case AEAD_AES128GCM:
	case AEAD_AES256GCM:
		gcm_seal(key, nonce, aad, plaintext, out);
		break;
	case AEAD_CHACHA20POLY1305:
		/* Sealing has no failure but a plaintext past 2^38 bytes, which aborts inside. */
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(out, tag, NULL, plaintext.data,
								   plaintext.len, aad.data, aad.len,
								   NULL, nonce.data, key.data);
		break;
	case AEAD_XCHACHA20POLY1305:
		crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
			out, tag, NULL, plaintext.data, plaintext.len, aad.data, aad.len, NULL,
			nonce.data, key.data);
		break;
	}
}

/* libsodium's two openers have one type: it checks the tag, then decrypts, or zeroes out. */
typedef int open_fn(unsigned char *out, unsigned char *no_secret_nonce, const unsigned char *sealed,
		    unsigned long long len, const unsigned char *tag, const unsigned char *aad,
		    unsigned long long aad_len, const unsigned char *nonce,
		    const unsigned char *key);

static enum sotto_err open_chacha(open_fn *open, struct bytes key, struct bytes nonce,
				  struct bytes aad, struct bytes sealed, uint8_t *out)
{
	size_t len = sealed.len - AEAD_TAG_LEN;
	int refused;

	refused = open(out, NULL, sealed.data, len, sealed.data + len, aad.data, aad.len,
		       nonce.data, key.data);
	CT_PUBLIC(&refused, sizeof(refused)); /* whether a message is accepted shows anyway */
	return refused == 0 ? SOTTO_OK : SOTTO_ERR_VERIFY;
}

enum sotto_err aead_open(enum aead_alg alg, struct bytes key, struct bytes nonce, struct bytes aad,
			 struct bytes sealed, uint8_t *out)
{
	struct aead_lengths lengths = aead_lengths(alg);
	enum sotto_err err = SOTTO_ERR_VERIFY;

	ASSERT(key.len == lengths.key && nonce.len == lengths.nonce);
	if (sealed.len < AEAD_TAG_LEN)
		return SOTTO_ERR_VERIFY;
	switch (alg) {
	case AEAD_AES128GCM:
	case AEAD_AES256GCM:
		err = gcm_open(key, nonce, aad, sealed, out);
		break;
	case AEAD_CHACHA20POLY1305:
		err = open_chacha(crypto_aead_chacha20poly1305_ietf_decrypt_detached, key, nonce,
				  aad, sealed, out);
		break;
	case AEAD_XCHACHA20POLY1305:
		err = open_chacha(crypto_aead_xchacha20poly1305_ietf_decrypt_detached, key, nonce,
				  aad, sealed, out);
		break;
	}
	return err;
}
