/* SPDX-License-Identifier: Apache-2.0 */
/* FramedContent: read, write, sign, verify (RFC 9420 sections 6, 6.1). */
#include "mls/frame.h"

struct bytes framed_body_read(struct reader *reader, enum mls_content_type type)
{
	const uint8_t *start = reader->at;

	switch (type) {
	case MLS_CONTENT_APPLICATION:
		return reader_get_vector(reader);
	case MLS_CONTENT_PROPOSAL: {
		struct proposal_view proposal;

		proposal_read(reader, &proposal);
		break;
	}
	case MLS_CONTENT_COMMIT: {
		struct commit_view commit;

		commit_read(reader, &commit);
		break;
	}
	case MLS_CONTENT_NONE:
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
	return BYTES(start, (size_t)(reader->at - start));
}

static void sender_read(struct reader *reader, struct framed *framed)
{
	framed->sender_type = (enum sender_type)reader_get_u8(reader);
	switch (framed->sender_type) {
	case SENDER_MEMBER:
	case SENDER_EXTERNAL:
		framed->sender = reader_get_u32(reader);
		break;
	case SENDER_NEW_MEMBER_PROPOSAL:
	case SENDER_NEW_MEMBER_COMMIT:
		break;
	default:
		reader_fail(reader, SOTTO_ERR_FORMAT);
		break;
	}
}

static void content_read(struct reader *reader, struct framed *framed)
{
	framed->group_id = reader_get_vector(reader);
	framed->epoch = reader_get_u64(reader);
	sender_read(reader, framed);
	framed->authenticated_data = reader_get_vector(reader);
	framed->content_type = (enum mls_content_type)reader_get_u8(reader);
	framed->body = framed_body_read(reader, framed->content_type);
}

static void auth_read(struct reader *reader, struct framed *framed)
{
	framed->signature = reader_get_vector(reader);
	if (framed->content_type == MLS_CONTENT_COMMIT)
		framed->confirmation_tag = reader_get_vector(reader);
}

void framed_read(struct reader *reader, struct framed *framed)
{
	*framed = (struct framed){.wire_format = reader_get_u16(reader)};
	content_read(reader, framed);
	auth_read(reader, framed);
}

static void private_read(struct reader *reader, struct message_view *view)
{
	const uint8_t *start = reader->at;

	view->framed.group_id = reader_get_vector(reader);
	view->framed.epoch = reader_get_u64(reader);
	view->framed.content_type = (enum mls_content_type)reader_get_u8(reader);
	view->sender_data_aad = BYTES(start, (size_t)(reader->at - start));
	view->framed.authenticated_data = reader_get_vector(reader);
	view->content_aad = BYTES(start, (size_t)(reader->at - start));
	view->encrypted_sender_data = reader_get_vector(reader);
	view->ciphertext = reader_get_vector(reader);
	if (view->framed.content_type < MLS_CONTENT_APPLICATION ||
	    view->framed.content_type > MLS_CONTENT_COMMIT)
		reader_fail(reader, SOTTO_ERR_FORMAT);
}

enum sotto_err message_read(struct bytes message, struct message_view *view)
{
	struct message_view parsed = {0};
	struct reader reader;
	enum sotto_err err;

	reader_init(&reader, message);
	if (reader_get_u16(&reader) != MLS_VERSION)
		reader_fail(&reader, SOTTO_ERR_VERSION);
	parsed.wire_format = (enum mls_wire_format)reader_get_u16(&reader);
	parsed.framed.wire_format = (uint16_t)parsed.wire_format;
	switch (parsed.wire_format) {
	case MLS_PUBLIC_MESSAGE:
		content_read(&reader, &parsed.framed);
		auth_read(&reader, &parsed.framed);
		if (parsed.framed.sender_type == SENDER_MEMBER)
			parsed.membership_tag = reader_get_vector(&reader);
		break;
	case MLS_PRIVATE_MESSAGE:
		private_read(&reader, &parsed);
		break;
	case MLS_WELCOME:
	case MLS_GROUP_INFO:
	case MLS_KEY_PACKAGE:
		parsed.rest = reader_get_rest(&reader);
		break;
	default:
		reader_fail(&reader, SOTTO_ERR_UNSUPPORTED);
		break;
	}
	err = reader_finish(&reader);
	if (err == SOTTO_OK)
		*view = parsed;
	return err;
}

void framed_head_write(const struct framed *framed, struct writer *writer)
{
	writer_put_vector(writer, framed->group_id);
	writer_put_u64(writer, framed->epoch);
	writer_put_u8(writer, (uint8_t)framed->sender_type);
	if (framed->sender_type == SENDER_MEMBER || framed->sender_type == SENDER_EXTERNAL)
		writer_put_u32(writer, framed->sender);
	writer_put_vector(writer, framed->authenticated_data);
	writer_put_u8(writer, (uint8_t)framed->content_type);
}

static void framed_content_write(const struct framed *framed, struct writer *writer)
{
	framed_head_write(framed, writer);
	if (framed->content_type == MLS_CONTENT_APPLICATION)
		writer_put_vector(writer, framed->body);
	else
		writer_put_bytes(writer, framed->body);
}

static void auth_write(const struct framed *framed, struct writer *writer)
{
	writer_put_vector(writer, framed->signature);
	if (framed->content_type == MLS_CONTENT_COMMIT)
		writer_put_vector(writer, framed->confirmation_tag);
}

void framed_write(const struct framed *framed, struct writer *writer)
{
	writer_put_u16(writer, framed->wire_format);
	framed_content_write(framed, writer);
	auth_write(framed, writer);
}

/* FramedContentTBS (6.1). */
static void tbs_write(const struct frame_keys *keys, const struct framed *framed,
		      struct writer *writer)
{
	writer_put_u16(writer, MLS_VERSION);
	writer_put_u16(writer, framed->wire_format);
	framed_content_write(framed, writer);
	if (framed->sender_type == SENDER_MEMBER || framed->sender_type == SENDER_NEW_MEMBER_COMMIT)
		writer_put_bytes(writer, keys->context);
}

/* Label, numbers and headers of a signed content: what of its length does not depend on what is in it. */
#define TBS_FIXED_LEN_MAX 64

static void scratch_clear(struct writer *scratch)
{
	scratch->len = 0;
	scratch->err = SOTTO_OK;
}

static void sign_content_write(const struct frame_keys *keys, const struct framed *framed,
			       struct writer *scratch)
{
	size_t start;

	scratch_clear(scratch);
	writer_reserve(scratch, TBS_FIXED_LEN_MAX + framed->group_id.len +
					framed->authenticated_data.len + framed->body.len +
					keys->context.len);
	start = sign_content_begin(scratch, "FramedContentTBS");
	tbs_write(keys, framed, scratch);
	sign_content_end(scratch, start);
}

enum sotto_err frame_sign(const struct frame_keys *keys, const struct random_source *random,
			  const struct secret *signature_key, const struct framed *framed,
			  struct writer *scratch, uint8_t signature[SIGN_SIGNATURE_LEN_MAX],
			  size_t *len)
{
	sign_content_write(keys, framed, scratch);
	return suite_sign(keys->suite, random, signature_key, scratch, signature, len);
}

enum sotto_err frame_verify(const struct frame_keys *keys, struct bytes public_key,
			    const struct framed *framed, struct writer *scratch)
{
	sign_content_write(keys, framed, scratch);
	return suite_verify(keys->suite, public_key, scratch, framed->signature);
}

/* MAC over AuthenticatedContentTBM (6.2). */
static enum sotto_err membership_mac(const struct frame_keys *keys, const struct framed *framed,
				     struct writer *scratch, uint8_t *mac)
{
	scratch_clear(scratch);
	tbs_write(keys, framed, scratch);
	auth_write(framed, scratch);
	if (scratch->err == SOTTO_OK)
		suite_mac(keys->suite, keys->membership, writer_bytes(scratch), mac);
	return scratch->err;
}

enum sotto_err frame_public_write(const struct frame_keys *keys, const struct framed *framed,
				  struct writer *scratch, struct writer *out)
{
	uint8_t mac[HASH_LEN_MAX];
	enum sotto_err err;

	writer_reserve(out, TBS_FIXED_LEN_MAX + framed->group_id.len +
				    framed->authenticated_data.len + framed->body.len +
				    framed->signature.len + 2 * (4 + HASH_LEN_MAX));
	writer_put_u16(out, MLS_VERSION);
	framed_write(framed, out);
	if (framed->sender_type == SENDER_MEMBER) {
		err = membership_mac(keys, framed, scratch, mac);
		if (err != SOTTO_OK)
			return err;
		writer_put_vector(out, BYTES(mac, suite_hash_len(keys->suite)));
	}
	return writer_finish(out);
}

enum sotto_err frame_public_open(const struct frame_keys *keys, const struct message_view *view,
				 struct writer *scratch)
{
	uint8_t mac[HASH_LEN_MAX];
	enum sotto_err err;

	/* 6.2: application data is never sent in a PublicMessage. */
	if (view->framed.content_type == MLS_CONTENT_APPLICATION)
		return SOTTO_ERR_INVALID;
	if (view->framed.sender_type != SENDER_MEMBER)
		return SOTTO_OK;
	err = membership_mac(keys, &view->framed, scratch, mac);
	if (err != SOTTO_OK)
		return err;
	return suite_mac_check(keys->suite, mac, view->membership_tag);
}
