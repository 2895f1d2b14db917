/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile member has in hand: see the header. */
#include "tests/mls/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Signs what lies in content, from start on, and appends the signature. */
static void sign(const struct world *world, struct writer *content, size_t start,
		 const struct mls_identity *signer, struct writer *out)
{
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t len;

	sign_content_end(content, start);
	assert_int_equal(suite_sign(suite_find(world->suite), &world->random, &signer->private_key,
				    content, signature, &len),
			 SOTTO_OK);
	writer_put_vector(out, BYTES(signature, len));
	assert_int_equal(writer_finish(out), SOTTO_OK);
	writer_release(content);
}

static void put_capabilities(const struct leaf_view *leaf, struct writer *out)
{
	writer_put_vector(out, leaf->versions);
	writer_put_vector(out, leaf->suites);
	writer_put_vector(out, leaf->extension_types);
	writer_put_vector(out, leaf->proposal_types);
	writer_put_vector(out, leaf->credential_types);
}

void hostile_leaf_write(const struct world *world, const struct leaf_view *leaf,
			const struct leaf_place *place, const struct mls_identity *signer,
			struct writer *out)
{
	struct writer content;
	size_t start, at;

	writer_init_growing(&content, &allocator_default);
	start = sign_content_begin(&content, "LeafNodeTBS");
	at = content.len;
	writer_put_vector(&content, leaf->encryption_key);
	writer_put_vector(&content, leaf->signature_key);
	writer_put_u16(&content, leaf->credential.type);
	writer_put_vector(&content, leaf->credential.content);
	put_capabilities(leaf, &content);
	writer_put_u8(&content, (uint8_t)leaf->source);
	if (leaf->source == LEAF_KEY_PACKAGE) {
		writer_put_u64(&content, leaf->lifetime.not_before);
		writer_put_u64(&content, leaf->lifetime.not_after);
	}
	if (leaf->source == LEAF_COMMIT)
		writer_put_vector(&content, leaf->parent_hash);
	writer_put_vector(&content, leaf->extensions);
	writer_put_bytes(out, BYTES(content.data + at, content.len - at));
	if (leaf->source != LEAF_KEY_PACKAGE && place != NULL) {
		writer_put_vector(&content, place->group_id);
		writer_put_u32(&content, place->leaf);
	}
	sign(world, &content, start, signer, out);
}

void hostile_package_write(const struct world *world, const struct key_package_view *package,
			   struct bytes leaf, const struct mls_identity *signer, struct writer *out)
{
	struct writer content;
	size_t start, at;

	writer_init_growing(&content, &allocator_default);
	start = sign_content_begin(&content, "KeyPackageTBS");
	at = content.len;
	writer_put_u16(&content, package->version);
	writer_put_u16(&content, package->suite);
	writer_put_vector(&content, package->init_key);
	writer_put_bytes(&content, leaf);
	writer_put_vector(&content, package->extensions);
	writer_put_bytes(out, BYTES(content.data + at, content.len - at));
	sign(world, &content, start, signer, out);
}

static void put_context(const struct group_info_view *info, struct writer *out)
{
	writer_put_u16(out, info->version);
	writer_put_u16(out, info->suite);
	writer_put_vector(out, info->group_id);
	writer_put_u64(out, info->epoch);
	writer_put_vector(out, info->tree_hash);
	writer_put_vector(out, info->confirmed_hash);
	writer_put_vector(out, info->context_extensions);
}

void hostile_info_write(const struct world *world, const struct group_info_view *info,
			const struct mls_identity *signer, struct writer *out)
{
	struct writer content;
	size_t start, at;

	writer_init_growing(&content, &allocator_default);
	start = sign_content_begin(&content, "GroupInfoTBS");
	at = content.len;
	put_context(info, &content);
	writer_put_vector(&content, info->extensions);
	writer_put_vector(&content, info->confirmation_tag);
	writer_put_u32(&content, info->signer);
	writer_put_bytes(out, BYTES(content.data + at, content.len - at));
	sign(world, &content, start, signer, out);
}

void hostile_types_write(struct writer *out, const uint16_t *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		writer_put_u16(out, types[i]);
}

void hostile_message_write(const struct world *world, unsigned actor, enum mls_content_type type,
			   struct bytes body, uint32_t sender, struct writer *out)
{
	struct mls_group *group = world->actors[actor].group;
	struct frame_keys keys = epoch_frame_keys(group->epoch);
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	uint8_t tag[HASH_LEN_MAX] = {0};
	size_t len;
	struct framed framed = {
		.wire_format = MLS_PUBLIC_MESSAGE,
		.group_id = group_id_bytes(group),
		.epoch = group->epoch->number,
		.sender_type = SENDER_MEMBER,
		.sender = sender,
		.content_type = type,
		.body = body,
		.confirmation_tag = BYTES(tag, mls_suite_hash_len(world->suite)),
	};

	assert_int_equal(frame_sign(&keys, &world->random, &group->epoch->signature_key, &framed,
				    &group->scratch, signature, &len),
			 SOTTO_OK);
	framed.signature = BYTES(signature, len);
	assert_int_equal(frame_public_write(&keys, &framed, &group->scratch, out), SOTTO_OK);
}

static enum sotto_err receive(struct mls_group *judge, struct bytes message)
{
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	enum sotto_err err = mls_group_receive(judge, message, &staged);

	assert_int_equal(staged != NULL, err == SOTTO_OK);
	if (err != SOTTO_OK)
		return err;
	mls_staged_info(staged, &info);
	if (info.kind == MLS_STAGED_UNFOLLOWABLE) {
		assert_int_equal(info.context.encoded.len, 0);
		assert_int_equal(mls_group_merge(judge, &staged), SOTTO_ERR_STATE);
		assert_non_null(staged);
	}
	mls_staged_destroy(staged);
	return SOTTO_OK;
}

struct verdict hostile_judge(struct mls_group *judge, struct bytes message)
{
	struct mls_buffer before = {0}, after = {0};
	struct verdict verdict = {SOTTO_OK, false};
	enum sotto_err again;

	world_state(judge, &before);
	verdict.err = receive(judge, message);
	judge->config.stage_unfollowable = true;
	again = receive(judge, message);
	judge->config.stage_unfollowable = false;
	if (again != verdict.err) {
		assert_int_equal(again, SOTTO_OK);
		verdict.others_may_follow = true;
	}
	world_state(judge, &after);
	assert_true(bytes_equal(mls_buffer_bytes(&before), mls_buffer_bytes(&after)));
	mls_buffer_release(&before);
	mls_buffer_release(&after);
	return verdict;
}

void hostile_path_write(struct epoch *next, const struct leaf_list *added, struct writer *out)
{
	struct path_secrets secrets = {0};

	assert_int_equal(path_renew(next, NULL, &secrets), SOTTO_OK);
	assert_int_equal(epoch_write_context(next), SOTTO_OK);
	assert_int_equal(path_write(next, &secrets, added, out), SOTTO_OK);
}

/* ---- A welcome ---- */

/* The GroupInfo, sealed by what the joiner secret gives. */
static void put_info(const struct world *world, const struct hostile_welcome *welcome,
		     const struct secret *joiner, struct writer *out)
{
	const struct suite *suite = suite_find(world->suite);
	struct group_info_view info = welcome->info;
	uint8_t tag[HASH_LEN_MAX + 1] = {0};
	struct secret psk, member, secret;
	struct epoch_secrets secrets;
	struct welcome_key key;
	struct writer context;
	size_t len;

	writer_init_growing(&context, &allocator_default);
	put_context(&info, &context);
	secret_zero(suite, &psk);
	member_secret_derive(suite, joiner, &psk, &member);
	welcome_secret_derive(suite, &member, &secret);
	epoch_secrets_derive(suite, &member, writer_bytes(&context), &secrets);
	suite_mac(suite, &secrets.confirmation, info.confirmed_hash, tag);
	tag[0] ^= welcome->tag_change;
	info.confirmation_tag =
		BYTES(tag, welcome->tag_len != 0 ? welcome->tag_len : suite_hash_len(suite));
	hostile_info_write(world, &info, welcome->identity, out);
	out->data[out->len - 1] ^= welcome->signature_change;
	len = out->len;
	writer_put_zeros(out, AEAD_TAG_LEN);
	assert_int_equal(writer_finish(out), SOTTO_OK);
	welcome_key_derive(suite, &secret, &key);
	aead_seal(suite->hpke.aead, BYTES(key.key, aead_key_len(suite->hpke.aead)),
		  BYTES(key.nonce, aead_nonce_len(suite->hpke.aead)), BYTES_NONE,
		  BYTES(out->data, len), out->data);
	if (welcome->info_len != 0)
		out->len = welcome->info_len;
	writer_release(&context);
}

static void put_secrets(const struct hostile_welcome *welcome, const struct secret *joiner,
			struct writer *out)
{
	writer_put_vector(out, secret_bytes(joiner));
	writer_put_u8(out, welcome->path_secret.len != 0);
	if (welcome->path_secret.len != 0)
		writer_put_vector(out, welcome->path_secret);
	writer_put_vector(out, welcome->psks);
}

void hostile_welcome_write(const struct world *world, const struct hostile_welcome *welcome,
			   const struct key_package_view *package, struct writer *out)
{
	const struct suite *suite = suite_find(world->suite);
	struct writer sealed, secrets;
	uint8_t ref[HASH_LEN_MAX];
	struct secret joiner = {.data = {1, 2, 3}};
	struct hpke_info info;
	size_t start;

	joiner.len =
		(uint8_t)(welcome->joiner_len != 0 ? welcome->joiner_len : suite_hash_len(suite));
	writer_init_growing(&sealed, &allocator_default);
	writer_init_growing(&secrets, &allocator_default);
	put_info(world, welcome, &joiner, &sealed);
	put_secrets(welcome, &joiner, &secrets);
	suite_encrypt_info(suite, "Welcome", writer_bytes(&sealed), &info);
	suite_ref_hash(suite, "MLS 1.0 KeyPackage Reference", package->encoded, ref);
	writer_put_u16(out, MLS_VERSION);
	writer_put_u16(out, MLS_WELCOME);
	writer_put_u16(out, world->suite);
	start = writer_begin_vector(out);
	writer_put_vector(out, BYTES(ref, suite_hash_len(suite)));
	suite_encrypt(suite, &world->random, package->init_key, &info, writer_bytes(&secrets), out);
	writer_end_vector(out, start);
	writer_put_vector(out, writer_bytes(&sealed));
	assert_int_equal(writer_finish(out), SOTTO_OK);
	writer_release(&sealed);
	writer_release(&secrets);
}
