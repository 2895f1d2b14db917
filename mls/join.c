/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining by a Welcome (RFC 9420 section 12.4.3.1).
 *
 *    welcome --init key--> group secrets --joiner secret--> group info --tree--> checks --> epoch
 */
#include "mls/group.h"
#include "mls/psk.h"
#include "mls/welcome.h"

/* What a join works with; everything is let go at its end. */
struct joining {
	const struct mls_config *config;
	const struct mls_join_options *options;
	const struct suite *suite;
	struct key_package_view package;
	struct welcome_view welcome;
	uint8_t *secrets_plain;
	size_t secrets_len;
	struct group_secrets_view secrets;
	struct link link;
	struct secret joiner;
	struct secret psk;
	uint8_t *info_plain; /* what is signed with a group info, then the group info itself */
	size_t info_len;
	struct group_info_view info;
};

static enum sotto_err read_input(struct joining *joining)
{
	const struct mls_join_options *options = joining->options;
	struct reader reader;
	enum sotto_err err;

	TRY(key_package_message_read(options->key_package, &joining->package));
	reader_init(&reader, options->welcome);
	if (reader_get_u16(&reader) != MLS_VERSION)
		reader_fail(&reader, SOTTO_ERR_VERSION);
	if (reader_get_u16(&reader) != MLS_WELCOME)
		reader_fail(&reader, SOTTO_ERR_ARGUMENT);
	welcome_read(&reader, &joining->welcome);
	TRY(reader_finish(&reader));
	joining->suite = suite_find(joining->welcome.suite);
	FAIL_IF(joining->suite == NULL, SOTTO_ERR_UNSUPPORTED);
	FAIL_IF(joining->package.suite != joining->welcome.suite, SOTTO_ERR_INVALID);
	FAIL_IF(options->identity->suite != joining->welcome.suite, SOTTO_ERR_ARGUMENT);
out:
	return err;
}

static enum sotto_err open_secrets(struct joining *joining)
{
	const struct suite *suite = joining->suite;
	const struct mls_group *origin = joining->options->origin;
	struct psk_finder finder = {.config = joining->config, .suite = suite, .origin = origin};
	bool resumption;
	struct hpke_ciphertext sealed;
	uint8_t ref[HASH_LEN_MAX];
	struct hpke_info info;
	struct reader reader;
	enum sotto_err err;
	size_t len = 0;

	suite_ref_hash(suite, "MLS 1.0 KeyPackage Reference", joining->package.encoded, ref);
	TRY(welcome_find(&joining->welcome, BYTES(ref, suite_hash_len(suite)), &sealed));
	suite_encrypt_info(suite, "Welcome", joining->welcome.encrypted_group_info, &info);
	joining->secrets_len = sealed.ciphertext.len;
	joining->secrets_plain = allocator_take(joining->config->allocator, joining->secrets_len);
	FAIL_IF(joining->secrets_plain == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(suite_decrypt(suite, secret_bytes(&joining->options->secrets->init_key), &info, &sealed,
			  joining->secrets_plain, &len));
	reader_init(&reader, BYTES(joining->secrets_plain, len));
	group_secrets_read(&reader, &joining->secrets);
	TRY(reader_finish(&reader));
	FAIL_IF(joining->secrets.joiner_secret.len != suite_hash_len(suite), SOTTO_ERR_INVALID);
	TRY(psk_check_welcome(suite, joining->secrets.psks, &joining->link, &resumption));
	FAIL_IF(origin != NULL && !resumption, SOTTO_ERR_INVALID);
	joining->link.origin = origin;
	TRY(psk_secret_of_welcome(&finder, joining->secrets.psks, joining->secrets.psk_count,
				  &joining->psk));
	secret_set(&joining->joiner, joining->secrets.joiner_secret.data,
		   joining->secrets.joiner_secret.len);
out:
	return err;
}

static enum sotto_err open_info(struct joining *joining)
{
	enum aead_alg aead = joining->suite->hpke.aead;
	struct bytes sealed = joining->welcome.encrypted_group_info;
	struct secret member, welcome;
	struct welcome_key key;
	struct reader reader;
	enum sotto_err err;
	uint8_t *plain;

	member_secret_derive(joining->suite, &joining->joiner, &joining->psk, &member);
	welcome_secret_derive(joining->suite, &member, &welcome);
	welcome_key_derive(joining->suite, &welcome, &key);
	FAIL_IF(sealed.len < AEAD_TAG_LEN, SOTTO_ERR_VERIFY);
	joining->info_len = SIGN_CONTENT_HEAD_MAX + sealed.len;
	joining->info_plain = allocator_take(joining->config->allocator, joining->info_len);
	FAIL_IF(joining->info_plain == NULL, SOTTO_ERR_NO_MEMORY);
	plain = joining->info_plain + SIGN_CONTENT_HEAD_MAX;
	TRY(aead_open(aead, BYTES(key.key, aead_key_len(aead)),
		      BYTES(key.nonce, aead_nonce_len(aead)), BYTES_NONE, sealed, plain));
	reader_init(&reader, BYTES(plain, sealed.len - AEAD_TAG_LEN));
	group_info_read(&reader, &joining->info);
	TRY(reader_finish(&reader));
	TRY(group_info_check(&joining->info, joining->suite, joining->config));
out:
	secret_wipe(&member);
	secret_wipe(&welcome);
	bytes_wipe(&key, sizeof(key));
	return err;
}

/* Our leaf is the one in our key package, byte for byte, and our secrets belong to it. */
static enum sotto_err find_own_leaf(const struct joining *joining, struct epoch *epoch)
{
	const struct leaf_view *ours = &joining->package.leaf;
	const struct mls_identity *identity = joining->options->identity;
	const struct secret *leaf_key = &joining->options->secrets->leaf_key;
	enum kem_alg kem = joining->suite->hpke.kem;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	uint32_t node = tree_find_signature_key(&epoch->tree, ours->signature_key);
	enum sotto_err err;

	FAIL_IF(node == TREE_NODE_NONE, SOTTO_ERR_INVALID);
	epoch->own_leaf = leaf_of_node(node);
	FAIL_IF(!bytes_equal(tree_leaf(&epoch->tree, epoch->own_leaf)->view.encoded, ours->encoded),
		SOTTO_ERR_INVALID);
	TRY(kem_public(kem, secret_bytes(leaf_key), public_key));
	FAIL_IF(!bytes_equal(ours->encryption_key, BYTES(public_key, kem_public_len(kem))),
		SOTTO_ERR_ARGUMENT);
	FAIL_IF(!bytes_equal(ours->signature_key,
			     BYTES(identity->public_key, identity->public_len)),
		SOTTO_ERR_ARGUMENT);
	epoch->keys.leaf = *leaf_key;
	epoch->signature_key = identity->private_key;
out:
	return err;
}

static enum sotto_err take_path_secret(const struct joining *joining, struct epoch *epoch)
{
	struct bytes given = joining->secrets.path_secret;
	uint32_t common = leaf_common_ancestor(joining->info.signer, epoch->own_leaf);
	struct secret path_secret, commit_secret;
	enum sotto_err err;

	if (!joining->secrets.has_path_secret)
		return SOTTO_OK;
	if (given.len != suite_hash_len(joining->suite) || joining->info.signer == epoch->own_leaf)
		return SOTTO_ERR_INVALID;
	secret_set(&path_secret, given.data, given.len);
	err = path_climb(epoch, joining->info.signer, node_level(common), &path_secret,
			 &commit_secret);
	secret_wipe(&path_secret);
	if (err == SOTTO_OK)
		secret_wipe(&commit_secret);
	return err;
}

/* 11.2, 11.3: what the welcome says to follow must be so. */
static enum sotto_err check_link(const struct joining *joining, const struct epoch *epoch)
{
	const struct link *link = &joining->link;
	enum sotto_err err = SOTTO_OK;

	if (link->kind == MLS_LINK_NONE)
		return SOTTO_OK;
	FAIL_IF(epoch->number != 1, SOTTO_ERR_INVALID);
	TRY(link_check(link, epoch));
	TRY(link_check_members(link, epoch));
out:
	return err;
}

static enum sotto_err enter_epoch(const struct joining *joining, struct epoch *epoch)
{
	const struct info_entry entry = {
		.info = &joining->info,
		.tree = joining->options->tree,
		.now_s = joining->options->now_s,
		.own = joining->info_plain + SIGN_CONTENT_HEAD_MAX,
	};
	enum sotto_err err;

	TRY(group_info_enter(&entry, epoch));
	TRY(find_own_leaf(joining, epoch));
	TRY(take_path_secret(joining, epoch));
	TRY(epoch_derive(epoch, &joining->joiner, &joining->psk, NULL));
	TRY(suite_mac_check(joining->suite, epoch->confirmation_tag,
			    joining->info.confirmation_tag));
	TRY(check_link(joining, epoch));
out:
	return err;
}

enum sotto_err mls_group_join(const struct mls_config *config,
			      const struct mls_join_options *options, struct mls_group **group)
{
	struct joining joining = {.config = config, .options = options};
	struct mls_group *made = NULL;
	enum sotto_err err;

	TRY(read_input(&joining));
	TRY(open_secrets(&joining));
	TRY(open_info(&joining));
	TRY(group_new(config, joining.suite, joining.info.group_id, &made));
	made->epoch =
		epoch_new(&made->config, joining.suite, group_id_bytes(made), joining.info.epoch);
	FAIL_IF(made->epoch == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(enter_epoch(&joining, made->epoch));
	made->welcomed = true;
	made->welcomer = joining.info.signer;
	*group = made;
	made = NULL;
out:
	mls_group_destroy(made);
	allocator_wipe(config->allocator, joining.secrets_plain, joining.secrets_len);
	allocator_wipe(config->allocator, joining.info_plain, joining.info_len);
	secret_wipe(&joining.joiner);
	secret_wipe(&joining.psk);
	return err;
}
