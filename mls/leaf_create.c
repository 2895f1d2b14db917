/* SPDX-License-Identifier: Apache-2.0 */
/* Making our own LeafNode: identity, capabilities, extensions, signature (RFC 9420 section 7.2). */
#include "mls/leaf.h"

static bool listed(const uint16_t *types, size_t count, uint16_t type)
{
	for (size_t i = 0; i < count; i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

static bool extension_listed(const struct mls_extension *extensions, size_t count, uint16_t type)
{
	for (size_t i = 0; i < count; i++) {
		if (extensions[i].type == type)
			return true;
	}
	return false;
}

static void put_types(struct writer *writer, const uint16_t *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		writer_put_u16(writer, types[i]);
}

/* 7.2, 10: the caller's types, and those of our extensions here and in the key package; no default. */
static void extension_types_write(const struct leaf_recipe *recipe, struct writer *writer)
{
	const struct mls_leaf_options *options = recipe->options;
	const struct mls_extension *lists[] = {options->extensions, recipe->package_extensions};
	const size_t counts[] = {options->extension_count, recipe->package_extension_count};

	for (size_t i = 0; i < options->extension_type_count; i++) {
		if (!extension_is_default(options->extension_types[i]))
			writer_put_u16(writer, options->extension_types[i]);
	}
	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; i < counts[l]; i++) {
			uint16_t type = lists[l][i].type;
			bool again = listed(options->extension_types, options->extension_type_count,
					    type) ||
				     (l == 1 && extension_listed(lists[0], counts[0], type));

			if (!extension_is_default(type) && !again)
				writer_put_u16(writer, type);
		}
	}
}

/*
 * 7.2: all versions, this suite, the caller's types, and those of our own extensions and
 * credential.
 */
static void capabilities_write(const struct suite *suite, const struct leaf_recipe *recipe,
			       struct writer *writer)
{
	static const uint16_t credentials[] = {MLS_CREDENTIAL_BASIC, MLS_CREDENTIAL_X509};
	const struct mls_leaf_options *options = recipe->options;
	size_t start = writer_begin_vector(writer);

	writer_put_u16(writer, 1);
	writer_end_vector(writer, start);

	start = writer_begin_vector(writer);
	writer_put_u16(writer, suite->id);
	put_types(writer, options->suites, options->suite_count);
	writer_end_vector(writer, start);

	start = writer_begin_vector(writer);
	extension_types_write(recipe, writer);
	writer_end_vector(writer, start);

	start = writer_begin_vector(writer);
	for (size_t i = 0; i < options->proposal_type_count; i++) {
		if (!proposal_is_default(options->proposal_types[i]))
			writer_put_u16(writer, options->proposal_types[i]);
	}
	writer_end_vector(writer, start);

	start = writer_begin_vector(writer);
	put_types(writer, credentials, 2);
	put_types(writer, options->credential_types, options->credential_type_count);
	writer_end_vector(writer, start);
}

static enum sotto_err options_write(const struct suite *suite, const struct leaf_recipe *recipe,
				    struct writer *writer)
{
	const struct mls_leaf_options *options = recipe->options;
	const struct mls_identity *identity = options->identity;
	uint16_t type = options->credential.type;

	if (identity->suite != suite->id)
		return SOTTO_ERR_ARGUMENT;
	if (type != MLS_CREDENTIAL_BASIC && type != MLS_CREDENTIAL_X509)
		return SOTTO_ERR_ARGUMENT;
	writer_put_vector(writer, BYTES(identity->public_key, identity->public_len));
	writer_put_u16(writer, type);
	writer_put_vector(writer, options->credential.content);
	capabilities_write(suite, recipe, writer);
	return SOTTO_OK;
}

static void old_write(const struct leaf_view *old, struct writer *writer)
{
	writer_put_vector(writer, old->signature_key);
	writer_put_bytes(writer, old->credential_encoded);
	writer_put_bytes(writer, old->capabilities_encoded);
}

static void source_write(const struct leaf_recipe *recipe, struct writer *writer)
{
	writer_put_u8(writer, (uint8_t)recipe->source);
	switch (recipe->source) {
	case LEAF_KEY_PACKAGE:
		writer_put_u64(writer, recipe->options->lifetime.not_before);
		writer_put_u64(writer, recipe->options->lifetime.not_after);
		break;
	case LEAF_UPDATE:
		break;
	case LEAF_COMMIT:
		writer_put_vector(writer, recipe->parent_hash);
		break;
	}
}

enum sotto_err leaf_create(const struct suite *suite, const struct mls_config *config,
			   const struct leaf_recipe *recipe, struct writer *writer)
{
	const struct mls_leaf_options *options = recipe->options;
	const struct secret *signature_key =
		options != NULL ? &options->identity->private_key : recipe->signature_key;
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t signature_len = 0;
	struct writer content;
	struct writer tbs;
	enum sotto_err err = SOTTO_OK;
	size_t start;

	writer_init_growing(&content, config->allocator);
	writer_init_growing(&tbs, config->allocator);
	writer_put_vector(&tbs, recipe->encryption_key);
	if (options != NULL)
		TRY(options_write(suite, recipe, &tbs));
	else
		old_write(recipe->old, &tbs);
	source_write(recipe, &tbs);
	start = writer_begin_vector(&tbs);
	if (options != NULL)
		extensions_write(&tbs, options->extensions, options->extension_count);
	else
		writer_put_bytes(&tbs, recipe->old->extensions);
	writer_end_vector(&tbs, start);
	TRY(writer_finish(&tbs));

	start = sign_content_begin(&content, "LeafNodeTBS");
	writer_put_bytes(&content, writer_bytes(&tbs));
	if (recipe->source != LEAF_KEY_PACKAGE) {
		writer_put_vector(&content, recipe->place->group_id);
		writer_put_u32(&content, recipe->place->leaf);
	}
	sign_content_end(&content, start);
	TRY(suite_sign(suite, config->random, signature_key, &content, signature, &signature_len));
	writer_put_bytes(writer, writer_bytes(&tbs));
	writer_put_vector(writer, BYTES(signature, signature_len));
	TRY(writer_finish(writer));
out:
	writer_release(&content);
	writer_release(&tbs);
	return err;
}
