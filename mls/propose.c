/* SPDX-License-Identifier: Apache-2.0 */
/* Our own proposals, sent to be committed by reference (RFC 9420 section 12.1). */
#include <string.h>

#include "mls/group.h"
#include "mls/psk.h"
#include "mls/reinit.h"

/* The private halves that come with an update of our own. */
struct update_keys {
	struct secret leaf_key;
	struct secret signature_key;
};

/*
 * Checks, frames, seals and caches a proposal; the message is sealed last, as that consumes a
 * generation.
 */
static enum sotto_err send_proposal(struct mls_group *group, const struct writer *proposal,
				    const struct update_keys *keys, uint64_t now_s,
				    struct mls_buffer *message)
{
	struct frame_keys frame = epoch_frame_keys(group->epoch);
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct cached_proposal *cached = NULL;
	struct proposal_view view;
	struct reader reader;
	struct writer out;
	size_t signature_len = 0;
	enum sotto_err err;
	struct framed framed = {
		.wire_format = (uint16_t)group->send.handshake,
		.group_id = group_id_bytes(group),
		.epoch = group->epoch->number,
		.sender_type = SENDER_MEMBER,
		.sender = group->epoch->own_leaf,
		.content_type = MLS_CONTENT_PROPOSAL,
		.body = writer_bytes(proposal),
	};

	writer_init_growing(&out, group->config.allocator);
	FAIL_IF(!group->active || group_ended(group), SOTTO_ERR_STATE);
	TRY(writer_finish(proposal));
	reader_init(&reader, framed.body);
	proposal_read(&reader, &view);
	TRY(reader_finish(&reader));
	TRY(proposal_check(&view, framed_sender(&framed), group->epoch, now_s));
	TRY(group_reserve_proposal(group));
	TRY(frame_sign(&frame, group->config.random, &group->epoch->signature_key, &framed,
		       &group->scratch, signature, &signature_len));
	framed.signature = BYTES(signature, signature_len);
	TRY(cached_proposal_make(&group->config, group->suite, &framed, &cached));
	FAIL_IF(group_find_proposal(group, BYTES(cached->ref, suite_hash_len(group->suite))) !=
			NULL,
		SOTTO_ERR_EXISTS);
	if (keys != NULL) {
		cached->leaf_key = keys->leaf_key;
		cached->signature_key = keys->signature_key;
	}
	TRY(group_write_handshake(group, &framed, &out));
	message_hash(group->suite, writer_bytes(&out), cached->message_hash);
	group_put_proposal(group, cached);
	cached = NULL;
	buffer_take(message, &out);
out:
	cached_proposal_destroy(&group->config, cached);
	writer_release(&out);
	return err;
}

enum sotto_err mls_group_propose_add(struct mls_group *group, struct bytes key_package,
				     uint64_t now_s, struct mls_buffer *message)
{
	struct key_package_view package;
	struct writer proposal;
	enum sotto_err err = key_package_message_read(key_package, &package);

	if (err != SOTTO_OK)
		return err;
	writer_init_growing(&proposal, group->config.allocator);
	writer_put_u16(&proposal, MLS_PROPOSAL_ADD);
	writer_put_bytes(&proposal, package.encoded);
	err = send_proposal(group, &proposal, NULL, now_s, message);
	writer_release(&proposal);
	return err;
}

enum sotto_err mls_group_propose_remove(struct mls_group *group, uint32_t leaf,
					struct mls_buffer *message)
{
	struct writer proposal;
	enum sotto_err err;

	writer_init_growing(&proposal, group->config.allocator);
	writer_put_u16(&proposal, MLS_PROPOSAL_REMOVE);
	writer_put_u32(&proposal, leaf);
	err = send_proposal(group, &proposal, NULL, 0, message);
	writer_release(&proposal);
	return err;
}

enum sotto_err mls_group_propose_extensions(struct mls_group *group,
					    const struct mls_extension *extensions,
					    size_t extension_count, struct mls_buffer *message)
{
	struct writer proposal;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&proposal, group->config.allocator);
	writer_put_u16(&proposal, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
	start = writer_begin_vector(&proposal);
	extensions_write(&proposal, extensions, extension_count);
	writer_end_vector(&proposal, start);
	err = send_proposal(group, &proposal, NULL, 0, message);
	writer_release(&proposal);
	return err;
}

enum sotto_err mls_group_propose_psk(struct mls_group *group, struct bytes psk_id,
				     struct mls_buffer *message)
{
	struct psk_finder finder = group_psk_finder(group);
	struct writer proposal;
	enum sotto_err err;

	writer_init_growing(&proposal, group->config.allocator);
	TRY(psk_proposal_write(&finder, psk_id, &proposal));
	TRY(send_proposal(group, &proposal, NULL, 0, message));
out:
	writer_release(&proposal);
	return err;
}

enum sotto_err mls_group_propose_resumption(struct mls_group *group, uint64_t epoch,
					    struct mls_buffer *message)
{
	struct psk_finder finder = group_psk_finder(group);
	struct writer proposal;
	enum sotto_err err;

	writer_init_growing(&proposal, group->config.allocator);
	TRY(psk_resumption_write(&finder, PSK_USAGE_APPLICATION, group_id_bytes(group), epoch,
				 &proposal));
	TRY(send_proposal(group, &proposal, NULL, 0, message));
out:
	writer_release(&proposal);
	return err;
}

enum sotto_err mls_group_propose_reinit(struct mls_group *group,
					const struct mls_reinit_options *reinit,
					struct mls_buffer *message)
{
	struct writer proposal;
	enum sotto_err err;

	writer_init_growing(&proposal, group->config.allocator);
	reinit_write(&proposal, reinit);
	err = send_proposal(group, &proposal, NULL, 0, message);
	writer_release(&proposal);
	return err;
}

enum sotto_err mls_group_propose_update(struct mls_group *group,
					const struct mls_leaf_options *leaf,
					struct mls_buffer *message)
{
	const struct epoch *epoch = group->epoch;
	enum kem_alg kem = group->suite->hpke.kem;
	struct leaf_place place = {.group_id = epoch->group_id, .leaf = epoch->own_leaf};
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct update_keys keys = {0};
	struct writer proposal;
	struct leaf_recipe recipe;
	enum sotto_err err;

	if (!group->active || group_ended(group))
		return SOTTO_ERR_STATE;
	recipe = (struct leaf_recipe){
		.options = leaf,
		.old = &tree_leaf(&epoch->tree, epoch->own_leaf)->view,
		.signature_key = &epoch->signature_key,
		.encryption_key = BYTES(public_key, kem_public_len(kem)),
		.source = LEAF_UPDATE,
		.place = &place,
	};
	writer_init_growing(&proposal, group->config.allocator);
	TRY(kem_generate(kem, group->config.random, &keys.leaf_key, public_key));
	if (leaf != NULL)
		keys.signature_key = leaf->identity->private_key;
	writer_put_u16(&proposal, MLS_PROPOSAL_UPDATE);
	TRY(leaf_create(group->suite, &group->config, &recipe, &proposal));
	TRY(send_proposal(group, &proposal, &keys, 0, message));
out:
	bytes_wipe(&keys, sizeof(keys));
	writer_release(&proposal);
	return err;
}
