/* SPDX-License-Identifier: Apache-2.0 */
/* Key packages (RFC 9420 section 10): make, check, name. And identities, which sign them. */
#include <string.h>

#include "mls/buffer.h"
#include "mls/proposal.h"

enum sotto_err mls_identity_generate(const struct mls_config *config, uint16_t suite_id,
				     struct mls_identity *identity)
{
	const struct suite *suite = suite_find(suite_id);
	struct mls_identity made = {.suite = suite_id};
	enum sotto_err err;

	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	err = sign_generate(suite->sign, config->random, &made.private_key, made.public_key);
	made.public_len = (uint16_t)sign_public_len(suite->sign);
	if (err == SOTTO_OK)
		*identity = made;
	secret_wipe(&made.private_key);
	return err;
}

enum sotto_err mls_identity_from_private(uint16_t suite_id, struct bytes private_key,
					 struct mls_identity *identity)
{
	const struct suite *suite = suite_find(suite_id);
	struct mls_identity made = {.suite = suite_id};
	enum sotto_err err;

	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	if (private_key.len != sign_private_len(suite->sign))
		return SOTTO_ERR_INVALID;
	err = sign_public(suite->sign, private_key, made.public_key);
	made.public_len = (uint16_t)sign_public_len(suite->sign);
	if (err == SOTTO_OK) {
		secret_set(&made.private_key, private_key.data, private_key.len);
		*identity = made;
		secret_wipe(&made.private_key);
	}
	return err;
}

/*
 * The RFC's own labels (17.6): an application may not make signatures that mean something to MLS.
 */
static bool label_reserved(const char *label)
{
	static const char *const reserved[] = {"FramedContentTBS", "LeafNodeTBS", "KeyPackageTBS",
					       "GroupInfoTBS"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(label, reserved[i]) == 0)
			return true;
	}
	return false;
}

enum sotto_err mls_sign(const struct mls_config *config, const struct mls_identity *identity,
			const char *label, struct bytes content, uint8_t *signature,
			size_t *signature_len)
{
	const struct suite *suite = suite_find(identity->suite);
	struct writer writer;
	enum sotto_err err;
	size_t start;

	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	if (label_reserved(label))
		return SOTTO_ERR_ARGUMENT;
	writer_init_growing(&writer, config->allocator);
	start = sign_content_begin(&writer, label);
	writer_put_bytes(&writer, content);
	sign_content_end(&writer, start);
	err = suite_sign(suite, config->random, &identity->private_key, &writer, signature,
			 signature_len);
	writer_release(&writer);
	return err;
}

enum sotto_err mls_verify(const struct mls_config *config, uint16_t suite_id,
			  struct bytes public_key, const char *label, struct bytes content,
			  struct bytes signature)
{
	const struct suite *suite = suite_find(suite_id);
	struct writer writer;
	enum sotto_err err;
	size_t start;

	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	if (label_reserved(label))
		return SOTTO_ERR_ARGUMENT;
	writer_init_growing(&writer, config->allocator);
	start = sign_content_begin(&writer, label);
	writer_put_bytes(&writer, content);
	sign_content_end(&writer, start);
	err = suite_verify(suite, public_key, &writer, signature);
	writer_release(&writer);
	return err;
}

void mls_key_package_secrets_wipe(struct mls_key_package_secrets *secrets)
{
	if (secrets != NULL)
		bytes_wipe(secrets, sizeof(*secrets));
}

static enum sotto_err check_signature(const struct key_package_view *view,
				      const struct suite *suite, const struct mls_config *config)
{
	struct writer content;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&content, config->allocator);
	start = sign_content_begin(&content, "KeyPackageTBS");
	writer_put_bytes(&content, BYTES(view->encoded.data, view->signed_len));
	sign_content_end(&content, start);
	err = suite_verify(suite, view->leaf.signature_key, &content, view->signature);
	writer_release(&content);
	return err;
}

enum sotto_err key_package_check(const struct key_package_view *view, const struct suite *suite,
				 const struct mls_config *config, uint64_t now_s)
{
	struct leaf_rules rules = {.suite = suite, .config = config, .now_s = now_s};
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(view->version != MLS_VERSION, SOTTO_ERR_VERSION);
	FAIL_IF(view->suite != suite->id, SOTTO_ERR_INVALID);
	FAIL_IF(bytes_equal(view->init_key, view->leaf.encryption_key), SOTTO_ERR_INVALID);
	FAIL_IF(view->extensions.len > config->limits.extension_bytes, SOTTO_ERR_LIMIT);
	TRY(kem_check_public(suite->hpke.kem, view->init_key));
	TRY(leaf_check(&view->leaf, LEAF_KEY_PACKAGE, &rules));
	TRY(check_signature(view, suite, config));
out:
	return err;
}

static enum sotto_err package_write(const struct suite *suite, const struct mls_config *config,
				    struct leaf_recipe *recipe, struct bytes extensions,
				    struct mls_key_package_secrets *secrets, struct writer *out)
{
	uint8_t init_key[KEM_PUBLIC_LEN_MAX];
	uint8_t leaf_key[KEM_PUBLIC_LEN_MAX];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	size_t public_len = kem_public_len(suite->hpke.kem);
	size_t signature_len = 0;
	struct writer content;
	enum sotto_err err;
	size_t start;

	writer_init_growing(&content, config->allocator);
	TRY(kem_generate(suite->hpke.kem, config->random, &secrets->init_key, init_key));
	TRY(kem_generate(suite->hpke.kem, config->random, &secrets->leaf_key, leaf_key));
	start = sign_content_begin(&content, "KeyPackageTBS");
	writer_put_u16(&content, MLS_VERSION);
	writer_put_u16(&content, suite->id);
	writer_put_vector(&content, BYTES(init_key, public_len));
	recipe->encryption_key = BYTES(leaf_key, public_len);
	TRY(leaf_create(suite, config, recipe, &content));
	writer_put_vector(&content, extensions);
	writer_put_u16(out, MLS_VERSION);
	writer_put_u16(out, MLS_KEY_PACKAGE);
	writer_put_bytes(out, BYTES(content.data + start, content.len - start));
	sign_content_end(&content, start);
	TRY(suite_sign(suite, config->random, &recipe->options->identity->private_key, &content,
		       signature, &signature_len));
	writer_put_vector(out, BYTES(signature, signature_len));
	TRY(writer_finish(out));
out:
	writer_release(&content);
	return err;
}

enum sotto_err mls_key_package_create(const struct mls_config *config,
				      const struct mls_leaf_options *leaf,
				      const struct mls_extension *extensions,
				      size_t extension_count, struct mls_buffer *message,
				      struct mls_key_package_secrets *secrets)
{
	const struct suite *suite = suite_find(leaf->identity->suite);
	struct leaf_recipe recipe = {
		.options = leaf,
		.source = LEAF_KEY_PACKAGE,
		.package_extensions = extensions,
		.package_extension_count = extension_count,
	};
	struct mls_key_package_secrets made = {0};
	struct writer list, out;
	enum sotto_err err;

	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	writer_init_growing(&list, config->allocator);
	writer_init_growing(&out, config->allocator);
	extensions_write(&list, extensions, extension_count);
	TRY(writer_finish(&list));
	TRY(package_write(suite, config, &recipe, writer_bytes(&list), &made, &out));
	*secrets = made;
	buffer_take(message, &out);
out:
	writer_release(&list);
	writer_release(&out);
	mls_key_package_secrets_wipe(&made);
	return err;
}

enum sotto_err mls_key_package_check(const struct mls_config *config, struct bytes message,
				     uint64_t now_s, struct mls_key_package_info *info)
{
	struct key_package_view view;
	const struct suite *suite;
	enum sotto_err err = key_package_message_read(message, &view);

	if (err != SOTTO_OK)
		return err;
	suite = suite_find(view.suite);
	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	err = key_package_check(&view, suite, config, now_s);
	if (err != SOTTO_OK)
		return err;
	*info = (struct mls_key_package_info){
		.suite = view.suite,
		.init_key = view.init_key,
		.extensions = view.extensions,
	};
	leaf_member(&view.leaf, 0, &info->member);
	return SOTTO_OK;
}

enum sotto_err mls_key_package_ref(struct bytes message, uint8_t *ref, size_t *len)
{
	struct key_package_view view;
	const struct suite *suite;
	enum sotto_err err = key_package_message_read(message, &view);

	if (err != SOTTO_OK)
		return err;
	suite = suite_find(view.suite);
	if (suite == NULL)
		return SOTTO_ERR_UNSUPPORTED;
	suite_ref_hash(suite, "MLS 1.0 KeyPackage Reference", view.encoded, ref);
	*len = suite_hash_len(suite);
	return SOTTO_OK;
}
