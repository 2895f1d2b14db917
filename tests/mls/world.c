/* SPDX-License-Identifier: Apache-2.0 */
/* The members' world: see the header. */
#include "tests/mls/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const uint16_t world_suites[WORLD_SUITES] = {
	MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
	MLS_128_DHKEMP256_AES128GCM_SHA256_P256,
	MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519,
	MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448,
	MLS_256_DHKEMP521_AES256GCM_SHA512_P521,
	MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448,
	MLS_256_DHKEMP384_AES256GCM_SHA384_P384,
	MLS_MLKEM768X25519_AES128GCM_SHA256_Ed25519,
	MLS_MLKEM768X25519_AES256GCM_SHA384_Ed25519,
};

uint16_t world_suite(void)
{
	const char *number = getenv("MLS_SUITE");
	uint16_t suite = number != NULL ? (uint16_t)strtoul(number, NULL, 0) : 1;

	assert_true(mls_suite_supported(suite));
	return suite;
}

void world_init(struct world *world, uint16_t suite, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->test_random.seed = seed;
	world->random = test_random_source(&world->test_random);
	world->suite = suite;
	world->handshake = MLS_PRIVATE_MESSAGE;
	world->config = (struct mls_config){
		.allocator = &allocator_default,
		.random = &world->random,
		.limits = *mls_limits_default(),
	};
}

void world_finish(struct world *world)
{
	for (unsigned i = 0; i < world->actor_count; i++) {
		mls_group_destroy(world->actors[i].group);
		secret_wipe(&world->actors[i].identity.private_key);
	}
}

unsigned world_new_actor(struct world *world)
{
	struct actor *actor;

	assert_true(world->actor_count < WORLD_MAX);
	actor = &world->actors[world->actor_count];
	snprintf(actor->name, sizeof(actor->name), "actor-%u", world->names++);
	assert_int_equal(mls_identity_generate(&world->config, world->suite, &actor->identity),
			 SOTTO_OK);
	return world->actor_count++;
}

void world_leaf_options(const struct actor *actor, struct mls_leaf_options *options)
{
	static const uint16_t types[] = {MLS_EXTENSION_PRIVATE_USE, 0x0a0a};
	static const uint16_t grease[] = {0x0a0a};

	*options = (struct mls_leaf_options){
		.identity = &actor->identity,
		.credential = {.type = MLS_CREDENTIAL_BASIC,
			       .content = BYTES(actor->name, strlen(actor->name))},
		.extension_types = types,
		.extension_type_count = 2,
		.proposal_types = grease,
		.proposal_type_count = 1,
		.credential_types = grease,
		.credential_type_count = 1,
		.lifetime = {.not_before = 0, .not_after = UINT64_MAX},
	};
}

void world_key_package(struct world *world, unsigned actor, struct mls_buffer *message,
		       struct mls_key_package_secrets *secrets)
{
	struct mls_leaf_options options;

	world_leaf_options(&world->actors[actor], &options);
	assert_int_equal(
		mls_key_package_create(&world->config, &options, NULL, 0, message, secrets),
		SOTTO_OK);
}

void world_set_send_options(struct world *world, unsigned actor)
{
	struct mls_send_options options = {
		.handshake = world->handshake,
		.handshake_padding = 7,
		.tree_in_welcome = !world->tree_apart,
	};

	mls_group_set_send_options(world->actors[actor].group, &options);
}

void world_create(struct world *world, unsigned actor)
{
	struct mls_extension extension = {MLS_EXTENSION_PRIVATE_USE, BYTES_TEXT("ledger head")};
	struct mls_leaf_options options;

	world_leaf_options(&world->actors[actor], &options);
	assert_int_equal(mls_group_create(&world->config, BYTES_TEXT("test group"), &options,
					  &extension, 1, &world->actors[actor].group),
			 SOTTO_OK);
	world_set_send_options(world, actor);
}

void world_deliver(struct world *world, unsigned by, struct bytes message)
{
	for (unsigned i = 0; i < world->actor_count; i++) {
		struct mls_staged *staged = NULL;

		if (world->actors[i].group == NULL || i == by)
			continue;
		assert_int_equal(mls_group_receive(world->actors[i].group, message, &staged),
				 SOTTO_OK);
		assert_int_equal(mls_group_merge(world->actors[i].group, &staged), SOTTO_OK);
		assert_null(staged);
		if (!mls_group_active(world->actors[i].group)) {
			mls_group_destroy(world->actors[i].group);
			world->actors[i].group = NULL;
		}
	}
}

static void join(struct world *world, unsigned actor, struct bytes welcome, struct bytes package,
		 const struct mls_key_package_secrets *secrets, struct bytes tree)
{
	struct mls_join_options options = {
		.welcome = welcome,
		.key_package = package,
		.secrets = secrets,
		.identity = &world->actors[actor].identity,
		.tree = tree,
	};
	uint8_t ref[MLS_HASH_LEN_MAX];
	size_t len;

	assert_int_equal(mls_key_package_ref(package, ref, &len), SOTTO_OK);
	assert_int_equal(mls_welcome_find(welcome, BYTES(ref, len)), SOTTO_OK);
	assert_int_equal(mls_group_join(&world->config, &options, &world->actors[actor].group),
			 SOTTO_OK);
	world_set_send_options(world, actor);
}

void world_commit(struct world *world, unsigned by, const unsigned *add, size_t add_count,
		  const unsigned *remove, size_t remove_count, bool path)
{
	static struct mls_key_package_secrets secrets[WORLD_MAX];
	struct mls_buffer packages[WORLD_MAX] = {0};
	struct bytes package_bytes[WORLD_MAX];
	uint32_t leaves[WORLD_MAX];
	struct mls_buffer commit = {0}, welcome = {0}, tree = {0};
	struct mls_group *group = world->actors[by].group;
	struct mls_commit_options options = {
		.add = package_bytes,
		.add_count = add_count,
		.remove = leaves,
		.remove_count = remove_count,
		.path = path,
		.authenticated_data = BYTES_TEXT("aad"),
	};

	for (size_t i = 0; i < add_count; i++) {
		world_key_package(world, add[i], &packages[i], &secrets[i]);
		package_bytes[i] = mls_buffer_bytes(&packages[i]);
	}
	for (size_t i = 0; i < remove_count; i++)
		leaves[i] = mls_group_own_leaf(world->actors[remove[i]].group);
	assert_int_equal(mls_group_commit(group, &options, &commit, &welcome), SOTTO_OK);
	assert_true(mls_group_is_pending(group, mls_buffer_bytes(&commit)));
	world_deliver(world, by, mls_buffer_bytes(&commit));
	if (world->tree_apart)
		assert_int_equal(mls_group_pending_tree(group, &tree), SOTTO_OK);
	assert_int_equal(mls_group_apply_pending(group), SOTTO_OK);
	assert_int_equal(welcome.len != 0, add_count != 0);
	for (size_t i = 0; i < add_count; i++) {
		join(world, add[i], mls_buffer_bytes(&welcome), package_bytes[i], &secrets[i],
		     mls_buffer_bytes(&tree));
		mls_buffer_release(&packages[i]);
	}
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	mls_buffer_release(&tree);
	world_check(world);
}

void world_commit_with(struct world *world, unsigned by, const struct mls_commit_options *options)
{
	struct mls_buffer commit = {0}, welcome = {0};

	assert_int_equal(mls_group_commit(world->actors[by].group, options, &commit, &welcome),
			 SOTTO_OK);
	assert_int_equal(welcome.len, 0);
	world_deliver(world, by, mls_buffer_bytes(&commit));
	assert_int_equal(mls_group_apply_pending(world->actors[by].group), SOTTO_OK);
	mls_buffer_release(&commit);
	world_check(world);
}

void world_propose(struct world *world, unsigned by, enum sotto_err err, struct mls_buffer *message)
{
	assert_int_equal(err, SOTTO_OK);
	world_deliver(world, by, mls_buffer_bytes(message));
	mls_buffer_release(message);
}

void world_join_external(struct world *world, unsigned actor, unsigned by, bool resync)
{
	struct mls_buffer info = {0}, tree = {0}, commit = {0};
	struct mls_group_info_options with = {.with_external_pub = true,
					      .with_tree = !world->tree_apart};
	struct mls_group *group = world->actors[by].group;
	struct mls_leaf_options leaf;
	struct mls_external_join_options options = {.leaf = &leaf, .resync = resync};

	world_leaf_options(&world->actors[actor], &leaf);
	assert_int_equal(mls_group_info(group, &with, &info), SOTTO_OK);
	if (world->tree_apart)
		assert_int_equal(mls_group_tree(group, &tree), SOTTO_OK);
	options.group_info = mls_buffer_bytes(&info);
	options.tree = mls_buffer_bytes(&tree);
	mls_group_destroy(world->actors[actor].group);
	world->actors[actor].group = NULL;
	assert_int_equal(mls_group_join_external(&world->config, &options, &commit,
						 &world->actors[actor].group),
			 SOTTO_OK);
	world_set_send_options(world, actor);
	world_deliver(world, actor, mls_buffer_bytes(&commit));
	mls_buffer_release(&info);
	mls_buffer_release(&tree);
	mls_buffer_release(&commit);
	world_check(world);
}

void world_check(struct world *world)
{
	uint8_t first[MLS_HASH_LEN_MAX], other[MLS_HASH_LEN_MAX];
	size_t len = mls_suite_hash_len(world->suite);
	struct mls_context context, same;
	bool any = false;

	for (unsigned i = 0; i < world->actor_count; i++) {
		struct mls_group *group = world->actors[i].group;

		if (group == NULL)
			continue;
		mls_group_epoch_authenticator(group, any ? other : first);
		mls_group_context(group, any ? &same : &context);
		if (any) {
			assert_memory_equal(first, other, len);
			assert_true(bytes_equal(context.encoded, same.encoded));
		}
		any = true;
	}
	assert_true(any);
}

void world_message(struct world *world, unsigned by, const char *text)
{
	struct bytes aad = BYTES_TEXT("data beside it");
	uint8_t message[1024], plaintext[1024];
	struct mls_application application;
	size_t len = 0;

	assert_int_equal(mls_group_protect(world->actors[by].group, aad, BYTES(text, strlen(text)),
					   33, message, sizeof(message), &len),
			 SOTTO_OK);
	assert_true(len <=
		    mls_group_protect_len(world->actors[by].group, aad.len, strlen(text), 33));
	for (unsigned i = 0; i < world->actor_count; i++) {
		if (world->actors[i].group == NULL || i == by)
			continue;
		assert_int_equal(mls_group_unprotect(world->actors[i].group, BYTES(message, len),
						     plaintext, sizeof(plaintext), &application),
				 SOTTO_OK);
		assert_true(bytes_equal(application.plaintext, BYTES(text, strlen(text))));
		assert_true(bytes_equal(application.authenticated_data, aad));
		assert_int_equal(application.sender, mls_group_own_leaf(world->actors[by].group));
		/* Once is enough. */
		assert_int_equal(mls_group_unprotect(world->actors[i].group, BYTES(message, len),
						     plaintext, sizeof(plaintext), &application),
				 SOTTO_ERR_REPLAY);
	}
}

void world_state(struct mls_group *group, struct mls_buffer *state)
{
	struct mls_buffer epoch_part = {0}, ratchet_part = {0};
	uint8_t *data;

	assert_int_equal(mls_group_save(group, &epoch_part), SOTTO_OK);
	assert_int_equal(mls_group_save_ratchets(group, 1, &ratchet_part), SOTTO_OK);
	data = malloc(epoch_part.len + ratchet_part.len);
	assert_non_null(data);
	memcpy(data, epoch_part.data, epoch_part.len);
	memcpy(data + epoch_part.len, ratchet_part.data, ratchet_part.len);
	*state = (struct mls_buffer){
		.data = data,
		.len = epoch_part.len + ratchet_part.len,
		.capacity = epoch_part.len + ratchet_part.len,
		.allocator = &allocator_default,
	};
	mls_buffer_release(&epoch_part);
	mls_buffer_release(&ratchet_part);
}

void world_reload_all(struct world *world)
{
	for (unsigned i = 0; i < world->actor_count; i++) {
		if (world->actors[i].group != NULL)
			world_reload(world, i);
	}
}

void world_reload(struct world *world, unsigned actor)
{
	struct mls_buffer tree_part = {0}, epoch_part = {0}, ratchet_part = {0};
	struct mls_group *loaded = NULL;

	assert_int_equal(mls_group_save_tree(world->actors[actor].group, &tree_part), SOTTO_OK);
	assert_int_equal(mls_group_save(world->actors[actor].group, &epoch_part), SOTTO_OK);
	assert_int_equal(mls_group_save_ratchets(world->actors[actor].group, 3, &ratchet_part),
			 SOTTO_OK);
	assert_int_equal(mls_group_load(&world->config, mls_buffer_bytes(&tree_part),
					mls_buffer_bytes(&epoch_part),
					mls_buffer_bytes(&ratchet_part), &loaded),
			 SOTTO_OK);
	mls_group_destroy(world->actors[actor].group);
	world->actors[actor].group = loaded;
	mls_buffer_release(&tree_part);
	mls_buffer_release(&epoch_part);
	mls_buffer_release(&ratchet_part);
}
