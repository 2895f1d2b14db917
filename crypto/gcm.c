/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-GCM by nettle's generic functions, under our own key schedule (crypto/aes.h). The plaintext
 * of a forgery is wiped before anybody can look at it.
 */
#include "crypto/gcm.h"

#include <nettle/gcm.h>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/aes.h"
#include "crypto/ct.h"

/* SP 800-38D 5.2.1.1: a longer plaintext would wrap the 32-bit block counter. */
#define GCM_PLAINTEXT_LEN_MAX ((UINT64_C(1) << 36) - 32)

struct gcm {
	struct aes_key aes;
	struct gcm_key hash_key;
	struct gcm_ctx context;
};

static void gcm_init(struct gcm *gcm, struct bytes key, struct bytes nonce, struct bytes aad)
{
	aes_key_init(&gcm->aes, key);
	gcm_set_key(&gcm->hash_key, &gcm->aes.schedule, gcm->aes.encrypt);
	gcm_set_iv(&gcm->context, &gcm->hash_key, nonce.len, nonce.data);
	gcm_update(&gcm->context, &gcm->hash_key, aad.len, aad.data);
}

void gcm_seal(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes plaintext,
	      uint8_t *out)
{
	struct gcm gcm;

	ASSERT(plaintext.len <= GCM_PLAINTEXT_LEN_MAX);
	gcm_init(&gcm, key, nonce, aad);
	gcm_encrypt(&gcm.context, &gcm.hash_key, &gcm.aes.schedule, gcm.aes.encrypt, plaintext.len,
		    out, plaintext.data);
	gcm_digest(&gcm.context, &gcm.hash_key, &gcm.aes.schedule, gcm.aes.encrypt, AEAD_TAG_LEN,
		   out + plaintext.len);
	bytes_wipe(&gcm, sizeof(gcm));
}

enum sotto_err gcm_open(struct bytes key, struct bytes nonce, struct bytes aad, struct bytes sealed,
			uint8_t *out)
{
	size_t len = sealed.len - AEAD_TAG_LEN;
	uint8_t tag[AEAD_TAG_LEN];
	struct gcm gcm;
	bool genuine;

	gcm_init(&gcm, key, nonce, aad);
	gcm_decrypt(&gcm.context, &gcm.hash_key, &gcm.aes.schedule, gcm.aes.encrypt, len, out,
		    sealed.data);
	gcm_digest(&gcm.context, &gcm.hash_key, &gcm.aes.schedule, gcm.aes.encrypt, AEAD_TAG_LEN,
		   tag);
	genuine = bytes_equal_ct(tag, sealed.data + len, AEAD_TAG_LEN);
	CT_PUBLIC(&genuine, sizeof(genuine)); /* whether a message is accepted shows anyway */
	if (!genuine)
		bytes_wipe(out, len);
	bytes_wipe(&gcm, sizeof(gcm));
	bytes_wipe(tag, sizeof(tag));
	return genuine ? SOTTO_OK : SOTTO_ERR_VERIFY;
}
