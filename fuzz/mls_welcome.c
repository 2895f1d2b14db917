/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a joiner reads: a Welcome as it comes, and, as a member could make them, a group info and
 * group secrets inside one that opens; and a group info message, to join by. First byte: 0 the
 * welcome itself, 1 the group info, 2 the group secrets, 3 a group info message, and by which suite
 * (fuzz/mls_setting.h).
 */
#include <stddef.h>
#include <stdint.h>

#include "fuzz/mls_setting.h"
#include "mls/welcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mls_config config;

/* One for each suite, made when an input first asks for it. */
static struct setting {
	uint16_t suite;
	struct mls_identity identity;
	struct mls_buffer package;
	struct mls_key_package_secrets secrets;
	uint8_t ref[MLS_HASH_LEN_MAX];
	size_t ref_len;
} settings[SETTING_SUITES];

static struct setting *find_setting(size_t index)
{
	struct setting *setting = &settings[index];
	struct mls_leaf_options leaf;

	if (setting->package.data != NULL)
		return setting;
	config = setting_config();
	stream_state = 1;
	setting->suite = setting_suites[index];
	setting_must(mls_identity_generate(&config, setting->suite, &setting->identity));
	setting_leaf(&setting->identity, &leaf);
	setting_must(mls_key_package_create(&config, &leaf, NULL, 0, &setting->package,
					    &setting->secrets));
	setting_must(mls_key_package_ref(mls_buffer_bytes(&setting->package), setting->ref,
					 &setting->ref_len));
	return setting;
}

static void join(const struct setting *setting, struct bytes welcome)
{
	struct mls_group *group = NULL;
	struct mls_buffer one = {0};
	struct mls_join_options options = {
		.welcome = welcome,
		.key_package = mls_buffer_bytes(&setting->package),
		.secrets = &setting->secrets,
		.identity = &setting->identity,
	};

	if (mls_group_join(&config, &options, &group) == SOTTO_OK)
		mls_group_destroy(group);
	/* Cut for one, it is a welcome for that one and the same for whoever cuts it again. */
	if (mls_welcome_for(&allocator_default, welcome, BYTES(setting->ref, setting->ref_len),
			    &one) == SOTTO_OK) {
		struct mls_buffer again = {0};

		setting_must(mls_welcome_find(mls_buffer_bytes(&one),
					      BYTES(setting->ref, setting->ref_len)));
		setting_must(mls_welcome_for(&allocator_default, mls_buffer_bytes(&one),
					     BYTES(setting->ref, setting->ref_len), &again));
		ASSERT(bytes_equal(mls_buffer_bytes(&one), mls_buffer_bytes(&again)));
		mls_buffer_release(&again);
		mls_buffer_release(&one);
	}
}

static void join_external(const struct setting *setting, struct bytes info)
{
	struct mls_group *group = NULL;
	struct mls_leaf_options leaf;
	struct mls_external_join_options options = {.group_info = info, .leaf = &leaf};
	struct mls_buffer commit = {0};

	setting_leaf(&setting->identity, &leaf);
	for (int resync = 0; resync < 2; resync++) {
		options.resync = resync != 0;
		if (mls_group_join_external(&config, &options, &commit, &group) == SOTTO_OK)
			mls_group_destroy(group);
		mls_buffer_release(&commit);
	}
}

/* Seals a group info as the joiner secret of zeros says. */
static void seal_info(const struct suite *suite, struct bytes info, struct writer *sealed)
{
	struct secret joiner, psk, member, welcome;
	struct welcome_key key;

	secret_zero(suite, &joiner);
	secret_zero(suite, &psk);
	member_secret_derive(suite, &joiner, &psk, &member);
	welcome_secret_derive(suite, &member, &welcome);
	welcome_key_derive(suite, &welcome, &key);
	writer_put_bytes(sealed, info);
	writer_put_zeros(sealed, AEAD_TAG_LEN);
	aead_seal(suite->hpke.aead, BYTES(key.key, aead_key_len(suite->hpke.aead)),
		  BYTES(key.nonce, aead_nonce_len(suite->hpke.aead)), BYTES_NONE,
		  BYTES(sealed->data, info.len), sealed->data);
}

static void join_by_parts(const struct setting *setting, struct bytes group_info,
			  struct bytes group_secrets)
{
	const struct suite *suite = suite_find(setting->suite);
	struct hpke_info info;
	struct writer sealed, out;
	struct key_package_view view;
	size_t start;

	setting_must(key_package_message_read(mls_buffer_bytes(&setting->package), &view));
	writer_init_growing(&sealed, &allocator_default);
	writer_init_growing(&out, &allocator_default);
	seal_info(suite, group_info, &sealed);
	suite_encrypt_info(suite, "Welcome", writer_bytes(&sealed), &info);
	writer_put_u16(&out, MLS_VERSION);
	writer_put_u16(&out, MLS_WELCOME);
	writer_put_u16(&out, setting->suite);
	start = writer_begin_vector(&out);
	writer_put_vector(&out, BYTES(setting->ref, setting->ref_len));
	suite_encrypt(suite, &stream, view.init_key, &info, group_secrets, &out);
	writer_end_vector(&out, start);
	writer_put_vector(&out, writer_bytes(&sealed));
	if (out.err == SOTTO_OK)
		join(setting, writer_bytes(&out));
	writer_release(&sealed);
	writer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* joiner_secret<V> of zeros, no path secret, no PSKs */
	uint8_t zeros[1 + HASH_LEN_MAX + 2] = {0};
	const struct setting *setting;
	struct bytes input;

	if (size == 0)
		return 0;
	setting = find_setting(setting_suite_index(data[0]));
	zeros[0] = (uint8_t)mls_suite_hash_len(setting->suite);
	stream_state = 2;
	input = BYTES(data + 1, size - 1);
	switch (setting_kind(data[0])) {
	case 0:
		join(setting, input);
		break;
	case 1:
		join_by_parts(setting, input, BYTES(zeros, 1 + (size_t)zeros[0] + 2));
		break;
	case 2:
		join_by_parts(setting, BYTES_TEXT("not a group info"), input);
		break;
	case 3:
		join_external(setting, input);
		break;
	default:
		break;
	}
	return 0;
}
