/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a group back. What we stored ourselves is trusted to be valid, but not to be whole: every
 * read is bounded, and anything that does not fit is SOTTO_ERR_CORRUPT.
 */
#include <string.h>

#include "mls/save.h"

static void get_secret(struct reader *reader, struct secret *secret)
{
	struct bytes bytes = reader_get_vector_max(reader, SECRET_LEN_MAX);

	secret_set(secret, bytes.data, bytes.len);
}

static void keys_load(struct reader *reader, struct epoch *epoch)
{
	get_secret(reader, &epoch->keys.leaf);
	for (size_t level = 1; level <= TREE_DEPTH_MAX; level++)
		get_secret(reader, &epoch->keys.nodes[level]);
	get_secret(reader, &epoch->signature_key);
}

static void secrets_load(struct reader *reader, struct epoch_secrets *secrets)
{
	get_secret(reader, &secrets->sender_data);
	get_secret(reader, &secrets->exporter);
	get_secret(reader, &secrets->external);
	get_secret(reader, &secrets->confirmation);
	get_secret(reader, &secrets->membership);
	get_secret(reader, &secrets->resumption);
	get_secret(reader, &secrets->authenticator);
	get_secret(reader, &secrets->init);
}

/* A vector with its header, as tree_read takes it. */
static struct bytes get_whole_vector(struct reader *reader)
{
	const uint8_t *start = reader->at;

	(void)reader_get_vector(reader);
	return BYTES(start, (size_t)(reader->at - start));
}

/* An empty tree becomes this one. */
static enum sotto_err whole_load(const struct mls_group *group, struct reader *reader,
				 struct tree *tree)
{
	struct bytes encoded;
	uint64_t seed;
	enum sotto_err err = random_fill(group->config.random, &seed, sizeof(seed));

	if (err != SOTTO_OK)
		return err;
	tree_init(tree, group->config.allocator, group->suite, seed);
	encoded = get_whole_vector(reader);
	return reader->err == SOTTO_OK
		       ? tree_read(tree, encoded, width_for_members(group->config.limits.members))
		       : reader->err;
}

static enum sotto_err tree_load(const struct mls_group *group, const struct tree *base,
				struct reader *reader, struct tree *tree)
{
	uint32_t width_max = width_for_members(group->config.limits.members);
	enum sotto_err err;

	if (base != NULL) {
		tree_finish(tree);
		err = tree_read_difference(tree, base, reader, width_max);
		if (err != SOTTO_OK)
			tree_init(tree, group->config.allocator, group->suite, 0);
		return err;
	}
	return whole_load(group, reader, tree);
}

enum sotto_err epoch_load(const struct mls_group *group, const struct tree *base,
			  struct reader *reader, struct epoch **epoch)
{
	size_t len = suite_hash_len(group->suite);
	uint64_t number = reader_get_u64(reader);
	struct epoch *made = epoch_new(&group->config, group->suite, group_id_bytes(group), number);
	struct bytes confirmed;
	enum sotto_err err;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->retired_s = reader_get_u64(reader);
	made->own_leaf = reader_get_u32(reader);
	writer_put_bytes(&made->extensions, reader_get_vector(reader));
	writer_put_bytes(&made->reinit, reader_get_vector(reader));
	confirmed = reader_get_vector_max(reader, HASH_LEN_MAX);
	if (confirmed.len != 0)
		memcpy(made->confirmed_hash, confirmed.data, confirmed.len);
	made->confirmed_hash_len = confirmed.len;
	reader_get_array(reader, made->interim_hash, len);
	reader_get_array(reader, made->confirmation_tag, len);
	secrets_load(reader, &made->secrets);
	keys_load(reader, made);
	TRY(reader->err);
	/* None in past epochs. Expanded it would sign with a public key that nobody has checked. */
	FAIL_IF(made->signature_key.len != 0 &&
			made->signature_key.len != sign_private_len(group->suite->sign),
		SOTTO_ERR_CORRUPT);
	TRY(epoch_expand_signature_key(made));
	TRY(writer_finish(&made->extensions));
	TRY(writer_finish(&made->reinit));
	TRY(tree_load(group, base, reader, &made->tree));
	FAIL_IF(tree_leaf(&made->tree, made->own_leaf) == NULL, SOTTO_ERR_CORRUPT);
	TRY(epoch_write_context(made));
	*epoch = made;
	made = NULL;
out:
	epoch_destroy(made);
	return err;
}

static enum sotto_err proposal_load(struct mls_group *group, struct reader *reader)
{
	size_t len = suite_hash_len(group->suite);
	struct cached_proposal head = {0};
	struct cached_proposal *proposal;
	struct proposal_view view;
	struct reader check;
	struct bytes encoded;
	enum sotto_err err;

	reader_get_array(reader, head.ref, len);
	reader_get_array(reader, head.message_hash, len);
	head.sender.type = (enum sender_type)reader_get_u8(reader);
	head.sender.index = reader_get_u32(reader);
	get_secret(reader, &head.leaf_key);
	get_secret(reader, &head.signature_key);
	encoded = reader_get_vector(reader);
	TRY(reader->err);
	reader_init(&check, encoded);
	proposal_read(&check, &view);
	TRY(reader_finish(&check));
	FAIL_IF(head.sender.type < SENDER_MEMBER || head.sender.type > SENDER_NEW_MEMBER_PROPOSAL,
		SOTTO_ERR_CORRUPT);
	TRY(group_reserve_proposal(group));
	head.size = sizeof(head) + encoded.len;
	proposal = allocator_take(group->config.allocator, head.size);
	FAIL_IF(proposal == NULL, SOTTO_ERR_NO_MEMORY);
	memcpy(proposal, &head, sizeof(head));
	memcpy(proposal->storage, encoded.data, encoded.len);
	proposal->encoded = BYTES(proposal->storage, encoded.len);
	group_put_proposal(group, proposal);
out:
	bytes_wipe(&head, sizeof(head));
	return err;
}

static enum sotto_err proposals_load(struct mls_group *group, struct reader *reader)
{
	struct reader proposals = reader_get_nested(reader);
	enum sotto_err err = SOTTO_OK;

	while (reader_more(&proposals) && err == SOTTO_OK)
		err = proposal_load(group, &proposals);
	if (err != SOTTO_OK)
		return err;
	reader_end_nested(reader, &proposals);
	return reader->err;
}

static enum sotto_err pending_load(struct mls_group *group, struct reader *reader)
{
	struct mls_staged *made = NULL;
	uint8_t hash[HASH_LEN_MAX];
	struct bytes data;
	bool path;
	enum sotto_err err;

	if (reader_get_u8(reader) == 0)
		return reader->err;
	reader_get_array(reader, hash, suite_hash_len(group->suite));
	path = reader_get_u8(reader) != 0;
	data = reader_get_vector(reader);
	TRY(reader->err);
	TRY(staged_new(&group->config, MLS_STAGED_OWN_COMMIT, group->epoch, group_own_sender(group),
		       data, &made));
	memcpy(made->message_hash, hash, suite_hash_len(group->suite));
	made->path = path;
	TRY(epoch_load(group, &group->epoch->tree, reader, &made->next));
	TRY(secret_tree_init(&made->next->secret_tree, &group->config, group->suite,
			     made->next->tree.width, NULL));
	TRY(secret_tree_read(&made->next->secret_tree, reader));
	group->pending = made;
	made = NULL;
out:
	mls_staged_destroy(made);
	return err;
}

/* The tree part, if it is the one that the epoch part names. Into an empty tree. */
static enum sotto_err base_load(struct mls_group *group, struct bytes tree_part, struct bytes hash,
				struct tree *base)
{
	uint8_t digest[HASH_LEN_MAX];
	struct reader reader;
	enum sotto_err err = SOTTO_OK;

	hash_digest(group->suite->hpke.kdf, tree_part, digest);
	FAIL_IF(!bytes_equal(hash, BYTES(digest, suite_hash_len(group->suite))), SOTTO_ERR_CORRUPT);
	reader_init(&reader, tree_part);
	FAIL_IF(reader_get_u8(&reader) != SAVE_VERSION, SOTTO_ERR_VERSION);
	TRY(whole_load(group, &reader, base));
	TRY(reader_finish(&reader));
	group_set_base(group, base, tree_part);
out:
	return err;
}

static enum sotto_err epochs_load(struct mls_group *group, const struct tree *base,
				  struct reader *reader)
{
	uint32_t past;
	enum sotto_err err;

	group->active = reader_get_u8(reader) != 0;
	group->send.handshake = (enum mls_wire_format)reader_get_u16(reader);
	group->send.handshake_padding = reader_get_u32(reader);
	group->send.tree_in_welcome = reader_get_u8(reader) != 0;
	TRY(reader->err);
	TRY(epoch_load(group, base, reader, &group->epoch));
	past = reader_get_u32(reader);
	for (uint32_t i = 0; i < past; i++) {
		struct epoch *epoch;

		TRY(epoch_load(group, &group->epoch->tree, reader, &epoch));
		/* A smaller limit than before: the oldest are given up. */
		if (group->past_count < group->config.limits.past_epochs)
			group->past[group->past_count++] = epoch;
		else
			epoch_destroy(epoch);
	}
	TRY(pending_load(group, reader));
	TRY(proposals_load(group, reader));
	TRY(reader_finish(reader));
out:
	return err;
}

/* The secret tree of an epoch, if it is that epoch's. */
static enum sotto_err ratchets_load(struct mls_group *group, struct epoch *epoch,
				    struct reader *reader)
{
	uint64_t number = reader_get_u64(reader);
	struct bytes tag = reader_get_bytes(reader, suite_hash_len(group->suite));
	enum sotto_err err = reader->err;

	FAIL_IF(err != SOTTO_OK, err);
	FAIL_IF(number != epoch->number || !bytes_equal(tag, epoch_tag(epoch)), SOTTO_ERR_CORRUPT);
	TRY(secret_tree_init(&epoch->secret_tree, &group->config, group->suite, epoch->tree.width,
			     NULL));
	TRY(secret_tree_read(&epoch->secret_tree, reader));
out:
	return err;
}

static enum sotto_err load(const struct mls_config *config, struct bytes tree_part,
			   struct bytes epoch_part, struct bytes ratchet_part,
			   struct mls_group **group)
{
	struct mls_group *made = NULL;
	struct bytes group_id, hash = BYTES_NONE;
	const struct suite *suite;
	struct mls_reinit reinit;
	struct tree base;
	struct reader reader;
	uint8_t version;
	enum sotto_err err;

	tree_init(&base, config->allocator, NULL, 0);
	reader_init(&reader, epoch_part);
	version = reader_get_u8(&reader);
	FAIL_IF(version != SAVE_VERSION && version != SAVE_VERSION_TREE, SOTTO_ERR_VERSION);
	suite = suite_find(reader_get_u16(&reader));
	group_id = reader_get_vector(&reader);
	if (version == SAVE_VERSION_TREE)
		hash = reader_get_vector(&reader);
	TRY(reader.err);
	FAIL_IF(suite == NULL, SOTTO_ERR_UNSUPPORTED);
	TRY(group_new(config, suite, group_id, &made));
	if (version == SAVE_VERSION_TREE)
		TRY(base_load(made, tree_part, hash, &base));
	TRY(epochs_load(made, version == SAVE_VERSION_TREE ? &base : NULL, &reader));
	reader_init(&reader, ratchet_part);
	FAIL_IF(reader_get_u8(&reader) != SAVE_VERSION, SOTTO_ERR_VERSION);
	TRY(ratchets_load(made, made->epoch, &reader));
	for (size_t i = 0; i < made->past_count; i++)
		TRY(ratchets_load(made, made->past[i], &reader));
	TRY(reader_finish(&reader));
	if (group_ended(made))
		TRY(mls_group_reinit(made, &reinit));
	*group = made;
	made = NULL;
out:
	tree_finish(&base);
	mls_group_destroy(made);
	return err;
}

enum sotto_err mls_group_load(const struct mls_config *config, struct bytes tree_part,
			      struct bytes epoch_part, struct bytes ratchet_part,
			      struct mls_group **group)
{
	enum sotto_err err = load(config, tree_part, epoch_part, ratchet_part, group);

	/* What did not parse or contradicts itself was not what we stored. */
	if (err == SOTTO_ERR_FORMAT || err == SOTTO_ERR_INVALID || err == SOTTO_ERR_LIMIT)
		return SOTTO_ERR_CORRUPT;
	return err;
}
