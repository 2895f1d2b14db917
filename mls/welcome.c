/* SPDX-License-Identifier: Apache-2.0 */
/* Welcome and what is in it: parse, and the small operations that both ends share. */
#include "mls/welcome.h"

#include "mls/buffer.h"

void group_secrets_read(struct reader *reader, struct group_secrets_view *view)
{
	struct psk_id_view psk;
	struct reader psks;

	view->joiner_secret = reader_get_vector(reader);
	view->path_secret = BYTES_NONE;
	view->has_path_secret = false;
	switch (reader_get_u8(reader)) {
	case 0:
		break;
	case 1:
		view->has_path_secret = true;
		view->path_secret = reader_get_vector(reader);
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
	psks = reader_get_nested(reader);
	view->psks = BYTES(psks.at, reader_left(&psks));
	view->psk_count = 0;
	for (; reader_more(&psks); view->psk_count++)
		psk_id_read(&psks, &psk);
	reader_end_nested(reader, &psks);
}

void welcome_read(struct reader *reader, struct welcome_view *view)
{
	struct reader secrets;

	view->suite = reader_get_u16(reader);
	secrets = reader_get_nested(reader);
	view->secrets = BYTES(secrets.at, reader_left(&secrets));
	while (reader_more(&secrets)) {
		(void)reader_get_vector(&secrets);
		(void)hpke_ciphertext_read(&secrets);
	}
	reader_end_nested(reader, &secrets);
	view->encrypted_group_info = reader_get_vector(reader);
}

enum sotto_err welcome_find(const struct welcome_view *view, struct bytes ref,
			    struct hpke_ciphertext *sealed)
{
	struct reader secrets;

	reader_init(&secrets, view->secrets);
	while (reader_more(&secrets)) {
		struct bytes new_member = reader_get_vector(&secrets);
		struct hpke_ciphertext found = hpke_ciphertext_read(&secrets);

		if (bytes_equal(new_member, ref)) {
			*sealed = found;
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_NOT_FOUND;
}

static enum sotto_err whole_read(struct bytes welcome, struct welcome_view *view)
{
	struct reader reader;

	reader_init(&reader, welcome);
	if (reader_get_u16(&reader) != MLS_VERSION)
		reader_fail(&reader, SOTTO_ERR_VERSION);
	if (reader_get_u16(&reader) != MLS_WELCOME)
		reader_fail(&reader, SOTTO_ERR_ARGUMENT);
	welcome_read(&reader, view);
	return reader_finish(&reader);
}

enum sotto_err mls_welcome_find(struct bytes welcome, struct bytes ref)
{
	struct hpke_ciphertext sealed;
	struct welcome_view view;
	enum sotto_err err = whole_read(welcome, &view);

	return err == SOTTO_OK ? welcome_find(&view, ref, &sealed) : err;
}

enum sotto_err mls_welcome_for(const struct allocator *allocator, struct bytes welcome,
			       struct bytes ref, struct mls_buffer *message)
{
	struct hpke_ciphertext sealed;
	struct welcome_view view;
	struct writer made;
	size_t start;
	enum sotto_err err;

	writer_init_growing(&made, allocator != NULL ? allocator : &allocator_default);
	TRY(whole_read(welcome, &view));
	TRY(welcome_find(&view, ref, &sealed));
	writer_put_u16(&made, MLS_VERSION);
	writer_put_u16(&made, MLS_WELCOME);
	writer_put_u16(&made, view.suite);
	start = writer_begin_vector(&made);
	writer_put_vector(&made, ref);
	writer_put_vector(&made, sealed.kem_output);
	writer_put_vector(&made, sealed.ciphertext);
	writer_end_vector(&made, start);
	writer_put_vector(&made, view.encrypted_group_info);
	TRY(writer_finish(&made));
	buffer_take(message, &made);
out:
	writer_release(&made);
	return err;
}

void welcome_key_derive(const struct suite *suite, const struct secret *welcome,
			struct welcome_key *key)
{
	struct bytes secret = secret_bytes(welcome);
	enum aead_alg aead = suite->hpke.aead;

	suite_expand(suite, secret, "key", BYTES_NONE, key->key, aead_key_len(aead));
	suite_expand(suite, secret, "nonce", BYTES_NONE, key->nonce, aead_nonce_len(aead));
}
