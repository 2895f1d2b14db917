/* SPDX-License-Identifier: Apache-2.0 */
/* Making a GroupInfo, and one Welcome for all new members of a commit (RFC 9420 section 12.4.3). */
#include "mls/group.h"
#include "mls/psk.h"
#include "mls/welcome.h"

/* Label, headers, confirmation tag, signer, signature, and the tag of what is sealed. */
#define INFO_FIXED_LEN_MAX (128 + SIGN_SIGNATURE_LEN_MAX + AEAD_TAG_LEN)

static void put_tree_extension(const struct tree *tree, struct writer *writer)
{
	size_t start;

	writer_put_u16(writer, MLS_EXTENSION_RATCHET_TREE);
	start = writer_begin_vector(writer);
	tree_write(tree, writer);
	writer_end_vector(writer, start);
}

/* Room for a group info's content, of which the tree is the most by far. */
static void reserve_content(const struct epoch *epoch, const struct mls_group_info_options *options,
			    struct writer *content)
{
	struct writer measure;

	writer_init_measuring(&measure);
	if (options->with_tree)
		put_tree_extension(&epoch->tree, &measure);
	writer_put_zeros(&measure, KEM_PUBLIC_LEN_MAX);
	extensions_write(&measure, options->extensions, options->extension_count);
	writer_put_bytes(&measure, writer_bytes(&epoch->context));
	writer_put_zeros(&measure, INFO_FIXED_LEN_MAX);
	writer_reserve(content, measure.len);
}

/* ExternalPub: external_priv and external_pub come from external_secret (8, 12.4.3.2). */
static enum sotto_err put_external_pub(const struct epoch *epoch, struct writer *writer)
{
	enum kem_alg kem = epoch->suite->hpke.kem;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	struct secret private_key = {0};
	enum sotto_err err =
		kem_derive(kem, secret_bytes(&epoch->secrets.external), &private_key, public_key);
	size_t start;

	secret_wipe(&private_key);
	if (err != SOTTO_OK)
		return err;
	writer_put_u16(writer, MLS_EXTENSION_EXTERNAL_PUB);
	start = writer_begin_vector(writer);
	writer_put_vector(writer, BYTES(public_key, kem_public_len(kem)));
	writer_end_vector(writer, start);
	return SOTTO_OK;
}

/*
 * A signed group info, in the memory that was signed: it begins at *at, behind the label, and ends the
 * writer, which has room for a tag.
 */
static enum sotto_err group_info_sign(const struct epoch *epoch,
				      const struct mls_group_info_options *options,
				      struct writer *content, size_t *at)
{
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t start, list_at, list, signed_len, signature_len = 0;
	struct reader reader;
	enum sotto_err err;

	reserve_content(epoch, options, content);
	start = sign_content_begin(content, "GroupInfoTBS");
	writer_put_bytes(content, writer_bytes(&epoch->context));
	list_at = content->len;
	list = writer_begin_vector(content);
	if (options->with_tree)
		put_tree_extension(&epoch->tree, content);
	if (options->with_external_pub)
		TRY(put_external_pub(epoch, content));
	extensions_write(content, options->extensions, options->extension_count);
	writer_end_vector(content, list);
	TRY(writer_finish(content));
	reader_init(&reader, BYTES(content->data + list_at, content->len - list_at));
	(void)extensions_read(&reader);
	FAIL_IF(reader.err != SOTTO_OK, SOTTO_ERR_ARGUMENT); /* a type twice */
	writer_put_vector(content, epoch_tag(epoch));
	writer_put_u32(content, epoch->own_leaf);
	signed_len = content->len - start;
	sign_content_end(content, start);
	TRY(suite_sign(epoch->suite, epoch->config->random, &epoch->signature_key, content,
		       signature, &signature_len));
	*at = content->len - signed_len;
	writer_put_vector(content, BYTES(signature, signature_len));
	TRY(writer_finish(content));
out:
	return err;
}

enum sotto_err group_info_write(const struct epoch *epoch,
				const struct mls_group_info_options *options, struct writer *writer)
{
	struct writer content;
	enum sotto_err err;
	size_t at;

	writer_init_growing(&content, epoch->config->allocator);
	TRY(group_info_sign(epoch, options, &content, &at));
	writer_reserve(writer, content.len - at);
	writer_put_bytes(writer, BYTES(content.data + at, content.len - at));
	TRY(writer_finish(writer));
out:
	writer_release(&content);
	return err;
}

/* encrypted_group_info, which lies in content. */
static enum sotto_err seal_group_info(const struct epoch *next, const struct secret *welcome,
				      bool with_tree, struct writer *content, struct bytes *sealed)
{
	struct mls_group_info_options options = {.with_tree = with_tree};
	enum aead_alg aead = next->suite->hpke.aead;
	struct welcome_key key;
	enum sotto_err err;
	size_t at, len;

	welcome_key_derive(next->suite, welcome, &key);
	TRY(group_info_sign(next, &options, content, &at));
	len = content->len - at;
	writer_put_zeros(content, AEAD_TAG_LEN);
	TRY(writer_finish(content));
	FAIL_IF(content->len - at > VECTOR_LEN_MAX, SOTTO_ERR_LIMIT);
	aead_seal(aead, BYTES(key.key, aead_key_len(aead)), BYTES(key.nonce, aead_nonce_len(aead)),
		  BYTES_NONE, BYTES(content->data + at, len), content->data + at);
	*sealed = BYTES(content->data + at, content->len - at);
out:
	bytes_wipe(&key, sizeof(key));
	return err;
}

/* What every new member of a commit is sent. */
struct welcoming {
	const struct secret *joiner;
	const struct path_secrets *path; /* NULL: the commit has no path */
	struct bytes psks;		 /* PreSharedKeyID psks<V>, without header */
	struct hpke_info info;		 /* of the encryption */
};

/*
 * EncryptedGroupSecrets of one new member: joiner secret, and the path secret of the common
 * ancestor.
 */
static enum sotto_err entry_write(const struct epoch *next, const struct proposal_item *item,
				  const struct welcoming *welcoming, struct writer *writer)
{
	uint32_t common = leaf_common_ancestor(next->own_leaf, item->subject);
	const struct path_secrets *path = welcoming->path;
	uint8_t ref[HASH_LEN_MAX];
	struct proposal_view view;
	struct writer secrets;
	struct reader reader;
	enum sotto_err err;

	reader_init(&reader, item->encoded);
	proposal_read(&reader, &view);
	writer_init_growing(&secrets, next->config->allocator);
	writer_put_vector(&secrets, secret_bytes(welcoming->joiner));
	writer_put_u8(&secrets, path != NULL);
	if (path != NULL)
		writer_put_vector(&secrets, secret_bytes(&path->by_level[node_level(common)]));
	writer_put_vector(&secrets, welcoming->psks);
	TRY(writer_finish(&secrets));
	suite_ref_hash(next->suite, "MLS 1.0 KeyPackage Reference", view.add.encoded, ref);
	writer_put_vector(writer, BYTES(ref, suite_hash_len(next->suite)));
	suite_encrypt(next->suite, next->config->random, view.add.init_key, &welcoming->info,
		      writer_bytes(&secrets), writer);
	TRY(writer_finish(writer));
out:
	writer_release(&secrets);
	return err;
}

/* Room for a welcome: an entry for each new member, and the group info. */
static void reserve_welcome(const struct epoch *next, const struct proposal_list *list,
			    const struct welcoming *welcoming, size_t sealed_len,
			    struct writer *writer)
{
	size_t hash = suite_hash_len(next->suite);
	/* Reference, encapsulated key, joiner and path secret, tag; each with the longest header. */
	size_t entry = 4 + hash + 4 + kem_enc_len(next->suite->hpke.kem) + 4 + 2 * (4 + hash) + 1 +
		       4 + welcoming->psks.len + AEAD_TAG_LEN;
	size_t adds = 0;

	for (size_t i = 0; i < list->count; i++)
		adds += list->items[i].type == MLS_PROPOSAL_ADD;
	writer_reserve(writer, 2 + 2 + 2 + 4 + adds * entry + 4 + sealed_len);
}

enum sotto_err welcome_write(const struct epoch *next, const struct proposal_list *list,
			     const struct secret *joiner, const struct secret *welcome,
			     const struct path_secrets *path, bool with_tree, struct writer *writer)
{
	struct welcoming welcoming = {.joiner = joiner, .path = path};
	struct writer content, psks;
	struct bytes sealed;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&content, next->config->allocator);
	writer_init_growing(&psks, next->config->allocator);
	psk_ids_write(list, &psks);
	TRY(writer_finish(&psks));
	TRY(seal_group_info(next, welcome, with_tree, &content, &sealed));
	suite_encrypt_info(next->suite, "Welcome", sealed, &welcoming.info);
	welcoming.psks = writer_bytes(&psks);
	reserve_welcome(next, list, &welcoming, sealed.len, writer);
	writer_put_u16(writer, MLS_VERSION);
	writer_put_u16(writer, MLS_WELCOME);
	writer_put_u16(writer, next->suite->id);
	start = writer_begin_vector(writer);
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].type == MLS_PROPOSAL_ADD)
			TRY(entry_write(next, &list->items[i], &welcoming, writer));
	}
	writer_end_vector(writer, start);
	writer_put_vector(writer, sealed);
	TRY(writer_finish(writer));
out:
	writer_release(&content);
	writer_release(&psks);
	return err;
}
