/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a joiner reads: a Welcome as it comes, and, as a member could make them, a group info and
 * group secrets inside one that opens; and a group info message, to join by. First byte: 0 the
 * welcome itself, 1 the group info, 2 the group secrets, 3 a group info message.
 */
#include <stddef.h>
#include <stdint.h>

#include "fuzz/mls_setting.h"
#include "mls/welcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mls_config config;
static struct mls_identity identity;
static struct mls_buffer package;
static struct mls_key_package_secrets secrets;
static uint8_t ref[MLS_HASH_LEN_MAX];
static size_t ref_len;

static void begin(void)
{
	struct mls_leaf_options leaf;

	config = setting_config();
	stream_state = 1;
	setting_must(mls_identity_generate(&config, 1, &identity));
	setting_leaf(&identity, &leaf);
	setting_must(mls_key_package_create(&config, &leaf, NULL, 0, &package, &secrets));
	setting_must(mls_key_package_ref(mls_buffer_bytes(&package), ref, &ref_len));
}

static void join(struct bytes welcome)
{
	struct mls_group *group = NULL;
	struct mls_join_options options = {
		.welcome = welcome,
		.key_package = mls_buffer_bytes(&package),
		.secrets = &secrets,
		.identity = &identity,
	};

	if (mls_group_join(&config, &options, &group) == SOTTO_OK)
		mls_group_destroy(group);
}

static void join_external(struct bytes info)
{
	struct mls_group *group = NULL;
	struct mls_leaf_options leaf;
	struct mls_external_join_options options = {.group_info = info, .leaf = &leaf};
	struct mls_buffer commit = {0};

	setting_leaf(&identity, &leaf);
	for (int resync = 0; resync < 2; resync++) {
		options.resync = resync != 0;
		if (mls_group_join_external(&config, &options, &commit, &group) == SOTTO_OK)
			mls_group_destroy(group);
		mls_buffer_release(&commit);
	}
}

/* Seals a group info as the joiner secret of zeros says. */
static void seal_info(struct bytes info, struct writer *sealed)
{
	const struct suite *suite = suite_find(1);
	struct secret joiner, psk, member, welcome;
	struct welcome_key key;

	secret_zero(suite, &joiner);
	secret_zero(suite, &psk);
	member_secret_derive(suite, &joiner, &psk, &member);
	welcome_secret_derive(suite, &member, &welcome);
	welcome_key_derive(suite, &welcome, &key);
	writer_put_bytes(sealed, info);
	writer_put_zeros(sealed, AEAD_TAG_LEN);
	aead_seal(suite->hpke.aead, BYTES(key.key, 16), BYTES(key.nonce, 12), BYTES_NONE,
		  BYTES(sealed->data, info.len), sealed->data);
}

static void join_by_parts(struct bytes group_info, struct bytes group_secrets)
{
	struct hpke_info prepared;
	struct writer sealed, info, out;
	struct key_package_view view;
	size_t start;

	setting_must(key_package_message_read(mls_buffer_bytes(&package), &view));
	writer_init_growing(&sealed, &allocator_default);
	writer_init_growing(&info, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	seal_info(group_info, &sealed);
	encrypt_context_write(&info, "Welcome", writer_bytes(&sealed));
	writer_put_u16(&out, MLS_VERSION);
	writer_put_u16(&out, MLS_WELCOME);
	writer_put_u16(&out, 1);
	start = writer_begin_vector(&out);
	writer_put_vector(&out, BYTES(ref, ref_len));
	hpke_info_init(&prepared, suite_find(1)->hpke, writer_bytes(&info));
	suite_encrypt(suite_find(1), &stream, view.init_key, &prepared, group_secrets, &out);
	writer_end_vector(&out, start);
	writer_put_vector(&out, writer_bytes(&sealed));
	if (out.err == SOTTO_OK)
		join(writer_bytes(&out));
	writer_release(&sealed);
	writer_release(&info);
	writer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[35] = {
		32}; /* joiner_secret<V> of zeros, no path secret, no PSKs */
	struct bytes input;

	if (package.data == NULL)
		begin();
	if (size == 0)
		return 0;
	stream_state = 2;
	input = BYTES(data + 1, size - 1);
	switch (data[0]) {
	case 0:
		join(input);
		break;
	case 1:
		join_by_parts(input, BYTES_OF(zeros));
		break;
	case 2:
		join_by_parts(BYTES_TEXT("not a group info"), input);
		break;
	case 3:
		join_external(input);
		break;
	default:
		break;
	}
	return 0;
}
