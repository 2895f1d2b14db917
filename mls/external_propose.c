/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proposals from outside (RFC 9420 section 12.1.8): by a sender that the group's external_senders
 * names, or by a client that wants to be added. What one who holds nothing of the group can make:
 * signed, in the clear, and no more; and whose key a group checks it with.
 */
#include "mls/external.h"
#include "mls/psk.h"
#include "mls/reinit.h"

bool proposal_sender_may(enum sender_type sender, uint16_t type)
{
	switch (sender) {
	case SENDER_MEMBER:
		return true;
	case SENDER_EXTERNAL:
		return type == MLS_PROPOSAL_ADD || type == MLS_PROPOSAL_REMOVE ||
		       type == MLS_PROPOSAL_PSK || type == MLS_PROPOSAL_REINIT ||
		       type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
	case SENDER_NEW_MEMBER_PROPOSAL:
		return type == MLS_PROPOSAL_ADD;
	case SENDER_NEW_MEMBER_COMMIT:
		break;
	}
	return false;
}

enum sotto_err external_proposal_signer(const struct mls_group *group, const struct framed *framed,
					struct bytes *public_key)
{
	struct mls_external_sender sender;
	struct proposal_view view;
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(framed->sender_type == SENDER_NEW_MEMBER_PROPOSAL &&
			!group->config.new_member_proposals,
		SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(framed->content_type != MLS_CONTENT_PROPOSAL, SOTTO_ERR_INVALID);
	reader_init(&reader, framed->body);
	proposal_read(&reader, &view);
	TRY(reader_finish(&reader));
	FAIL_IF(!proposal_sender_may(framed->sender_type, view.type), SOTTO_ERR_INVALID);
	if (framed->sender_type == SENDER_NEW_MEMBER_PROPOSAL) {
		*public_key = view.add.leaf.signature_key;
		TRY(sign_check_public(group->suite->sign, *public_key));
	} else {
		FAIL_IF(mls_external_sender_find(writer_bytes(&group->epoch->extensions),
						 framed->sender, &sender) != SOTTO_OK,
			SOTTO_ERR_INVALID);
		*public_key = sender.signature_key;
	}
out:
	return err;
}

/* ---- Making them ---- */

struct outside {
	const struct mls_config *config;
	const struct mls_external_options *options;
	const struct suite *suite;
	struct writer proposal;
};

static enum sotto_err outside_begin(struct outside *outside, const struct mls_config *config,
				    const struct mls_external_options *options)
{
	*outside = (struct outside){
		.config = config,
		.options = options,
		.suite = suite_find(options->identity->suite),
	};
	writer_init_growing(&outside->proposal, config->allocator);
	return outside->suite != NULL ? SOTTO_OK : SOTTO_ERR_UNSUPPORTED;
}

static enum sotto_err outside_send(struct outside *outside, enum sender_type type,
				   struct mls_buffer *message)
{
	const struct mls_external_options *options = outside->options;
	struct frame_keys keys = {.suite = outside->suite};
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct writer scratch, out;
	size_t signature_len = 0;
	enum sotto_err err;
	struct framed framed = {
		.wire_format = MLS_PUBLIC_MESSAGE,
		.group_id = options->group_id,
		.epoch = options->epoch,
		.sender_type = type,
		.sender = type == SENDER_EXTERNAL ? options->sender : 0,
		.authenticated_data = options->authenticated_data,
		.content_type = MLS_CONTENT_PROPOSAL,
		.body = writer_bytes(&outside->proposal),
	};

	writer_init_growing(&scratch, outside->config->allocator);
	writer_init_growing(&out, outside->config->allocator);
	TRY(writer_finish(&outside->proposal));
	TRY(frame_sign(&keys, outside->config->random, &options->identity->private_key, &framed,
		       &scratch, signature, &signature_len));
	framed.signature = BYTES(signature, signature_len);
	TRY(frame_public_write(&keys, &framed, &scratch, &out));
	buffer_take(message, &out);
out:
	writer_release(&scratch);
	writer_release(&out);
	return err;
}

static enum sotto_err put_add(struct outside *outside, struct bytes key_package, uint64_t now_s,
			      struct key_package_view *package)
{
	enum sotto_err err = key_package_message_read(key_package, package);

	if (err == SOTTO_OK)
		err = key_package_check(package, outside->suite, outside->config, now_s);
	if (err != SOTTO_OK)
		return err;
	writer_put_u16(&outside->proposal, MLS_PROPOSAL_ADD);
	writer_put_bytes(&outside->proposal, package->encoded);
	return SOTTO_OK;
}

enum sotto_err mls_external_propose_add(const struct mls_config *config,
					const struct mls_external_options *options,
					struct bytes key_package, uint64_t now_s,
					struct mls_buffer *message)
{
	struct key_package_view package;
	struct outside outside;
	enum sotto_err err;

	TRY(outside_begin(&outside, config, options));
	TRY(put_add(&outside, key_package, now_s, &package));
	TRY(outside_send(&outside, SENDER_EXTERNAL, message));
out:
	writer_release(&outside.proposal);
	return err;
}

enum sotto_err mls_external_propose_remove(const struct mls_config *config,
					   const struct mls_external_options *options,
					   uint32_t leaf, struct mls_buffer *message)
{
	struct outside outside;
	enum sotto_err err;

	TRY(outside_begin(&outside, config, options));
	writer_put_u16(&outside.proposal, MLS_PROPOSAL_REMOVE);
	writer_put_u32(&outside.proposal, leaf);
	TRY(outside_send(&outside, SENDER_EXTERNAL, message));
out:
	writer_release(&outside.proposal);
	return err;
}

enum sotto_err mls_external_propose_extensions(const struct mls_config *config,
					       const struct mls_external_options *options,
					       const struct mls_extension *extensions,
					       size_t extension_count, struct mls_buffer *message)
{
	struct proposal_view view;
	struct outside outside;
	struct reader reader;
	enum sotto_err err;
	size_t start;

	TRY(outside_begin(&outside, config, options));
	writer_put_u16(&outside.proposal, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	start = writer_begin_vector(&outside.proposal);
	extensions_write(&outside.proposal, extensions, extension_count);
	writer_end_vector(&outside.proposal, start);
	TRY(writer_finish(&outside.proposal));
	reader_init(&reader, writer_bytes(&outside.proposal));
	proposal_read(&reader, &view);
	TRY(reader_finish(&reader));
	TRY(context_extensions_check(view.extensions, outside.suite, config));
	TRY(outside_send(&outside, SENDER_EXTERNAL, message));
out:
	writer_release(&outside.proposal);
	return err;
}

enum sotto_err mls_external_propose_psk(const struct mls_config *config,
					const struct mls_external_options *options,
					struct bytes psk_id, struct mls_buffer *message)
{
	struct outside outside;
	enum sotto_err err;

	TRY(outside_begin(&outside, config, options));
	TRY(psk_external_write(config, outside.suite, psk_id, &outside.proposal));
	TRY(outside_send(&outside, SENDER_EXTERNAL, message));
out:
	writer_release(&outside.proposal);
	return err;
}

enum sotto_err mls_external_propose_reinit(const struct mls_config *config,
					   const struct mls_external_options *options,
					   const struct mls_reinit_options *reinit,
					   struct mls_buffer *message)
{
	struct proposal_view view;
	struct outside outside;
	struct reader reader;
	enum sotto_err err;

	TRY(outside_begin(&outside, config, options));
	reinit_write(&outside.proposal, reinit);
	TRY(writer_finish(&outside.proposal));
	reader_init(&reader, writer_bytes(&outside.proposal));
	proposal_read(&reader, &view);
	TRY(reader_finish(&reader));
	TRY(reinit_check(&view.reinit, config));
	TRY(outside_send(&outside, SENDER_EXTERNAL, message));
out:
	writer_release(&outside.proposal);
	return err;
}

enum sotto_err mls_new_member_propose(const struct mls_config *config,
				      const struct mls_external_options *options,
				      struct bytes key_package, uint64_t now_s,
				      struct mls_buffer *message)
{
	const struct mls_identity *identity = options->identity;
	struct key_package_view package;
	struct outside outside;
	enum sotto_err err;

	TRY(outside_begin(&outside, config, options));
	TRY(put_add(&outside, key_package, now_s, &package));
	FAIL_IF(!bytes_equal(package.leaf.signature_key,
			     BYTES(identity->public_key, identity->public_len)),
		SOTTO_ERR_ARGUMENT);
	TRY(outside_send(&outside, SENDER_NEW_MEMBER_PROPOSAL, message));
out:
	writer_release(&outside.proposal);
	return err;
}
