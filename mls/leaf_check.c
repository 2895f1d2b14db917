/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaf node validation (RFC 9420 section 7.3), the part that looks at one leaf alone. What looks at
 * the rest of the tree (unique keys, credential types that all members support) is kept by tree.c
 * as leaves come and go.
 */
#include "mls/leaf.h"

bool leaf_supports_extension(const struct leaf_view *view, uint16_t type)
{
	return extension_is_default(type) || u16_list_has(view->extension_types, type);
}

bool proposal_is_default(uint16_t type)
{
	return type >= MLS_PROPOSAL_ADD && type <= MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
}

bool leaf_supports_proposal(const struct leaf_view *view, uint16_t type)
{
	return proposal_is_default(type) || u16_list_has(view->proposal_types, type);
}

bool leaf_supports_credential(const struct leaf_view *view, uint16_t type)
{
	return u16_list_has(view->credential_types, type);
}

enum sotto_err context_extensions_check(struct bytes extensions, const struct suite *suite,
					const struct mls_config *config)
{
	struct required_capabilities required;
	enum sotto_err err;

	if (extensions.len > config->limits.extension_bytes)
		return SOTTO_ERR_LIMIT;
	err = required_capabilities_find(extensions, &required);
	return err == SOTTO_OK ? external_senders_check(extensions, suite) : err;
}

enum sotto_err leaf_check_context(const struct leaf_view *view, struct bytes extensions)
{
	struct required_capabilities required;
	struct mls_extension extension;
	struct reader reader;
	enum sotto_err err = required_capabilities_find(extensions, &required);

	if (err != SOTTO_OK)
		return err;
	reader_init(&reader, extensions);
	while (extensions_next(&reader, &extension)) {
		if (!leaf_supports_extension(view, extension.type))
			return SOTTO_ERR_INVALID;
	}
	for (size_t i = 0; i < u16_list_count(required.extensions); i++) {
		if (!leaf_supports_extension(view, u16_list_at(required.extensions, i)))
			return SOTTO_ERR_INVALID;
	}
	for (size_t i = 0; i < u16_list_count(required.proposals); i++) {
		if (!leaf_supports_proposal(view, u16_list_at(required.proposals, i)))
			return SOTTO_ERR_INVALID;
	}
	for (size_t i = 0; i < u16_list_count(required.credentials); i++) {
		if (!leaf_supports_credential(view, u16_list_at(required.credentials, i)))
			return SOTTO_ERR_INVALID;
	}
	return SOTTO_OK;
}

enum sotto_err leaf_check_signature(const struct leaf_view *view, const struct leaf_rules *rules)
{
	struct writer content;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&content, rules->config->allocator);
	start = sign_content_begin(&content, "LeafNodeTBS");
	writer_put_bytes(&content, BYTES(view->encoded.data, view->signed_len));
	if (view->source != LEAF_KEY_PACKAGE) {
		writer_put_vector(&content, rules->place->group_id);
		writer_put_u32(&content, rules->place->leaf);
	}
	sign_content_end(&content, start);
	err = suite_verify(rules->suite, view->signature_key, &content, view->signature);
	writer_release(&content);
	return err;
}

static enum sotto_err check_lifetime(const struct leaf_view *view, const struct leaf_rules *rules)
{
	const struct mls_lifetime *lifetime = &view->lifetime;
	uint64_t longest = rules->config->limits.lifetime_s;

	if (view->source != LEAF_KEY_PACKAGE)
		return SOTTO_OK;
	if (lifetime->not_before > lifetime->not_after)
		return SOTTO_ERR_INVALID;
	if (longest != 0 && lifetime->not_after - lifetime->not_before > longest)
		return SOTTO_ERR_INVALID;
	if (rules->now_s != 0 &&
	    (rules->now_s < lifetime->not_before || rules->now_s > lifetime->not_after))
		return SOTTO_ERR_INVALID;
	return SOTTO_OK;
}

static enum sotto_err check_own_extensions(const struct leaf_view *view)
{
	struct mls_extension extension;
	struct reader reader;

	reader_init(&reader, view->extensions);
	while (extensions_next(&reader, &extension)) {
		if (!leaf_supports_extension(view, extension.type))
			return SOTTO_ERR_INVALID;
	}
	return SOTTO_OK;
}

enum sotto_err leaf_check(const struct leaf_view *view, enum leaf_source source,
			  const struct leaf_rules *rules)
{
	const struct suite *suite = rules->suite;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(view->source != source, SOTTO_ERR_INVALID);
	FAIL_IF(!u16_list_has(view->versions, 1), SOTTO_ERR_INVALID);
	/* Not whether it lists the group's suite: 7.3 does not ask, and there are leaves that do not. */
	FAIL_IF(!leaf_supports_credential(view, view->credential.type), SOTTO_ERR_INVALID);
	FAIL_IF(view->extensions.len > rules->config->limits.extension_bytes, SOTTO_ERR_LIMIT);
	TRY(check_own_extensions(view));
	TRY(check_lifetime(view, rules));
	TRY(kem_check_public(suite->hpke.kem, view->encryption_key));
	/* With it the signature key's form: nothing verifies under one that is malformed. */
	TRY(leaf_check_signature(view, rules));
out:
	return err;
}
