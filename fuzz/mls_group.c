/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole group under commits and proposals of somebody who signs and seals whatever the input says:
 * none may crash a receiver or, being refused, change it. First byte: who sends what, see roles, and by which
 * suite (fuzz/mls_setting.h); the rest is the Commit's or Proposal's encoding.
 */
#include <stddef.h>
#include <stdint.h>

#include "fuzz/mls_setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS 5

static struct mls_config config;

/* One for each suite, made when an input first asks for it. */
static struct setting {
	uint16_t suite;
	struct mls_identity identities[MEMBERS + 1]; /* the last is outside, and may propose */
	struct mls_group *sender;
	struct mls_group *receiver;
	uint8_t before[HASH_LEN_MAX]; /* of the receiver's state */
} settings[SETTING_SUITES];

static void create(struct setting *setting)
{
	struct mls_extension extensions[2] = {{MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("head")}};
	struct mls_identity *service = &setting->identities[MEMBERS];
	struct mls_external_sender outside = {
		.credential = {MLS_CREDENTIAL_BASIC, BYTES_TEXT("service")},
	};
	struct mls_buffer data = {0};
	struct mls_leaf_options leaf;

	setting_must(mls_identity_generate(&config, setting->suite, service));
	outside.signature_key = BYTES(service->public_key, service->public_len);
	setting_must(mls_external_senders_write(&config, &outside, 1, &data));
	extensions[1] =
		(struct mls_extension){MLS_EXTENSION_EXTERNAL_SENDERS, mls_buffer_bytes(&data)};
	setting_must(mls_identity_generate(&config, setting->suite, &setting->identities[0]));
	setting_leaf(&setting->identities[0], &leaf);
	setting_must(mls_group_create(&config, BYTES_TEXT("fuzz"), &leaf, extensions, 2,
				      &setting->sender));
	mls_buffer_release(&data);
}

/* The sender adds all others in one commit with a path; the second of them is the receiver. */
static void fill(struct setting *setting)
{
	struct mls_buffer packages[MEMBERS] = {0}, commit = {0}, welcome = {0};
	struct mls_key_package_secrets secrets[MEMBERS];
	struct bytes add[MEMBERS];
	struct mls_leaf_options leaf;
	struct mls_commit_options options = {.add = add, .add_count = MEMBERS - 1, .path = true};
	struct mls_join_options join = {.secrets = &secrets[2],
					.identity = &setting->identities[2]};

	for (size_t i = 1; i < MEMBERS; i++) {
		setting_must(
			mls_identity_generate(&config, setting->suite, &setting->identities[i]));
		setting_leaf(&setting->identities[i], &leaf);
		setting_must(
			mls_key_package_create(&config, &leaf, NULL, 0, &packages[i], &secrets[i]));
		add[i - 1] = mls_buffer_bytes(&packages[i]);
	}
	setting_must(mls_group_commit(setting->sender, &options, &commit, &welcome));
	setting_must(mls_group_apply_pending(setting->sender));
	join.welcome = mls_buffer_bytes(&welcome);
	join.key_package = mls_buffer_bytes(&packages[2]);
	setting_must(mls_group_join(&config, &join, &setting->receiver));
	for (size_t i = 1; i < MEMBERS; i++)
		mls_buffer_release(&packages[i]);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
}

static void state_hash(const struct mls_group *group, uint8_t hash[HASH_LEN_MAX])
{
	struct mls_buffer part = {0};

	setting_must(mls_group_save(group, &part));
	hash_digest(HASH_SHA256, mls_buffer_bytes(&part), hash);
	mls_buffer_release(&part);
}

static struct setting *find_setting(size_t index)
{
	struct setting *setting = &settings[index];

	if (setting->receiver != NULL)
		return setting;
	config = setting_config();
	config.external_commits = true;
	config.new_member_proposals = true;
	stream_state = 3;
	setting->suite = setting_suites[index];
	create(setting);
	fill(setting);
	state_hash(setting->receiver, setting->before);
	return setting;
}

/* The low half of the input's first byte, modulo their number. */
static const struct role {
	enum mls_content_type content;
	enum sender_type sender;
	unsigned identity;
} roles[] = {
	{MLS_CONTENT_COMMIT, SENDER_MEMBER, 0},
	{MLS_CONTENT_PROPOSAL, SENDER_MEMBER, 0},
	{MLS_CONTENT_COMMIT, SENDER_NEW_MEMBER_COMMIT, MEMBERS},
	{MLS_CONTENT_PROPOSAL, SENDER_EXTERNAL, MEMBERS},
	{MLS_CONTENT_PROPOSAL, SENDER_NEW_MEMBER_PROPOSAL, MEMBERS},
};

static void send(struct setting *setting, const struct role *role, struct bytes body,
		 struct writer *out)
{
	struct mls_group *sender = setting->sender;
	struct frame_keys keys = epoch_frame_keys(sender->epoch);
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	uint8_t tag[HASH_LEN_MAX] = {0};
	size_t len;
	struct framed framed = {
		.wire_format = MLS_PUBLIC_MESSAGE,
		.group_id = group_id_bytes(sender),
		.epoch = sender->epoch->number,
		.sender_type = role->sender,
		.content_type = role->content,
		.body = body,
		.confirmation_tag = BYTES(tag, mls_suite_hash_len(setting->suite)),
	};

	setting_must(frame_sign(&keys, &stream, &setting->identities[role->identity].private_key,
				&framed, &sender->scratch, signature, &len));
	framed.signature = BYTES(signature, len);
	setting_must(frame_public_write(&keys, &framed, &sender->scratch, out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t after[HASH_LEN_MAX];
	struct mls_staged *staged = NULL;
	const struct role *role;
	struct setting *setting;
	struct writer message;

	if (size == 0)
		return 0;
	setting = find_setting(setting_suite_index(data[0]));
	role = &roles[setting_kind(data[0]) % ARRAY_LEN(roles)];
	stream_state = 4;
	writer_init_growing(&message, &allocator_default);
	send(setting, role, BYTES(data + 1, size - 1), &message);
	/*
	 * A commit cannot get past its confirmation tag; a proposal may be good, and is dropped
	 * again.
	 */
	if (mls_group_receive(setting->receiver, writer_bytes(&message), &staged) == SOTTO_OK)
		ASSERT(role->content == MLS_CONTENT_PROPOSAL);
	mls_staged_destroy(staged);
	writer_release(&message);
	state_hash(setting->receiver, after);
	ASSERT(memcmp(setting->before, after, 32) == 0);
	return 0;
}
