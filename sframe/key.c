/* SPDX-License-Identifier: Apache-2.0 */
/* From base key and KID to key and salt, RFC 9605 section 4.4.2. */
#include "base/assert.h"
#include "base/writer.h"
#include "sframe/sframe.h"

#define LABEL_LEN_MAX 64

static void expand_label(enum sframe_suite suite, struct bytes secret, struct bytes text,
			 uint64_t kid, uint8_t *out, size_t len)
{
	uint8_t label[LABEL_LEN_MAX];
	struct writer writer;
	enum sotto_err err;

	writer_init_fixed(&writer, label, sizeof(label));
	writer_put_bytes(&writer, text);
	writer_put_u64(&writer, kid);
	writer_put_u16(&writer, (uint16_t)suite);
	err = writer_finish(&writer);
	ASSERT(err == SOTTO_OK);
	sframe_suite_expand(suite, secret, writer_bytes(&writer), out, len);
}

void sframe_key_derive(enum sframe_suite suite, struct bytes base_key, uint64_t kid,
		       struct sframe_key *key)
{
	uint8_t secret[SFRAME_HASH_LEN_MAX];
	size_t secret_len = sframe_suite_extract(suite, base_key, secret);

	*key = (struct sframe_key){.suite = suite};
	expand_label(suite, BYTES(secret, secret_len), BYTES_TEXT("SFrame 1.0 Secret key "), kid,
		     key->key, sframe_suite_key_len(suite));
	expand_label(suite, BYTES(secret, secret_len), BYTES_TEXT("SFrame 1.0 Secret salt "), kid,
		     key->salt, sizeof(key->salt));
	bytes_wipe(secret, sizeof(secret));
}

void sframe_key_wipe(struct sframe_key *key)
{
	if (key != NULL)
		bytes_wipe(key, sizeof(*key));
}
